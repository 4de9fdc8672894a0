"""What is loaded when: the package and simple commands start without the slow libraries."""

import subprocess
import sys

import pytest

SLOW = {
    *("arviz", "arviz_base", "arviz_plots", "arviz_stats", "distributed", "matplotlib", "narwhals"),
    *("networkx", "numba", "nutpie", "pandas", "pyarrow", "pymc", "pytensor", "scipy", "xarray"),
}
OF_A_FIT = {"arviz", "arviz_plots", "arviz_stats", "nutpie"}


def loaded_by(code):
    """Run code in a process of its own; return the packages that are loaded afterwards."""
    code = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def command(*arguments):
    """Return code that runs a command and goes on."""
    return (
        f"from bayes_intgen.cli.main import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass"
    )


def test_the_package_loads_nothing_until_a_name_is_used():
    assert not (SLOW | {"numpy"}) & loaded_by("import bayes_intgen")
    assert loaded_by("import bayes_intgen; bayes_intgen.RegimeData") >= {"numpy", "pandas"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("identify", "obs,a,b", "a+b"),
        ("identify", "obs,a", "a+b", "--json"),
        *((name, "--help") for name in ("check", "demo", "fit", "merge", "moments", "plot")),
        *((name, "--help") for name in ("best", "query", "recalibrate", "report")),
    ],
    ids=" ".join,
)
def test_simple_commands_do_without_slow_libraries(arguments):
    assert not SLOW & loaded_by(command(*arguments))


def test_errors_in_usage_come_at_once():
    assert not SLOW & loaded_by(command("fti", "data.csv"))


def test_a_saved_fit_is_loaded_without_what_made_it():
    assert not OF_A_FIT & loaded_by("import bayes_intgen\nbayes_intgen.load")
    assert not OF_A_FIT & loaded_by("import bayes_intgen\nbayes_intgen.InterventionModel()")
