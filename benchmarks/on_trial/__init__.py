"""The scenarios of `verify_on_trial.py`, and the fake trainer that draws their scores."""
