"""What every fit checks of itself."""
