"""Identification with blocks: cases, and exact enumeration of systems with shared confounders."""

from itertools import combinations, product
from math import prod

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen import ModelError, NotIdentifiedError, identify
from bayes_intgen.base.blocks import read_blocks, split_regime
from bayes_intgen.design.identification.identify import require_identified

NAMES = ("a", "b", "c", "d")
REGIMES = [regime for size in range(5) for regime in combinations(NAMES, size)]
PARTITIONS = [
    ["a+b"],
    ["b+d"],
    ["a+b", "c+d"],
    ["a+d", "b+c"],
    ["a+b+c"],
    ["b+c+d"],
    [],
]
SETTINGS = np.array(list(product((0, 1), repeat=4)))


def partition_of(blocks):
    return read_blocks(blocks, NAMES)


# Cases with a known answer


def test_corollary_1():
    answer = identify(["obs", "a+b", "c+d"], "a+b+c+d", ["a+b", ("d", "c")])
    expected = {(): -1.0, ("a", "b"): 1.0, ("c", "d"): 1.0}
    assert answer.weights == pytest.approx(expected, abs=1e-12)


def test_single_experiments_do_not_determine_a_block():
    answer = identify(["obs", *NAMES], NAMES, ["a+b"])
    assert (answer.identified, answer.weights, answer.missing) == (False, {}, (("a", "b"),))


@pytest.mark.parametrize(
    ("experiments", "target", "expected"),
    [
        (["obs", "a", "c"], "a+c", {(): -1, ("a",): 1, ("c",): 1}),
        (["a", "a+c", "obs"], "c", {("a",): -1, ("a", "c"): 1, (): 1}),
        (["a+c", "b+c", "b"], "a", {("a", "c"): 1, ("b", "c"): -1, ("b",): 1}),
        (["a+b+c", "c", "obs"], "a+b", {("a", "b", "c"): 1, ("c",): -1, (): 1}),
    ],
)
def test_a_regime_that_cuts_a_block_adds_up_with_the_other_blocks(experiments, target, expected):
    weights = identify(experiments, target, ["a+b", "c"]).weights
    assert weights == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("experiments", "target", "missing"),
    [
        (["obs", "a+b", "b"], "a", [("a",)]),  # a pattern of its own
        (["obs", "a", "b"], "a+b", [("a", "b")]),
        (["obs", "a+b"], "a+c", [("c",), ("a",)]),  # the block that is set as a whole first
        (["a+b", "c"], "a+b+c", [()]),
        (["a+b"], "a+b+c", [(), ("c",)]),
        (["obs", "a+c"], "c", [("c",)]),  # or the pattern a; the one asked for comes first
        (["obs", "a+b+c"], "a+b", [("c",)]),  # fewer actions than the arm itself
        (["obs", "d"], "a+b+c", [("c",), ("a", "b")]),
    ],
)
def test_missing_experiments_are_the_cheapest(experiments, target, missing):
    assert list(identify(experiments, target, ["a+b", "c", "d"]).missing) == missing


def test_an_answer_prints_as_a_sentence():
    printed = [
        str(identify(["obs", "a+b", "b+c", "a+c"], "a+b+c")),
        str(identify(["a", "b", "a+b"], "obs")),
        str(identify(["obs", "a", "b"], "a+b", ["a+b"])),
        str(identify(["obs", "a+b", "c"], "a+b+c", ["a+b"])),
        str(identify(["a", "c"], "a+b")),
    ]
    ending = ", where m(r) is the mean outcome in experiment r."
    assert printed == [
        "E[Y | do(a, b, c)] is identified: 0.5 m(a+b) + 0.5 m(b+c) + 0.5 m(a+c) - 0.5 m(obs)"
        + ending,
        "E[Y | nothing set] is identified: m(a) + m(b) - m(a+b)" + ending,
        "E[Y | do(a, b)] is not identified from obs, a, b, with the blocks a+b: "
        "missing an experiment that sets 'a+b'.",
        "E[Y | do(a, b, c)] is identified, with the blocks a+b: m(a+b) + m(c) - m(obs)" + ending,
        "E[Y | do(a, b)] is not identified from a, c: missing observational rows (regime 'obs') "
        "and an experiment that sets 'b'.",
    ]


