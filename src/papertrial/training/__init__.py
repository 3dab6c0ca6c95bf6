"""Devices, optimizers, the training loop and its state."""
