"""Turn a recipe into a run: prepare, train, evaluate, open."""
