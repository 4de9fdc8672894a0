"""Atomic writes: files that appear whole or not at all.

A file is written under another name beside its own, flushed to disk and moved in one step. If the
process is killed in between, that draft is left behind. Its name, ``.draft-<host>-<process>-...``,
tells whose it is, and the next file written into the folder removes the drafts of processes of the
same machine that are gone; so drafts do not accumulate, and those of others are left alone.
"""

import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bayes_intgen.base.errors import FileError

__all__ = ["is_file", "is_folder", "remove_abandoned", "replacing"]

DRAFT = ".draft-"


def is_file(path: Path) -> bool:
    """Say whether there is a file; False where it may not be looked for, as in another's folder."""
    return os.path.isfile(path)


def is_folder(path: Path) -> bool:
    """Say whether there is a folder; False where it may not be looked for."""
    return os.path.isdir(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside ``path``; on success flush it to disk and move it there in one step.

    Whatever happens in between, an earlier file at ``path`` stays as it was.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written to.
    """
    if not is_folder(path.parent):
        raise FileError(f"path: the folder {str(path.parent)!r} does not exist; make it first.")
    if is_folder(path):
        raise FileError(f"path: {str(path)!r} is a folder; give the name of a file.")
    remove_abandoned(path.parent)
    owner = f"{DRAFT}{_machine()}-{os.getpid()}-"
    try:
        handle, name = tempfile.mkstemp(prefix=owner, suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise FileError(f"path: cannot write into {str(path.parent)!r}: {error}") from error
    draft = Path(name)
    try:
        os.close(handle)
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except OSError as error:
        raise FileError(f"path: cannot write {str(path)!r}: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove the drafts that processes of this machine left in a folder when they were killed."""
    mine = re.compile(rf"{re.escape(DRAFT)}{re.escape(_machine())}-(\d+)-")
    with suppress(OSError):  # a folder that cannot be listed or changed; writing says so itself
        for draft in folder.glob(f"{DRAFT}*"):
            owner = mine.match(draft.name)
            if owner and not _runs(int(owner[1])):
                draft.unlink(missing_ok=True)


def _machine() -> str:
    """Return the name of this machine, as far as it can stand in that of a file."""
    return re.sub(r"[^A-Za-z0-9]", "", platform.node()) or "host"


def _runs(process: int) -> bool:
    """Say whether a process may be running; on systems that cannot be asked, every one may."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
