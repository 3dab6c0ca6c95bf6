"""From scores to a conclusion on claims: what `verify` and `judge` share, and `judge` itself."""
