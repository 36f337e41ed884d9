"""L-BFGS on Dask's arrays and frames, whose rows stay where they are."""

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skdigitnet.dask needs Dask and its scheduler: pip install skdigitnet[dask]"
    ) from error

from skdigitnet.dask._classifier import DaskBackpropMLPClassifier

__all__ = ["DaskBackpropMLPClassifier"]
