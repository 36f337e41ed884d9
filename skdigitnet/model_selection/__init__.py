"""Searches over parameters, and what came of them."""

from skdigitnet.model_selection._journal import read_journal

__all__ = ["read_journal"]
