"""The checks of `papertrial check`, which find problems before the training starts."""
