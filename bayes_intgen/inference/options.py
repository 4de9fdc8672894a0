"""How to sample: the options of a fit, checked before any work is done."""

from dataclasses import dataclass

from bayes_intgen.base.arguments import read_choice, read_switch, read_whole

__all__ = ["Sampling"]

METHODS = ("nuts", "laplace")
BOUNDS = {
    "draws": (1, 10**6),
    "tune": (0, 10**6),
    "chains": (1, 1000),
    "cores": (1, 10**4),
    "random_seed": (0, 2**32 - 1),
}
OPTIONAL = ("tune", "cores")


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
        read_choice(self.method, "method", METHODS)
        read_switch(self.progressbar, "progressbar")
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if value is not None or name not in OPTIONAL:
                object.__setattr__(self, name, read_whole(value, name, least, most))
