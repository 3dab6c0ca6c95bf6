"""Read the repository of a program, and suggest its command and its scores."""