def test_a_name_that_nothing_sets_is_a_slip_of_the_pen_unless_all_others_are_listed():
    message = r"blocks: \['z'\] are set by no experiment .*, and \['b'\] are in no block; correct"
    with pytest.raises(ModelError, match=message):
        identify(["obs", "a", "b"], "a+b", ["a+z"])
    assert identify(["obs", "a", "b"], "a+b", ["a+z", "b"]).identified
    assert identify(["obs"], "a", [["a", "z"]]).missing == (("a",),)


def test_the_error_of_a_fit_says_what_the_blocks_are():
    with pytest.raises(NotIdentifiedError) as caught:
        require_identified([(), ("a",), ("b",)], ("a", "b"), (("a", "b"),))
    message = str(caught.value)
    assert "['obs', 'a', 'b'] with the blocks a+b: missing an experiment that sets 'a+b'" in message


# Exact enumeration: what is identified


def draw_system(blocks, rng):
    """Draw a discrete system: actions depend on all earlier ones, blocks share a confounder.

    The outcome is a sum over blocks of any function of all actions and the block's confounder.
    """
    partition = read_blocks(blocks, NAMES)
    patterns = np.array([p for p in product((0.0, 1.0), repeat=3) if 0 < sum(p) < 3])
    shared = [noise(f"hidden{i}", 3, rng) for i in range(len(partition))]
    noises, u = [noise(f"noise_{name}", 3, rng) for name in NAMES], noise("u", 2, rng)
    actions = []
    for k, name in enumerate(NAMES):
        owner = next(i for i, block in enumerate(partition) if name in block)
        parents = (*NAMES[:k], shared[owner].name, noises[k].name)
        # for every combination of earlier actions, other patterns for each value of the confounder
        order = rng.permuted(np.tile(np.arange(len(patterns)), (2**k, 1)), axis=1)
        table = patterns[order[:, :3]].ravel().tolist()
        actions.append(ig.scm.DiscreteMechanism(name, parents, tuple(table)))
    total = np.zeros((16, *(3,) * len(partition), 2)) + np.array(u.values)
    for i in range(len(partition)):
        shape = [16, *(1,) * len(partition), 1]
        shape[i + 1] = 3
        total = total + rng.normal(size=shape)
    parents = (*NAMES, *(c.name for c in shared), "u")
    outcome = ig.scm.DiscreteMechanism("y", parents, tuple(total.ravel().tolist()))
    return ig.scm.DiscreteSCM((*shared, *noises, u), (*actions, outcome), NAMES)


def noise(name, levels, rng):
    shares = 0.1 + (1 - 0.1 * levels) * rng.dirichlet(np.ones(levels))
    values = np.sort(rng.normal(size=levels))
    return ig.scm.DiscreteNoise(name, tuple(values.tolist()), tuple(shares.tolist()))


def draw_design(rng):
    """Draw some experiments, with and without an observational arm, and a target."""
    chosen = rng.choice(16, rng.integers(2, 10), replace=False)
    return [REGIMES[i] for i in chosen], REGIMES[rng.integers(16)]


@pytest.fixture(scope="module")
def systems():
    """The exact mean of every regime at every setting, and the blocks, of fourteen systems."""
    rng = np.random.default_rng(1)
    at = dict(zip(NAMES, SETTINGS.T, strict=True))
    found = []
    for blocks in PARTITIONS * 2:
        scm = draw_system(blocks, rng)
        means = {r: scm.expected_outcome(at, do=r).to_numpy() for r in REGIMES}
        found.append((blocks, means))
    return found


