"""Run a model over a split and compute metrics from its stored outputs."""
