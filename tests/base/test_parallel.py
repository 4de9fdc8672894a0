"""Threads of linear algebra: one, but for large matrices."""

from threadpoolctl import threadpool_info, threadpool_limits

from bayes_intgen.base import parallel
from bayes_intgen.base.parallel import blas_threads_for, on_one_core, one_blas_thread


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_large_matrices_have_the_threads_that_there_are_and_were_asked_for(monkeypatch):
    controller, _ = parallel._pools()
    with threadpool_limits(2):
        for cores, asked, expected in ((3, 2, 2), (2, 4, 2), (2, 1, 1), (1, 2, 1)):
            monkeypatch.setattr(parallel, "available_cores", lambda cores=cores: cores)
            monkeypatch.setattr(parallel, "_pools", lambda asked=asked: (controller, asked))
            with one_blas_thread():
                assert threads() == {1}
                with blas_threads_for(parallel.LARGE):
                    assert threads() == {expected}
                with blas_threads_for(parallel.LARGE - 1):
                    assert threads() == {1}
                assert threads() == {1}
            assert threads() == {2}


def test_work_on_one_core_has_one_thread(monkeypatch):
    controller, _ = parallel._pools()
    monkeypatch.setattr(parallel, "_pools", lambda: (controller, 8))
    with threadpool_limits(2), on_one_core(), blas_threads_for(parallel.LARGE):
        assert threads() == {1}
