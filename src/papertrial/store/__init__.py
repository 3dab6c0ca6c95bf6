"""Run folders, verification folders and the records kept in them."""
