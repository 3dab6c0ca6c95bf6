"""Loaded sets, their parts, their preparation and their batches. Imports errors alone."""
