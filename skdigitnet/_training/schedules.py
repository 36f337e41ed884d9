"""Learning-rate schedules: factors of the step, by the completed share of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

WARM_UP = 0.3  # share of the one-cycle schedule in which the step rises
FIRST_FACTOR = 1 / 25  # its initial step, as a share of its largest


def linear(done: float) -> float:
    """From 1 to 0 in a line [1]_.

    References
    ----------
    .. [1] M. Li, E. Yumer and D. Ramanan, "Budgeted training: rethinking deep neural
       network training under resource constraints", ICLR 2020.
    """
    return 1 - done


def cosine(done: float) -> float:
    """From 1 to 0 along half a wave of the cosine [1]_.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017, equation 5.
    """
    return (1 + math.cos(math.pi * done)) / 2


def step(done: float) -> float:
    """1, then 1/10 from the half on and 1/100 from three quarters on [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image
       recognition", CVPR 2016, section 4.2.
    """
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


def one_cycle(done: float) -> float:
    """Up from 1 / 25 to 1 in a line, then down to 0 along a cosine [1]_.

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of neural
       networks using large learning rates", 2018.
    """
    if done < WARM_UP:
        return FIRST_FACTOR + (1 - FIRST_FACTOR) * done / WARM_UP
    return cosine((done - WARM_UP) / (1 - WARM_UP))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": linear,
    "cosine": cosine,
    "step": step,
    "one_cycle": one_cycle,
}


def factor_of(schedule: Callable[[float], float], done: float) -> float:
    """What the schedule returns; a ValueError if it cannot be a factor."""
    factor = schedule(done)
    if isinstance(factor, Real) and 0 <= factor < math.inf:
        return float(factor)
    raise ValueError(
        f"learning_rate={schedule!r} gave {factor!r} at {done:g}; it must give a finite,"
        " non-negative number: the factor of learning_rate_init when that share of"
        " max_iter is done."
    )
