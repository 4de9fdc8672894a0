"""A few kills and interrupts of the commands; ``tests/cases/kills.py`` makes as many as asked."""

import subprocess
import sys

import pytest

from tests.cases import kills


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks processes and kills them")
def test_what_is_left_when_commands_are_killed_is_whole(tmp_path):
    command = [sys.executable, kills.__file__, str(tmp_path), "--kills", "1", "--interrupts", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("at most") == 4
