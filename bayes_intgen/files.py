"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayes_intgen.errors import FileError

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside ``path``; on success flush it to disk and move it there in one step.

    Whatever happens in between, an earlier file at ``path`` stays as it was.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written to.
    """
    if not path.parent.is_dir():
        raise FileError(f"path: the folder {str(path.parent)!r} does not exist; make it first.")
    if path.is_dir():
        raise FileError(f"path: {str(path)!r} is a folder; give the name of a file.")
    try:
        handle, name = tempfile.mkstemp(prefix=".draft-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise FileError(f"path: cannot write into {str(path.parent)!r}: {error}") from error
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except OSError as error:
        raise FileError(f"path: cannot write {str(path)!r}: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
