"""Decode, cache, transform and show images."""
