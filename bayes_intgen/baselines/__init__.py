"""The estimator of the paper and its baselines."""
