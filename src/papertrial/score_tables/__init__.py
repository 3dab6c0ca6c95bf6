"""Tables of scores that people have: CSV, JSON, Python objects, to one score for each run."""
