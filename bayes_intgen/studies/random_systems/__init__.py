"""Errors and intervals over random systems."""
