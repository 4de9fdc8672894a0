"""What every room stands on: errors, regimes and blocks, arguments, files, centred moments."""
