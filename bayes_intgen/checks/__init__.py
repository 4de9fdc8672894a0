"""Falsification: what the data say against the assumptions."""
