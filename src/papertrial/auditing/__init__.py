"""Check that a verification's folder agrees with itself, and retrain one of its seeds."""
