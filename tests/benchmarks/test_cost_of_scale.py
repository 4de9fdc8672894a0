"""Some lines of the table of :mod:`tests.benchmarks.scale_bars`, at a size that takes two minutes.

``uv run pytest tests/benchmarks/test_cost_of_scale.py --benchmark-enable --benchmark-only -s``
"""

from tests.benchmarks.scale_bars import line, measure, wide_rows, write_rows


def test_one_pass_over_the_rows(benchmark, tmp_path):
    """K=5, 10^5 rows per regime: at most three times reading and one product of that shape."""
    path = tmp_path / "rows.parquet"
    write_rows(path, 100_000)
    base = measure("read_and_multiply", path)
    found = benchmark.pedantic(lambda: measure("one_pass", path), rounds=1)
    line("one pass over the rows", found, base)
    assert found["cpu"] < 3 * base["cpu"]
    assert found["peak"] < 1.5


def test_twenty_actions(benchmark, tmp_path):
    """K=20, 20 edges, 10^4 rows per regime: two minutes and 3 GiB."""
    path = tmp_path / "rows.parquet"
    wide_rows(10_000).to_parquet(path)
    found = benchmark.pedantic(lambda: measure("fit_wide", path), rounds=1)
    line("laplace, K=20", found, found)
    assert found["note"].startswith("20 edges")
    assert found["wall"] < 120
    assert found["peak"] < 3
