"""Makers of bad files: each writes one to a path, given a good one, and none is stored.

``FITS`` are made of a saved fit, ``TABLES`` of a CSV or Parquet file (by the suffix of the path).
What is pickled makes a folder ``executed`` where it is unpickled.
"""

import gzip
import io
import json
import os
import pickle
import struct
import zipfile

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import xarray as xr


class Boom:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


def absent(path, good):
    pass


def empty(path, good):
    path.write_bytes(b"")


def folder(path, good):
    path.mkdir()


def loop(path, good):
    path.symlink_to(path)


def fifo(path, good):
    os.mkfifo(path)


def first_bytes(path, good):
    path.write_bytes(good.read_bytes()[:7])


def first_half(path, good):
    content = good.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def most(path, good):
    path.write_bytes(good.read_bytes()[:-20])


def noise(path, good):
    path.write_bytes(np.random.default_rng(1).bytes(5000))


def zeros(path, good):
    path.write_bytes(bytes(len(good.read_bytes())))


def text(path, good):
    path.write_text("Dear all, please find attached the fit.\n")


def markup(path, good):
    path.write_text("<html><body>404 not found</body></html>\n")


def pickled(path, good):
    path.write_bytes(pickle.dumps(Boom()))


def object_array(path, good):
    with path.open("wb") as file:
        np.save(file, np.array([Boom()], dtype=object), allow_pickle=True)


def object_archive(path, good):
    with path.open("wb") as file:
        np.savez(file, mean=np.array([Boom()], dtype=object))


def zip_bomb(path, good):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mean.npy", bytes(2**24))


def zip_elsewhere(path, good):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../executed/x.npy", b"x")


def gzipped(path, good):
    path.write_bytes(gzip.compress(good.read_bytes()))


def foreign(path, good):
    xr.Dataset({"x": [1.0]}).to_netcdf(path, engine="h5netcdf")


def classic(path, good):
    path.write_bytes(xr.Dataset({"x": [1.0]}).to_netcdf(engine="scipy"))


def _edited(edit):
    """Return a maker that copies a fit and changes the copy."""

    def make(path, good):
        path.write_bytes(good.read_bytes())
        with h5py.File(path, "a") as file:
            edit(file)

    return make


def _with_attribute(name, change):
    """Return a maker that changes the text of an attribute."""

    def edit(file):
        file.attrs[name] = change(file.attrs[name])

    return _edited(edit)


def _without(*names):
    """Return a maker that deletes a group, a variable, or an attribute."""

    def edit(file):
        *groups, last = names
        node = file
        for group in groups:
            node = node[group]
        if last in node:
            del node[last]
        else:
            del node.attrs[last]

    return _edited(edit)


def _in_json(name, change):
    """Return a maker that changes the state that an attribute holds as JSON."""

    def edit(text):
        state = json.loads(text)
        change(state)
        return json.dumps(state)

    return _with_attribute(name, edit)


def _set(value, *keys):
    def change(state):
        for key in keys[:-1]:
            state = state[key]
        state[keys[-1]] = value

    return change


def _flip(path, good):
    """Turn one bit in the middle of the draws of the weights."""
    path.write_bytes(good.read_bytes())
    with h5py.File(path, "r") as file:
        weights = file["weights/weight"]
        place = weights.id.get_offset() + weights.id.get_storage_size() // 2
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def _write(value):
    def edit(file):
        file["weights/weight"][0, 3, 1] = value

    return _edited(edit)


def _bomb(file):
    """Declare draws of terabytes in a few bytes."""
    del file["posterior/sigma"]
    shape = (1, 10**6, 10**6)
    made = file["posterior"].create_dataset("sigma", shape, "f8", chunks=True, compression="gzip")
    for k, name in enumerate(("big_chain", "big_draw", "big_regime")):
        axis = file["posterior"].create_dataset(name, (shape[k],), "f8", chunks=True)
        axis.make_scale(name)
        made.dims[k].attach_scale(axis)


def _link(file):
    del file["posterior"]
    file["posterior"] = h5py.ExternalLink("/etc/passwd", "/posterior")


def _reference(file):
    """Put a reference to an object where the design should be."""
    file.attrs["design"] = file["posterior"].ref


