"""Tasks: what the outputs of a model mean, and what targets they are compared with."""
