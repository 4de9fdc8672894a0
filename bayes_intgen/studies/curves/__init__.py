"""Errors and intervals over families of curves, experiments and noises that people have."""
