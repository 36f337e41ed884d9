"""How thorough the tests are: minutes by default, a night with SKDIGITNET_EXHAUSTIVE=1."""

import os

EXHAUSTIVE = bool(os.environ.get("SKDIGITNET_EXHAUSTIVE"))


def effort(usual, exhaustive):
    """The one of the two that this run is for: a number of cases, rounds or seconds."""
    return exhaustive if EXHAUSTIVE else usual
