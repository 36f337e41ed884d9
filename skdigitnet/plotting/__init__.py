"""Pictures of digits, training, weights and searches; needs the extra ``plot``."""

from skdigitnet.plotting._digits import DigitGridDisplay
from skdigitnet.plotting._draw_digit import DigitPage, draw_digit
from skdigitnet.plotting._loss_curve import LossCurveDisplay
from skdigitnet.plotting._prediction import PredictionDisplay
from skdigitnet.plotting._search import SearchDisplay
from skdigitnet.plotting._weights import WeightImageDisplay

__all__ = [
    "DigitGridDisplay",
    "DigitPage",
    "LossCurveDisplay",
    "PredictionDisplay",
    "SearchDisplay",
    "WeightImageDisplay",
    "draw_digit",
]
