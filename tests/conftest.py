"""Fixtures that several test files share."""

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from bayes_intgen import RegimeData
from bayes_intgen.scm import PolynomialSCM, sample_polynomial_scm


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Benchmarks have the machine to themselves."""
    if config.getoption("benchmark_enable"):
        config.option.numprocesses = 0


@pytest.fixture(scope="session", autouse=True)
def one_thread_each() -> Iterator[None]:
    """Tests run side by side, so that each works on one core, as do the processes it starts."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    with threadpool_limits(1):
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
