"""Bad inputs to the whole public interface: a table of calls, arguments and values.

``TABLE`` has a row per call: how it is made when all is well, and for every argument values that it
must refuse.
"""

from tests.cases.bad_input_models import MODELS
from tests.cases.bad_input_others import OTHERS
from tests.cases.bad_input_queries import QUERIES

__all__ = ["TABLE"]

TABLE = (*MODELS, *QUERIES, *OTHERS)
