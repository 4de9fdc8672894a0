"""Two systems that observation and single interventions cannot tell apart, though joint ones can.

Example 1 of Kekić, Garrido Mejia and Schölkopf (ICML 2025), over binary variables:

    M:  Y := A_1 and A_2 and C and U          M~:  Y := A_2 and C and U
        A_2 := A_1 and C and V_2                   A_2 := A_1 and C and V_2
        A_1 := C                                   A_1 := C
        C := W                                     C := W

with independent U, V_2, W ~ Bernoulli(p). The two outcomes differ only if A_1 = 0 and
A_2 = C = U = 1, which takes two interventions: P(Y = 1 | do(A_1 = 0, A_2 = 1)) is 0 in M and p^2 in
M~. Here one confounder is shared by both actions, which Assumption 2 excludes. No check of data
from these regimes can notice: every statement about them is the same for both systems. A fit to
either gives the same answer, which is wrong for at least one of them; rows in which both actions
are set, as a block, decide.

The mechanisms give the paper's Table 1 and half of its Tables 2 and 3. Two of the printed cases
differ from what the mechanisms imply, for both systems alike, so that the conclusion stands:

    P(Y, A_2) under do(A_1 = 1)   (A_2, Y) = (0, 0): 1 - p^2   (1, 0): p^2 (1 - p)   (1, 1): p^3
    P(Y, A_1) under do(A_2 = 0)   (A_1, Y) = (0, 0): 1 - p     (1, 0): p             (1, 1): 0

where the printed tables have 1 - p, 0 and p, and 1 - p, p (1 - p) and p^2. (Under do(A_2 = 0) the
outcome, a conjunction with A_2, cannot be 1.)
"""

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm.discrete_scm import DiscreteSCM
from bayes_intgen.scm.discrete_variables import DiscreteMechanism, DiscreteNoise

__all__ = ["indistinguishable_scms"]


def indistinguishable_scms(probability: float = 0.5) -> tuple[DiscreteSCM, DiscreteSCM]:
    """Return two systems with the same single-intervention data and different joint effects.

    An executable statement of what cannot be known without assumptions on the outcome's mechanism.

    Parameters
    ----------
    probability
        The probability p that each of the three noises is 1.

    Returns
    -------
    tuple of DiscreteSCM
        The systems M and M~, with actions ``a1`` and ``a2``.

    Raises
    ------
    ModelError
        If the probability is not strictly between 0 and 1.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), Example 1.

    Examples
    --------
    >>> first, second = ig.scm.indistinguishable_scms(probability=0.5)
    >>> [first.distribution(do).equals(second.distribution(do)) for do in first.single_regimes]
    [True, True, True]
    >>> at = {"a1": 0, "a2": 1}
    >>> first.expected_outcome(at).item(), second.expected_outcome(at).item()
    (0.0, 0.25)
    """
    if not 0 < probability < 1:
        raise ModelError(
            f"probability must lie strictly between 0 and 1, got {probability!r}; write 0.5."
        )
    u, v2, w = (DiscreteNoise.bernoulli(name, probability) for name in ("u", "v2", "w"))
    c = DiscreteMechanism.tabulate("c", [w], _all)
    a1 = DiscreteMechanism.tabulate("a1", [c], _all)
    a2 = DiscreteMechanism.tabulate("a2", [a1, c, v2], _all)
    with_a1 = DiscreteMechanism.tabulate("y", [a1, a2, c, u], _all)
    without_a1 = DiscreteMechanism.tabulate("y", [a2, c, u], _all)
    first, second = (
        DiscreteSCM((u, v2, w), (c, a1, a2, y), ("a1", "a2")) for y in (with_a1, without_a1)
    )
    return first, second


def _all(*values: float) -> float:
    return float(all(values))
