"""How to sample: the options of a fit, checked before any work is done."""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.errors import ModelError

__all__ = ["Sampling"]

METHODS = ("nuts", "laplace")
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Sampling:
    """Options of the sampler, as in :meth:`bayes_intgen.InterventionModel.fit`.

    Raises
    ------
    ModelError
        If an option is not valid.
    """

    method: str
    draws: int = 1000
    tune: int | None = None
    chains: int = 4
    cores: int | None = None
    random_seed: int = 1
    progressbar: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ModelError(f"method must be 'nuts' or 'laplace', got {self.method!r}.")
        least = {"draws": 1, "chains": 1, "random_seed": 0, "tune": 0, "cores": 1}
        optional = ("tune", "cores")
        for name, bound in least.items():
            value = getattr(self, name)
            if value is None and name in optional:
                continue
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < bound:
                raise ModelError(
                    f"{name} must be a whole number of at least {bound}, got {value!r}."
                )
        if self.random_seed > MAX_SEED:
            raise ModelError(f"random_seed must be at most {MAX_SEED}, got {self.random_seed}.")
