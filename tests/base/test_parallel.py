"""Threads of linear algebra: one, but for large matrices."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from bayes_intgen.base import parallel
from bayes_intgen.base.parallel import LARGE, blas_threads_for, on_one_core, one_blas_thread


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


pytestmark = pytest.mark.skipif(not threads(), reason="no linear algebra whose threads are known")


@pytest.mark.parametrize(("cores", "asked", "expected"), [(3, 2, 2), (2, 4, 2), (2, 1, 1)])
def test_large_matrices_have_the_threads_that_there_are_and_were_asked_for(
    monkeypatch, cores, asked, expected
):
    monkeypatch.setattr(parallel, "available_cores", lambda: cores)
    with threadpool_limits(asked):
        with blas_threads_for(0):
            assert threads() == {1}
            with blas_threads_for(LARGE):
                assert threads() == {expected}
                with one_blas_thread():
                    assert threads() == {1}
            with blas_threads_for(LARGE - 1):
                assert threads() == {1}
            with pytest.raises(ValueError, match="inside"), blas_threads_for(LARGE):
                raise ValueError("inside")
            assert threads() == {1}
        assert threads() == {asked}


def test_who_shares_the_cores_already_gets_no_more():
    with threadpool_limits(2):
        with one_blas_thread(), blas_threads_for(0), blas_threads_for(LARGE):
            assert threads() == {1}
        with on_one_core(), blas_threads_for(LARGE):
            assert threads() == {1}
