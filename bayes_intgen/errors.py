"""Every error the library raises on bad input: all are ``ValueError`` subclasses.

A message names the argument, the rule, the value received and the way out.
"""

__all__ = [
    "BayesIntgenError",
    "ConflictWarning",
    "ConvergenceWarning",
    "DataError",
    "FileError",
    "ModelError",
    "NotIdentifiedError",
    "QueryError",
    "RegimeError",
]


class BayesIntgenError(ValueError):
    """Base class of every error raised on bad input."""


class DataError(BayesIntgenError):
    """A column is missing, or holds values that cannot be used."""


class RegimeError(BayesIntgenError):
    """A regime label is unknown or empty, or a regime has too few rows."""


class ModelError(BayesIntgenError):
    """An option of the model or of its inference is not valid."""


class NotIdentifiedError(BayesIntgenError):
    """The experiments at hand do not determine the target; the message names what is missing."""


class QueryError(BayesIntgenError):
    """A question put to a posterior cannot be answered as it stands."""


class FileError(BayesIntgenError):
    """A file is missing, of another kind, damaged, or has changed since it was first read."""


class ConflictWarning(UserWarning):
    """Parts of the data contradict one another, so that at least one of them is wrong."""


class ConvergenceWarning(UserWarning):
    """The sampler gave reason to distrust its draws."""
