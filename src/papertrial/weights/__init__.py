"""Weights that a model starts from: files of weights, what a model gets of them, known networks."""
