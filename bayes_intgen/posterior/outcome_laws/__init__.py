"""Laws of an outcome with a given mean and variance, on the values that its kind allows."""
