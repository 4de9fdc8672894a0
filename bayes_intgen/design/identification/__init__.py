"""Which experiments determine which effect."""
