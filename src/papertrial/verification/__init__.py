"""Train seeds until a recipe's claims are decided."""
