"""Read tables and turn their columns into numbers."""
