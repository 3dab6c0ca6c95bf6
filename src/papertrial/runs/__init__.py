"""Run folders and where their results came from. Imports errors alone."""
