"""How thorough the tests are: minutes by default, a night with SKDIGITNET_EXHAUSTIVE=1.

With SKDIGITNET_EMULATED=1, where every instruction takes some hundred, less than by default.
"""

import os

EXHAUSTIVE = bool(os.environ.get("SKDIGITNET_EXHAUSTIVE"))
EMULATED = bool(os.environ.get("SKDIGITNET_EMULATED"))


def effort(usual, exhaustive):
    """The one of the two that this run is for: a number of cases, rounds or seconds."""
    return exhaustive if EXHAUSTIVE else usual
