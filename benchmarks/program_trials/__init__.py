"""Trials of `papertrial verify` on programs: stops, processes, equal scores, memory."""
