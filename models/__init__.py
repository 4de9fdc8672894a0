"""Complete models written longhand in plain PyMC, one per file; not part of the package.

Each file has the same few names: ``REFERENCE`` (where the model comes from), ``make_data`` (a table
from a system whose truth is known), ``truth`` (its true E[Y | do(a)]) and ``build`` (the PyMC model
with one likelihood term per row). They are the shortest way to see what is being fitted, and the
independent oracle that the compressed likelihood of the package is tested against.
"""
