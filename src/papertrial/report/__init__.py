"""Build the report of runs from what they stored."""
