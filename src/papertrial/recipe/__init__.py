"""Text -> a frozen, typed record of what to do. Imports errors alone."""
