"""A page to send: one HTML file that answers questions offline."""
