"""Why a model does not run: trace a forward pass and explain its failure."""