def test_identified_means_are_the_weighted_sums_of_exact_means(systems):
    rng = np.random.default_rng(2)
    sums = cuts = 0
    for _ in range(800):
        blocks, means = systems[rng.integers(len(systems))]
        experiments, target = draw_design(rng)
        answer = identify(experiments, target, partition_of(blocks))
        if answer.identified:
            found = sum(weight * means[regime] for regime, weight in answer.weights.items())
            assert_allclose(found, means[target], rtol=0, atol=1e-10)
            sums += target not in experiments
            patterns = split_regime(target, partition_of(blocks))
            cuts += target not in experiments and not set(patterns) <= set(partition_of(blocks))
    assert sums >= 60  # so many were no mere copies of an experiment
    assert cuts >= 15  # and so many of these cut a block


def test_sums_that_ignore_the_blocks_are_wrong(systems):
    """Theorem 1 for actions that share a confounder: the same arithmetic, and a wrong answer."""
    for blocks, means in systems:
        wrong = sum(means[name,] for name in NAMES) - 3 * means[()] - means[NAMES]
        assert (np.abs(wrong).max() > 1e-3) == bool(blocks)


# Exact enumeration: what is not identified


class Twins:
    """Two systems with blocks that agree in every experiment, and differ at the target.

    The outcome is binary; its probability is a sum over blocks, so that the distribution of a
    regime is that of the actions, which the two have in common, and its means. An action depends
    on the confounder of its block only, which has one value more than the block has patterns.
    """

    def __init__(self, blocks, experiments, target, rng):
        self.blocks = read_blocks(blocks, NAMES)
        self.target = target
        self.shares = [rng.dirichlet(np.full(2 ** len(b) + 1, 5.0)) for b in self.blocks]
        self.one = {  # p(A_k = 1 | c) of the confounder of its block
            name: rng.uniform(0.1, 0.9, 2 ** len(block) + 1)
            for block in self.blocks
            for name in block
        }
        patterns = sorted({p for r in [*experiments, target] for p in split_regime(r, self.blocks)})
        rows = np.array([self.indicator(regime, patterns) for regime in experiments], dtype=float)
        asked = np.array(self.indicator(target, patterns), dtype=float)
        rest = asked - np.linalg.pinv(rows) @ rows @ asked  # orthogonal to every experiment
        size = rest @ asked
        self.shift = dict(zip(["", *patterns], rest / size, strict=True)) if size > 1e-9 else None
        if self.shift:
            self.parts = [[self.difference(b, a) for b in self.blocks] for a in SETTINGS]

    def indicator(self, regime, patterns):
        return [1, *(pattern in split_regime(regime, self.blocks) for pattern in patterns)]

    def given(self, block, pattern, a):
        """Return p(C_B | what is left alone) at one setting."""
        share = self.shares[self.blocks.index(block)].copy()
        for name in block:
            if name not in pattern:
                p = self.one[name]
                share *= p if a[NAMES.index(name)] else 1 - p
        return share / share.sum()

    def difference(self, block, a):
        """Solve for g_B(a_B, .): its mean given every pattern is the shift of that pattern."""
        patterns = [p for size in range(len(block) + 1) for p in combinations(block, size)]
        rows = np.array([self.given(block, pattern, a) for pattern in patterns])
        wanted = [self.shift.get(pattern, 0.0) if pattern else 0.0 for pattern in patterns]
        return np.linalg.lstsq(rows, np.array(wanted), rcond=None)[0]

    def means(self, regime, factor):
        """Return p(Y = 1 | do(a_S), a_rest) over all confounders jointly, at every setting."""
        values = []
        for a, parts in zip(SETTINGS, self.parts, strict=True):
            total = probability = 0.0
            for c in product(*(range(len(share)) for share in self.shares)):
                p = prod(share[i] for share, i in zip(self.shares, c, strict=True))
                for block, i in zip(self.blocks, c, strict=True):
                    for name in set(block) - set(regime):
                        one = self.one[name][i]
                        p *= one if a[NAMES.index(name)] else 1 - one
                extra = self.shift[""] + sum(g[i] for g, i in zip(parts, c, strict=True))
                outcome = 0.5 + factor * extra
                assert 0 < outcome < 1
                total += p * outcome
                probability += p
            values.append(total / probability)
        return np.array(values)

    def largest(self):
        sizes = [sum(np.abs(part).max() for part in parts) for parts in self.parts]
        return abs(self.shift[""]) + max(sizes)


