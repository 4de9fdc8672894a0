"""Tables to regime-labelled rows, and the first pass over them."""
