"""Fits of many outcomes of the same actions: the study, its files, and what is asked of all."""
