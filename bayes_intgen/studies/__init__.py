"""Studies over many systems or data sets: resumable, in parallel, the same whatever runs them."""
