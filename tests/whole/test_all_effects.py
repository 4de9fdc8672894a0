"""The error of every mixed effect of linear chains, and of the joint effect of a block.

At 20,000 rows per regime, against effects in closed form; benchmarks have more systems.
"""

import bayes_intgen as ig
from tests.cases.effect_errors import (
    error_of_a_block,
    error_of_random_blocks,
    errors_of_three,
    errors_of_two,
)


def test_every_mixed_effect_of_a_linear_chain():
    for errors in (errors_of_two(4), errors_of_three(4)):
        assert max(error for error, _ in errors.values()) <= 0.03, errors


def test_the_joint_effect_of_a_block_with_a_shared_confounder_and_a_product():
    error, covered = error_of_a_block(5)
    assert error <= 0.08
    assert covered > 0.5


def test_the_joint_effect_of_random_blocks():
    error, covered = error_of_random_blocks(1, ig.Polynomial(3))
    assert error <= 0.02
    assert covered > 0.5
