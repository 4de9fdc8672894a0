"""Tables to try the library on, from stated systems whose effects are known."""

from bayes_intgen.examples.dose_combination import dose_combination
from bayes_intgen.examples.example import Example
from bayes_intgen.examples.marketing import marketing

__all__ = ["Example", "dose_combination", "marketing"]
