"""The probes of `papertrial check`: what can go wrong, found before the training."""
