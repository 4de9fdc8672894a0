"""The posterior, and what can be asked of it."""
