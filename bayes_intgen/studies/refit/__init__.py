"""Calibration in the user's own setting: simulate, refit, compare."""
