"""The likelihood with the coefficients integrated out, its priors, and their twins in PyMC."""