def test_systems_that_agree_in_every_experiment_differ_where_nothing_is_identified():
    rng = np.random.default_rng(3)
    refused = 0
    for i in range(200):
        experiments, target = draw_design(rng)
        blocks = PARTITIONS[i % len(PARTITIONS)]
        answer = identify(experiments, target, partition_of(blocks))
        twins = Twins(blocks, experiments, target, rng)
        assert answer.identified == (twins.shift is None)
        if answer.identified:
            continue
        refused += 1
        factor = 0.4 / twins.largest()
        for regime in experiments:
            assert_allclose(twins.means(regime, 0), twins.means(regime, factor), atol=1e-10)
        gap = twins.means(target, factor) - twins.means(target, 0)
        assert np.abs(gap).min() > 1e-5  # at every setting
    assert refused >= 80


# The cheapest completion


def test_nothing_smaller_than_the_missing_experiments_would_do():
    rng = np.random.default_rng(4)
    sizes = []
    for i in range(120):
        blocks = PARTITIONS[i % len(PARTITIONS)]
        experiments, target = draw_design(rng)
        given = partition_of(blocks)
        answer = identify(experiments, target, given)
        if answer.identified:
            assert answer.missing == ()
            continue
        assert identify([*experiments, *answer.missing], target, given).identified
        patterns = {p for r in [*experiments, target] for p in split_regime(r, answer.blocks)}
        options = {(), *patterns, *(block for block in answer.blocks)} - set(experiments)
        for chosen in combinations(options, len(answer.missing) - 1):
            assert not identify([*experiments, *chosen], target, given).identified
        sizes.append(len(answer.missing))
    assert max(sizes) >= 3


def test_many_actions_take_no_time():
    names = [f"a{k}" for k in range(40)]
    answer = identify(["obs"], names, [names[:3]])
    assert answer.missing == (*((name,) for name in sorted(names[3:])), tuple(sorted(names[:3])))
    rng = np.random.default_rng(5)
    many = [rng.choice(names, 4, replace=False).tolist() for _ in range(25)]
    answer = identify(many, names)  # too many sets to try all of them
    assert identify([*many, *answer.missing], names).identified
    for regime in answer.missing:
        fewer = [other for other in answer.missing if other != regime]
        assert not identify([*many, *fewer], names).identified


# Continuous systems


def test_partition_systems_with_a_regime_that_cuts_a_block():
    """Exact effects of systems with continuous actions: the cut block adds up with the others."""
    for seed in range(4):
        scm = ig.scm.sample_partition_scm(["a1 + a2", "a3", "a4"], seed, edge_probability=0.6)
        at = scm.sample(20, do=scm.actions, random_seed=seed)
        m = {do: scm.expected_outcome(at, do=do).to_numpy() for do in
             ("obs", "a1", "a2", "a3", "a1+a3", "a1+a2", "a1+a3+a4", "a4")}  # fmt: skip
        assert_allclose(m["a1+a3"], m["a1"] + m["a3"] - m["obs"], atol=1e-7)
        assert_allclose(m["a1+a3+a4"], m["a1+a3"] + m["a4"] - m["obs"], atol=1e-7)
        assert np.abs(m["a1+a2"] - (m["a1"] + m["a2"] - m["obs"])).max() > 0.01
