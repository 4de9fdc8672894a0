"""From rows and choices to draws: NUTS, Laplace, and what every fit checks."""
