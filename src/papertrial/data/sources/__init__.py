"""Load a data set: a named set, a user's own files, or a function."""
