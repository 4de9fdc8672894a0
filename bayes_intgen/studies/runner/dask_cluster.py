"""A Dask cluster as the executor of a study.

Nothing else imports this module, since Dask is an optional dependency (the extra ``dask``). Every
worker keeps to one thread of linear algebra for as long as the study is connected, also when it
runs several units at a time: otherwise the last digits of a unit would depend on its neighbours.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import WorkerPlugin
from threadpoolctl import threadpool_limits

from bayes_intgen.data.dask_files import connect
from bayes_intgen.studies.runner.pool import Pool

__all__ = ["dask_cluster"]

SECONDS_TO_CONNECT = 20
PLUGIN = "bayes-intgen-one-thread"


class _OneThread(WorkerPlugin):  # type: ignore[misc]  # distributed has no type hints
    """Limits a worker's linear algebra; its import loads the libraries that are to be limited."""

    def setup(self, worker: object) -> None:
        """Limit the threads."""
        self.limits = threadpool_limits(1)

    def teardown(self, worker: object) -> None:
        """Lift the limit."""
        self.limits.restore_original_limits()


@contextmanager
def dask_cluster(address: str, workers: int | None = None) -> Iterator[Pool]:
    """Connect to a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``.
    workers
        How many units to hand out at a time; None means one for every thread of its workers.

    Yields
    ------
    Pool
        For :func:`bayes_intgen.studies.runner.sweep.run_sweep`. The workers need this library in
        the same version.

    Raises
    ------
    ModelError
        If nobody answers at this address, or the cluster has no workers.
    """
    with connect(address, SECONDS_TO_CONNECT, default=False) as client:
        threads = sum(client.nthreads().values())
        client.register_plugin(_OneThread(), name=PLUGIN)
        yield Pool(threads if workers is None else workers, client.get_executor)
