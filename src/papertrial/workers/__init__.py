"""A pool of processes that survives the death of any one of them."""
