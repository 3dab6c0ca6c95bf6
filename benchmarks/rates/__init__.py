"""The simulations behind `verdict_rates.py`, one topic in each module."""
