"""Searches over parameters that share trainings, and what came of them."""

from skdigitnet.model_selection._comparison import compare_candidates
from skdigitnet.model_selection._journal import read_journal
from skdigitnet.model_selection._search import EpochGridSearchCV, EpochRandomizedSearchCV

__all__ = [
    "EpochGridSearchCV",
    "EpochRandomizedSearchCV",
    "compare_candidates",
    "read_journal",
]
