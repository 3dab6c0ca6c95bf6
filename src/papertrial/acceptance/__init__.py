"""A series of ideas, each accepted or not as an improvement, under one error budget."""
