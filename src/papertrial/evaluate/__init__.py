"""A model's outputs on a split, and the metrics computed from stored outputs."""
