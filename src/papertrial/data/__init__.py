"""Data sets, their splits, their preparation and their batches."""
