"""Kill ``fit --out`` and ``reproduce`` at random instants, and look at what is left on disk.

``python tests/cases/kills.py FOLDER --kills 20 --interrupts 10`` makes as many SIGKILLs and Ctrl-Cs
of each command, half of them at any time and half while a file is being written, prints a table and
fails if a file was read that is not whole. Commands run in forked processes, which spares them the
start of Python, and so does every look at what they left, lest this process have threads when it
forks; the folder must be empty.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import bayes_intgen as ig
from bayes_intgen.cli import reproduce
from bayes_intgen.cli.main import main
from bayes_intgen.studies.runner.pool import local_processes
from models import linear

STUDY = ["--scms", "12", "--n", "150", "--n-actions", "2", "--seed", "3", "--workers", "2"]
STUDY += ["--estimators", "ridge"]


def apart(function):
    """Call a function in a forked process; return its result, of JSON types."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            text = json.dumps({"result": function()})
        except BaseException as error:
            text = json.dumps({"error": repr(error)})
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = json.loads(pipe.read())
    os.waitpid(process, 0)
    if "error" in answer:
        raise AssertionError(answer["error"])
    return answer["result"]


class Command:
    """A command, what it leaves when nobody kills it, and what may be found when somebody does."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def start(self):
        """Run the command in a forked process."""
        process = os.fork()
        if process:
            return process
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            sys.stderr = nowhere
            os._exit(main(self.arguments()))

    def run(self):
        """Run the command to its end; return how long it took."""
        begin = time.monotonic()
        _, status = os.waitpid(self.start(), 0)
        if status:
            raise AssertionError(f"{self.arguments()} ended with {status}")
        return time.monotonic() - begin

    def drafts(self):
        """Return the drafts in the folder and below it."""
        return [path for path in self.folder.rglob(".draft-*") if path.exists()]

    def strike(self, number, rng, seconds):
        """Start the command, kill it at some instant, and say when that was."""
        self.prepare(number)
        process, when = self.start(), "at any time"
        if rng.random() < 0.5:
            time.sleep(rng.uniform(0, seconds))
        else:
            when = "while writing"
            old, end = set(self.drafts()), time.monotonic() + 3 * seconds
            while time.monotonic() < end and not set(self.drafts()) - old:
                if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    break
            time.sleep(rng.exponential(0.004))
        os.kill(process, self.signal)
        _, status = os.waitpid(process, 0)
        return when if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 130 else "too late"


class Fit(Command):
    """Fits of two seeds over one another; at times there is no earlier file."""

    def __init__(self, folder):
        super().__init__(folder)
        self.table, self.out, self.seed = folder / "data.csv", folder / "fit.nc", 1
        linear.make_data(400, random_seed=1).to_csv(self.table, index=False)
        self.known, self.files = {}, {}
        for self.seed in (1, 2):
            self.run()
            self.known[self.seed] = apart(self.weights)
            self.files[self.seed] = self.out.read_bytes()

    def arguments(self):
        options = ["--outcome", "y", "--actions", "a1,a2", "--method", "laplace"]
        return ["fit", str(self.table), *options, "--seed", str(self.seed), "--out", str(self.out)]

    def weights(self):
        """Return a few of the weights that the file holds."""
        return ig.load(self.out).idata["weights"].dataset["weight"][0, :20].to_numpy().tolist()

    def prepare(self, number):
        self.seed = 1 + number % 2
        self.out.write_bytes(self.files[3 - self.seed])
        if number % 4 == 3:
            self.out.unlink()

    def find(self):
        """Say what is in the place of the fit; fail if it is neither of the two."""
        if not self.out.exists():
            return "none"
        found = apart(self.weights)  # raises if the file is broken
        for seed, known in self.known.items():
            if found == known:
                return "new" if seed == self.seed else "earlier"
        raise AssertionError("a file was read as good that holds neither fit")


class Study(Command):
    """A study that is taken up again and again."""

    def __init__(self, folder):
        super().__init__(folder)
        reproduce.local_processes = lambda workers: local_processes(workers, "fork")
        self.run()
        self.known = self.units()
        self.csv = without_seconds(folder / "fig2a.csv")

    def arguments(self):
        return ["reproduce", "fig2a", *STUDY, "--out", str(self.folder)]

    def units(self):
        """Read the files of the units; the time that each took does not count."""
        found = {}
        for path in self.folder.glob(".units/[!.]*.json"):
            content = json.loads(path.read_text())  # raises if it is not whole
            for row in content["rows"]:
                row.pop("seconds")
            found[path.name] = content
        return found

    def prepare(self, number):
        if (self.folder / "fig2a.pdf").exists():  # it was done: start afresh
            shutil.rmtree(self.folder)
            self.folder.mkdir()

    def find(self):
        """Say how many units are done; fail if one of them is not as it should be."""
        found = self.units()
        for name, content in found.items():
            if repr(content) != repr(self.known[name]):
                raise AssertionError(f"{name} holds other rows than it should")
        table = self.folder / "fig2a.csv"
        if table.exists() and without_seconds(table) != self.csv:
            raise AssertionError("the table is not whole")
        return "all" if len(found) == len(self.known) else "some" if found else "none"


def without_seconds(path):
    """Read a table without its column of seconds."""
    lines = [line.split(",") for line in path.read_text().splitlines()]
    column = lines[0].index("seconds")
    return [cells[:column] + cells[column + 1 :] for cells in lines]


def torment(command, kills, rng, number):
    """Kill a command as often as asked; return what was found, by the instant and what was left."""
    command.prepare(1)
    seconds = command.run()
    found, most, struck, attempts = Counter(), 0, 0, 0
    command.signal = number
    while struck < kills and attempts < 10 * kills:
        attempts += 1
        when = command.strike(attempts, rng, seconds)
        struck += when != "too late"
        left = command.find()
        most = max(most, len(command.drafts()))
        found[f"{when}: {left}"] += 1
    command.run()
    assert struck == kills, "most strikes came too late"
    assert not command.drafts(), "drafts were left behind"
    return dict(found), most


def report(folder, kills, interrupts, seed=1):
    """Run everything and print the table."""
    rng = np.random.default_rng(seed)
    for kind in (Fit, Study):
        command = kind(folder / kind.__name__)
        for name, count in (("SIGKILL", kills), ("SIGINT", interrupts)):
            found, most = torment(command, count, rng, getattr(signal, name))
            print(f"{kind.__name__}, {count} {name}: {found}; at most {most} drafts at a time")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--interrupts", type=int, default=10)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    report(options.folder, options.kills, options.interrupts)
