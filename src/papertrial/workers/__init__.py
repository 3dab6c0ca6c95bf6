"""A pool of worker processes that survives the death of any one of them."""
