"""Trivial units, and a study of them that a test can kill: ``python tests/studies.py OUT``."""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayes_intgen.studies.runner.pool import local_processes
from bayes_intgen.studies.runner.sweep import run_sweep


@dataclass(frozen=True)
class Power:
    """The powers of a number, with a note of who computed them."""

    number: float
    folder: str
    pause: float = 0.0

    @property
    def name(self):
        return f"power-{self.number:g}"

    def run(self):
        with Path(self.folder, "started").open("a") as file:
            file.write(f"{self.number:g} {os.getpid()}\n")
        time.sleep(self.pause)
        return [{"number": self.number, "power": k, "value": self.number**k} for k in (1, 2)]


@dataclass(frozen=True)
class Faulty(Power):
    """A unit that raises."""

    def run(self):
        raise ZeroDivisionError(f"no power of {self.number}")


@dataclass(frozen=True)
class Deadly(Power):
    """A unit that kills the process it runs in, the first few times."""

    times: int = 1
    by: int = signal.SIGKILL

    def run(self):
        marks = Path(self.folder, f"deaths-{self.number:g}")
        deaths = int(marks.read_text()) if marks.exists() else 0
        if deaths < self.times:
            marks.write_text(str(deaths + 1))
            os.kill(os.getpid(), self.by)
        return super().run()


@dataclass(frozen=True)
class Spectrum:
    """Singular values of a random matrix, whose last digits depend on the number of threads."""

    seed: int

    @property
    def name(self):
        return f"spectrum-{self.seed}"

    def run(self):
        matrix = np.random.default_rng(self.seed).normal(size=(300, 300))
        return [{"value": value} for value in np.linalg.svd(matrix @ matrix.T)[1].tolist()]


def main(out):
    """Run eight slow units and two deadly ones in two forked processes; print what was found."""
    slow = [Power(number, out, pause=0.4) for number in range(8)]
    killed, crashing = Deadly(10, out, times=1), Deadly(11, out, times=99, by=signal.SIGSEGV)
    # apart: the death of one ends the process beside it, in the middle of what that would say
    units = [*slow[:-1], killed, slow[-1], crashing]
    result = run_sweep(units, Path(out), local_processes(2, "fork"))
    failed = {failure.key: failure.traceback for failure in result.failures}
    print(json.dumps({"rows": result.rows, "failed": failed}))


if __name__ == "__main__":
    main(sys.argv[1])
