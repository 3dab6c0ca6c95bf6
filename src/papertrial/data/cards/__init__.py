"""Data cards: what a set of any source holds, counted without learning from it."""
