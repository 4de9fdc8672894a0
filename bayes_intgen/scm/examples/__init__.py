"""Tables to try the library on, from stated systems whose effects are known."""

from bayes_intgen.scm.examples.dose_combination import dose_combination
from bayes_intgen.scm.examples.example import Example
from bayes_intgen.scm.examples.marketing import marketing

__all__ = ["Example", "dose_combination", "marketing"]
