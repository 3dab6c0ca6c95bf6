"""Turns the text of a recipe into a frozen, typed object."""
