"""Units of work, the pool they run in, and sweeps that resume."""
