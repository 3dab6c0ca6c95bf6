"""Samples that are tensors of any shape, one or several by name."""
