"""Planning of experiments: what further rows would teach, and what that is worth."""
