"""Searches over parameters, and what came of them."""

from skdigitnet.model_selection._comparison import compare_candidates
from skdigitnet.model_selection._journal import read_journal

__all__ = ["compare_candidates", "read_journal"]
