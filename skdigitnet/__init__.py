"""skdigitnet: a fast, exact multilayer perceptron for scikit-learn."""

try:
    from skdigitnet._classifier import BackpropMLPClassifier
except ModuleNotFoundError as error:
    if error.name != "skdigitnet._kernels":
        raise
    raise ImportError(
        f"skdigitnet was imported from {__path__[0]}, where its compiled module is"
        " missing: this is the source folder. Install it with `pip install .` and start"
        " Python in another folder."
    ) from error

__version__ = "0.1.0"
__all__ = ["BackpropMLPClassifier"]
