"""Files that appear whole or not at all, and what is left of the attempts."""

import errno
import os
import subprocess
import sys

import pytest

from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import remove_abandoned, replacing

WRITER = """
import os, sys
from pathlib import Path
from bayes_intgen.base.files import replacing
with replacing(Path(sys.argv[1])) as draft:
    draft.write_text("half a ta")
    os.kill(os.getpid(), 9)
"""


def write(path, text):
    with replacing(path) as draft:
        draft.write_text(text)


def test_a_draft_of_a_killed_process_is_removed_by_the_next(tmp_path):
    path = tmp_path / "table.csv"
    write(path, "earlier")
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", WRITER, path], check=False)
        assert done.returncode == -9
        assert path.read_text() == "earlier"
        drafts = [name for name in os.listdir(tmp_path) if name != "table.csv"]
        assert len(drafts) == 1  # they do not add up
        assert drafts[0].startswith(".draft-")
    write(tmp_path / "another.csv", "later")
    assert sorted(os.listdir(tmp_path)) == ["another.csv", "table.csv"]


def test_the_drafts_of_others_are_left_alone(tmp_path):
    others = [f".draft-elsewhere-{2**22 + 1}-x.nc", ".draft-x.csv", ".draftsman", "draft-1-x"]
    for name in others:
        (tmp_path / name).write_text("theirs")
    with replacing(tmp_path / "a.csv") as mine:
        write(tmp_path / "b.csv", "x")  # the draft of a process that runs
        mine.write_text("y")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "a.csv", "b.csv"])


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_is_an_error_and_leaves_the_earlier_file(tmp_path, monkeypatch, step):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "table.csv"
    write(path, "earlier")
    monkeypatch.setattr(os, step, full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(FileError, match=r"cannot write .*table\.csv.*No space left"):
        write(path, "later")
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_an_interrupt_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "table.csv"
    write(path, "earlier")

    def interrupted():
        with replacing(path) as draft:
            draft.write_text("half a ta")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_a_folder_that_is_gone_is_no_problem(tmp_path):
    remove_abandoned(tmp_path / "nowhere")