FITS = {
    maker.__name__.strip("_"): maker
    for maker in (
        *(absent, empty, folder, loop, fifo, first_bytes, first_half, most, noise, zeros, text),
        *(markup, pickled, object_array, object_archive, zip_bomb, zip_elsewhere, gzipped),
        *(foreign, classic, _flip),
    )
} | {
    "another format": _with_attribute("format", lambda text: "bayes_intgen fit, format 99"),
    "format is a number": _with_attribute("format", lambda text: 4),
    "no format": _without("format"),
    "no digest": _without("digest"),
    "another digest": _with_attribute("digest", lambda text: "0" * 64),
    "no design": _without("design"),
    "no draws": _without("posterior"),
    "no weights": _without("weights", "weight"),
    "no sigma": _without("posterior", "sigma"),
    "no constant data": _without("constant_data"),
    "design is not JSON": _with_attribute("design", lambda text: text[:-5]),
    "design is a list": _with_attribute("design", lambda text: "[1, 2]"),
    "design is null": _with_attribute("design", lambda text: "null"),
    "design is deep": _with_attribute("design", lambda text: "[" * 60_000),
    "design is a number": _with_attribute("design", lambda text: 3),
    "design is a reference": _edited(_reference),
    "design with an unknown basis": _with_attribute(
        "design", lambda text: text.replace("polynomial", "os.system")
    ),
    "design with other actions": _with_attribute("design", lambda text: text.replace("a2", "a7")),
    "summary with fewer rows": _in_json("summary", _set(3, "regimes", "obs", "n")),
    "summary with NaN": _in_json("summary", _set([np.nan] * 3, "regimes", "obs", "mean")),
    "summary with infinity": _in_json("summary", _set([np.inf] * 3, "regimes", "obs", "high")),
    "summary with another shape": _in_json("summary", _set([0.0], "regimes", "obs", "mean")),
    "summary with text": _in_json("summary", _set("rm -rf", "regimes", "obs", "n")),
    "summary with an unknown regime": _in_json("summary", _set({}, "regimes", "a9")),
    "scale of one number": _with_attribute("outcome_scale", lambda text: "[1.0]"),
    "scale of texts": _with_attribute("outcome_scale", lambda text: '["a", "b"]'),
    "scale changed": _with_attribute("outcome_scale", lambda text: "[0.0, 1.0]"),
    "verdict changed": _in_json("convergence", _set(["all is well"], "problems")),
    "a weight is NaN": _write(np.nan),
    "a weight is infinite": _write(np.inf),
    "a weight is changed": _write(0.123),
    "terabytes": _edited(_bomb),
    "a link to another file": _edited(_link),
}


def _frame(good):
    return pd.read_parquet(good) if good.suffix == ".parquet" else pd.read_csv(good)


def _save(frame, path):
    if path.suffix == ".parquet":
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame)
        pyarrow.parquet.write_table(table, path)
    else:
        frame.to_csv(path, index=False)


def _altered(change):
    """Return a maker of a table in which something is changed."""

    def make(path, good):
        _save(change(_frame(good)), path)

    return make


def no_rows(path, good):
    _save(_frame(good).head(0), path)


def utf16(path, good):
    path.write_text(_frame(good).to_csv(index=False), encoding="utf-16")


def ragged(path, good):
    path.write_text(_frame(good).to_csv(index=False) + "1.0,2.0\n")


def null_bytes(path, good):
    content = _frame(good).to_csv(index=False).encode()
    start = content.index(b"\n") + 4  # within the first number
    path.write_bytes(content[:start] + bytes(50) + content[start:])


def cut_in_a_row(path, good):
    path.write_text(_frame(good).to_csv(index=False).rpartition(",")[0])


def open_quote(path, good):
    path.write_text(_frame(good).to_csv(index=False) + '"1.0,2.0,3.0,4.0\n' * 3)


def csv_as_parquet(path, good):
    path.write_text(_frame(good).to_csv(index=False))


def parquet_as_csv(path, good):
    buffer = io.BytesIO()
    _frame(good).to_parquet(buffer)
    path.write_bytes(buffer.getvalue())


def footer_far_away(path, good):
    """Write a Parquet file whose footer claims to be longer than the file."""
    content = good.read_bytes()
    path.write_bytes(content[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1")


def nested(path, good):
    frame = _frame(good)
    table = pa.table({**{k: frame[k] for k in frame}, "a1": [[x] for x in frame["a1"]]})
    _save(table, path)


EVERYWHERE = (
    *(absent, empty, folder, loop, fifo, noise, zeros, markup, pickled, object_array),
    *(object_archive, zip_bomb, zip_elsewhere, gzipped, no_rows),
)
CHANGES = {
    "a column is missing": _altered(lambda frame: frame.drop(columns="a1")),
    "a number is missing": _altered(lambda frame: frame.assign(a1=[np.nan, *frame["a1"][1:]])),
    "a number is infinite": _altered(lambda frame: frame.assign(a1=[np.inf, *frame["a1"][1:]])),
    "a number is text": _altered(
        lambda frame: frame.assign(a1=["much", *map(str, frame["a1"][1:])])
    ),
}
TABLES = {
    ".csv": {
        maker.__name__: maker
        for maker in (
            *EVERYWHERE,
            utf16,
            ragged,
            null_bytes,
            open_quote,
            parquet_as_csv,
        )
    }
    | CHANGES
    | {"cut in a row": cut_in_a_row},
    ".parquet": {
        maker.__name__: maker
        for maker in (*EVERYWHERE, first_bytes, first_half, most, footer_far_away, nested)
    }
    | CHANGES
    | {"CSV in fact": csv_as_parquet},
}
