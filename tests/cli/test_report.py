"""``bayes-intgen report``: the page that ``posterior.report`` writes, asked for by text."""

import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from tests.cases.report_fits import fit_blocks


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "fit.nc"
    fit_blocks().save(out)
    return out


def test_it_is_the_page_of_the_posterior(fit, tmp_path, capsys):
    out = tmp_path / "page.html"
    texts = ["--at", "z=0.5,c=1", "--do", "a,b,c"]
    assert main(["report", str(fit), "--out", str(out), *texts]) == 0
    said = capsys.readouterr()
    assert "page.html" in said.out
    assert "LACK OF FIT" in said.err
    ig.load(fit).report(tmp_path / "own.html", do="a+b+c", at={"z": 0.5, "c": 1.0})
    assert out.read_text() == (tmp_path / "own.html").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--at", "z=warm"], "must be a number"),
        (["--at", "q=1"], "q"),
        (["--do", "q"], "q"),
    ],
)
def test_bad_input_is_told_and_nothing_written(fit, tmp_path, capsys, options, words):
    out = tmp_path / "page.html"
    assert main(["report", str(fit), "--out", str(out), *options]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_the_ending_says_what_it_is(fit, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["report", str(fit), "--out", str(tmp_path / "page.pdf")])
    assert ".html" in capsys.readouterr().err
