"""Identification: which effects follow from which experiments."""
