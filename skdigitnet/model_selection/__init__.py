"""Searches over hyperparameters that train once for every number of epochs."""

from skdigitnet.model_selection._search import EpochGridSearchCV, EpochRandomizedSearchCV

__all__ = ["EpochGridSearchCV", "EpochRandomizedSearchCV"]
