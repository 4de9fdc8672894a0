"""The posterior of a fit: estimands, predictions, checks of the fit, plots, files."""
