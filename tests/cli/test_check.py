"""``bayes-intgen check``: verdict, exit code and JSON."""

import json

import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from tests.cases.check_scenarios import make

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")

COLUMNS = ["--outcome", "y", "--actions"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("check") / "sound.csv"
    scm = ig.scm.sample_common_support_scm(2, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, 1500, random_seed=2)
    frame.rename(columns={"regime": "arm"}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    path = tmp_path_factory.mktemp("check") / "shared.parquet"
    make("shared", 1500, 1)[0].to_parquet(path)
    return path


def test_sound_data_exit_with_zero(sound, capsys):
    assert main(["check", str(sound), *COLUMNS, "a1,a2", "--regime", "arm"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("CHECKS PASSED at --interactions learned")
    assert "Passing proves nothing" in shown


def test_failed_checks_exit_with_one_and_say_what_to_do(shared, capsys):
    assert main(["check", str(shared), *COLUMNS, "a1,a2,a3"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("CHECKS FAILED")
    assert "into one block" in shown


def test_json_holds_every_test(sound, capsys):
    command = ["check", str(sound), *COLUMNS, "a1,a2", "--regime", "arm", "--json"]
    assert main([*command, "--structure", "a1>a2", "--interactions", "pairwise"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert (found["interactions"], found["needed_interactions"]) == ("pairwise", "none")
    tests = {test["check"]: test for test in found["tests"]}
    assert set(tests) == {"additivity", "bias", "mechanism", "sharing", "variance", "surplus"}
    assert tests["surplus"]["p_value"] is None
    assert 0 <= tests["variance"]["p_value"] <= 1


def test_bad_input_exits_with_two(sound, tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.csv"), *COLUMNS, "a1,a2"]) == 2
    command = ["check", str(sound), *COLUMNS, "a1,a2", "--regime", "arm"]
    assert main([*command, "--structure", "a1>a3"]) == 2
    assert "not actions" in capsys.readouterr().err
