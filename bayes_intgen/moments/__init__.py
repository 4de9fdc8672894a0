"""Rows to sums: the sufficient statistics of a Gaussian regression on the features."""
