"""Fixtures that several test files share."""

import os
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from bayes_intgen import RegimeData
from bayes_intgen.scm import PolynomialSCM, sample_polynomial_scm

NOTEBOOKS = "tests/house/test_notebooks.py::test_it_runs"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Say how tests are spread over processes, and spare these what one has done already.

    Benchmarks have the machine to themselves. What is compiled to bytecode is kept, as Python does
    unless told otherwise: tests start many processes, and each would compile the package anew.
    """
    if config.getoption("benchmark_enable"):
        config.option.numprocesses = 0
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


class ByFile(LoadFileScheduling):
    """The tests of a file, which share fits, go to one process; notebooks to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if NOTEBOOKS in nodeid else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Spread tests by file and notebook, unless another way was asked for."""
    return ByFile(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def one_thread_each() -> Iterator[None]:
    """Tests run side by side, so that each works on one core, as do the processes it starts."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    with threadpool_limits(1):
        yield


@pytest.fixture
def quick_graphs() -> Iterator[None]:
    """Evaluate PyTensor graphs as they stand: to compile one takes longer than to look at it."""
    import pytensor  # slow to import: the process that hands out tests does without

    with pytensor.config.change_flags(mode="FAST_COMPILE"), warnings.catch_warnings():
        # the mode looks for a BLAS that C code can be linked to, and none is needed
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS", UserWarning)
        yield


@pytest.fixture(scope="session")
def scm() -> PolynomialSCM:
    """Four actions, each of which depends on all before it."""
    return sample_polynomial_scm(4, random_seed=3, edge_probability=1.0)


@pytest.fixture
def frame() -> pd.DataFrame:
    """A hundred rows of three actions on different scales, the regimes in mixed order."""
    rng = np.random.default_rng(1)
    regime = rng.permutation(np.repeat(["obs", "a1", "a2", "a3"], [40, 25, 20, 15]))
    a1 = rng.normal(2.0, 0.5, 100)
    a2 = rng.normal(np.where(regime == "a2", 0.0, 100 * a1), 30.0)
    a3 = rng.exponential(0.01, 100)
    y = 5 * a1 + 0.02 * a2 + a1 * rng.normal(size=100)
    return pd.DataFrame({"a1": a1, "a2": a2, "a3": a3, "y": y, "regime": regime})


@pytest.fixture
def data(frame: pd.DataFrame) -> RegimeData:
    """The rows of `frame`, validated."""
    return RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2", "a3"])
