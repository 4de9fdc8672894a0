"""Digest of everything in a saved fit: a file that was damaged or altered is not read.

netCDF keeps no checksum, so that a flipped bit in a block of numbers, or a number changed by hand,
would go unnoticed. The digest is that of the contents, not of the file: names, dimensions, shapes,
numbers as 64 bits and texts, node by node. It protects against damage, not against somebody who
computes it anew; nothing in a file is ever executed either way.
"""

import hashlib
import json

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["digest_tree"]

TEXT = frozenset("OUST")


def digest_tree(tree: xr.DataTree, ignored: str) -> str:
    """Return the fingerprint of a tree, one attribute at whose root does not count."""
    digest = hashlib.sha256()
    attributes = {key: str(value) for key, value in tree.attrs.items() if key != ignored}
    digest.update(json.dumps(attributes, sort_keys=True).encode())
    for node in sorted(tree.subtree, key=lambda node: node.path):
        data = node.to_dataset(inherit=False)
        for name in sorted(map(str, data.variables)):
            values = data.variables[name]
            head = [node.path, name, list(map(str, values.dims)), list(values.shape)]
            digest.update(json.dumps(head).encode())
            digest.update(_to_bytes(values.to_numpy()))
    return digest.hexdigest()


def _to_bytes(values: npt.NDArray[np.generic]) -> bytes:
    """Write an array in a form that storing and reading it does not change."""
    if values.dtype.kind in TEXT:
        return json.dumps([str(value) for value in values.ravel().tolist()]).encode()
    kind = np.float64 if values.dtype.kind == "f" else np.int64
    return np.ascontiguousarray(values.astype(kind)).tobytes()
