"""Errors and warnings of the library: every error on bad input is a ``ValueError``.

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
    """Base class of every error raised on bad input.

    Examples
    --------
    >>> try:
    ...     ig.Polynomial(degree=0)
    ... except ig.BayesIntgenError as error:  # one clause for every mistake in the input
    ...     print(type(error).__name__)
    ModelError
    """


class DataError(BayesIntgenError):
    """A column is missing, or holds values that cannot be used.

    Examples
    --------
    >>> frame = pd.DataFrame({"price": [1.0], "regime": ["obs"]})
    >>> ig.RegimeData.from_frame(frame, outcome="sales", actions=["price"])
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.DataError: outcome: the table has no column 'sales'; it has ...
    """


class RegimeError(BayesIntgenError):
    """A regime label is unknown or empty, or a regime has too few rows.

    Examples
    --------
    >>> ig.identify([], "price")
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.RegimeError: experiments must hold at least one regime, got none.
    """


class ModelError(BayesIntgenError):
    """An option of the model or of its inference is not valid.

    Examples
    --------
    >>> ig.InterventionModel(interactions="some")
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.ModelError: interactions must be one of ['learned', 'none', ...
    """


class NotIdentifiedError(BayesIntgenError):
    """The experiments at hand do not determine the target; the message names what is missing.

    Examples
    --------
    >>> ig.RidgeEstimator().fit(data.drop("a2"))
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.NotIdentifiedError: E[Y | do(a1, a2)] is not identified from ...
    """


class QueryError(BayesIntgenError):
    """A query cannot be answered as it stands.

    Examples
    --------
    >>> posterior.expected_outcome({"a1": 0.1})
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.QueryError: ...
    """


class FileError(BayesIntgenError):
    """A file is missing, of another kind, damaged, or has changed since it was first read.

    Examples
    --------
    >>> ig.load("absent.nc")
    Traceback (most recent call last):
        ...
    bayes_intgen.base.errors.FileError: path: there is no file 'absent.nc' ...
    """


class ConflictWarning(UserWarning):
    """Parts of the data contradict one another, so that at least one of them is wrong.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ig.ConflictWarning)  # stop where lift tests conflict
    """


class ConvergenceWarning(UserWarning):
    """The sampler gave reason to distrust its draws.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ig.ConvergenceWarning)  # stop at fits not to be trusted
    """
