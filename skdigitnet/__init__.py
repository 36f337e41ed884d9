"""skdigitnet: a fast, exact multilayer perceptron for scikit-learn."""

from importlib.util import find_spec

if find_spec("skdigitnet._core.train") is None:
    raise ImportError(
        f"skdigitnet was imported from {__path__[0]}, where its compiled module is missing:"
        " this is the source folder. Install it with `pip install .` and start Python in"
        " another folder."
    )

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._system.versions import VERSION

__version__ = VERSION
__all__ = ["BackpropMLPClassifier"]
