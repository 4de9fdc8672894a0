"""What every package stands on: errors, regimes and blocks, arguments, files, centred moments."""
