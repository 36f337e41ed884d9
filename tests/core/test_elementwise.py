"""The vectorised elementwise functions to the last bits, and the updates' formulas.

An error is in ULP: multiples of the spacing of the dtype at the exact value, which below
the smallest normal number is the smallest subnormal.
"""

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import pytest
from effort import EMULATED, effort
from reference import DERIVATIVES

from skdigitnet._core import arithmetic, predict, train
from skdigitnet._core.plan import ACTIVATIONS, Plan, Workspace
from skdigitnet._core.rows import Samples
from skdigitnet._core.runs import UPDATE_RULES, Epoch, Run, Update

DTYPES = (np.float32, np.float64)
MAX_ULP = 2.0
BEST = arithmetic.use_instruction_set()


def apply(activation, z):
    a = np.array(z)
    predict.apply_activation(activation, a[np.newaxis])
    return a


# float32 against float64


def exact(activation, z):
    if activation == "tanh":
        return np.tanh(z)
    e = np.exp(-np.abs(z))
    return np.where(z > 0, 1, e) / (1 + e)


def floats(first, last, stride=1):
    """The float32 numbers from ``first`` away from zero to ``last``, in chunks."""
    begin, end = (int(np.float32(x).view(np.uint32)) for x in (first, last))
    chunk = stride << 18
    for start in range(begin, end + 1, chunk):
        stop = min(start + chunk, end + 1)
        yield np.arange(start, stop, stride, dtype=np.uint32).view(np.float32)


def worst_ulp(activation, first, last, stride=1):
    """The largest error over these numbers."""
    worst = 0.0
    for z in floats(first, last, stride):
        expected = exact(activation, z.astype(np.float64))
        # the power of two at or below the exact value
        power = (expected.view(np.uint64) & 0x7FF0000000000000).view(np.float64)
        error = np.abs(apply(activation, z) - expected)
        error /= np.maximum(power * 2.0**-23, 2.0**-149)
        assert not np.isnan(error).any()
        worst = max(worst, error.max())
    return worst


# Nearer to zero sigmoid(z) is 1/2 and tanh(z) is z, further away they are 0 and 1, as the
# tests below say; tanh is odd.
INTERESTING = {
    "logistic": [(2.0**-25, 17.5), (-(2.0**-25), -104.5)],
    "tanh": [(2.0**-13, 9.5)],
}
FAR = {"logistic": [(17.5, 1.0), (-104.5, 0.0)], "tanh": [(9.5, 1.0), (-9.5, -1.0)]}


@pytest.mark.parametrize("activation", INTERESTING)
def test_float32_error_where_the_function_bends(instruction_set, activation):
    # every number by the best instruction set, an odd sample by the others
    stride = 1 if instruction_set == BEST and not EMULATED else 61
    for first, last in INTERESTING[activation]:
        assert worst_ulp(activation, first, last, stride) <= MAX_ULP


@pytest.mark.parametrize("activation", INTERESTING)
def test_float32_error_over_the_whole_range(instruction_set, activation):
    largest = np.finfo(np.float32).max
    stride = effort(1009, 1)
    for first, last in ((0.0, largest), (-0.0, -largest)):
        worst = worst_ulp(activation, first, last, stride)
        print(f"{activation}, {instruction_set}, up to {last}: {worst:.4f} ULP")
        assert worst <= MAX_ULP


@pytest.mark.parametrize("activation", FAR)
def test_float32_is_constant_far_away(instruction_set, activation):
    # between the values where it is reached and infinity, by sample
    for first, limit in FAR[activation]:
        for z in floats(first, np.copysign(np.inf, first), 1009):
            np.testing.assert_array_equal(apply(activation, z), np.float32(limit))


def test_float32_near_zero(instruction_set):
    for sign in (1.0, -1.0):
        for z in floats(sign * 0.0, sign * 2.0**-26, 1009):
            np.testing.assert_array_equal(apply("logistic", z), np.float32(0.5))
        for z in floats(sign * 0.0, sign * 2.0**-13, 1009):
            difference = apply("tanh", z).view(np.int32) - z.view(np.int32)
            assert (np.abs(difference) <= 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_odd(instruction_set, dtype):
    z = np.random.default_rng(0).normal(0, 3, 10_001).astype(dtype)
    np.testing.assert_array_equal(apply("tanh", -z), -apply("tanh", z))


# float64 against decimal arithmetic

SAMPLES = {
    "logistic": [(-745.2, -708.0), (-40.0, 0.0), (-1.2, -1.1), (0.0, 40.0)],
    "tanh": [(1e-320, 1e-300), (1e-9, 0.1), (0.19, 0.21), (0.4, 0.6), (0.0, 25.0)],
}


@cache
def sample(activation):
    """Numbers and their exact values, as decimals."""
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.uniform(*ends, 1500) for ends in SAMPLES[activation]])
    with localcontext(prec=50):
        e = [Decimal(x).copy_abs().__neg__().exp() for x in z]
        if activation == "logistic":
            return z, [(1 if x > 0 else e_x) / (1 + e_x) for x, e_x in zip(z, e, strict=True)]
        # 1 - exp(-2 |x|) would cancel for tiny x
        return z, [
            Decimal(x) if abs(x) < 1e-20 else (1 - e_x * e_x) / (1 + e_x * e_x)
            for x, e_x in zip(z, e, strict=True)
        ]


@pytest.mark.parametrize("activation", SAMPLES)
def test_float64_error(instruction_set, activation):
    z, expected = sample(activation)
    spacing = np.spacing([float(x) for x in expected])
    error = [
        abs(Decimal(x) - y) / Decimal(one)
        for x, y, one in zip(apply(activation, z), expected, spacing, strict=True)
    ]
    assert max(error) <= MAX_ULP


# Special values, and the same bits everywhere


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(instruction_set, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    z = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny], dtype)
    expected = {
        "logistic": [np.nan, 1, 0, 0.5, 0.5, 0.5, 0.5],
        "tanh": [np.nan, 1, -1, 0.0, -0.0, tiny, -tiny],
        "relu": [np.nan, np.inf, 0, 0, 0, tiny, 0],
        "identity": z,
    }
    assert expected.keys() == ACTIVATIONS.keys()
    for activation, values in expected.items():
        for size in (1, 7, 77):
            actual, wanted = apply(activation, np.resize(z, size)), np.resize(values, size)
            np.testing.assert_array_equal(actual, wanted.astype(dtype))
            if activation == "tanh":
                np.testing.assert_array_equal(np.signbit(actual), np.signbit(wanted))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_same_bits_wherever_an_element_lies(instruction_set, activation, dtype):
    z = np.random.default_rng(0).normal(0, 5, 77).astype(dtype)
    alone = np.concatenate([apply(activation, x) for x in z[:, np.newaxis]])
    for size in range(1, 78):
        for start in {0, 1, 77 - size} & set(range(78 - size)):
            part = slice(start, start + size)
            np.testing.assert_array_equal(apply(activation, z[part]), alone[part])


def test_nothing_is_written_beyond_the_array(instruction_set):
    for dtype in DTYPES:
        for activation in ACTIVATIONS:
            for size in range(1, 40):
                z = np.full(60, 0.25, dtype)
                predict.apply_activation(activation, z[10 : 10 + size][np.newaxis])
                assert (np.delete(z, np.s_[10 : 10 + size]) == 0.25).all()


# Derivatives


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_hidden", [1, 3, 16, 21])
@pytest.mark.parametrize("activation", DERIVATIVES)
def test_derivative(instruction_set, activation, n_hidden, dtype):
    # the output is 0.7 f(z), z one number for each hidden neuron, for one row that counts;
    # the gradient by the hidden neurons' intercepts is delta
    n_rows, rng = 9, np.random.default_rng(0)
    W_1, W_2 = rng.uniform(-2, 2, n_hidden), np.full(n_hidden, 0.7)
    theta = np.concatenate([W_1, W_2, np.zeros(n_hidden), [0.3]]).astype(dtype)
    plan = Plan((1, n_hidden, 1), activation, "squared_error", "identity", n_rows, False)
    X, y = np.ones((n_rows, 1), dtype), np.zeros((n_rows, 1), np.uint8)
    order = np.arange(n_rows)
    f_z = apply(activation, theta[:n_hidden]).astype(np.float64)
    expected = (f_z.sum() * 0.7 + 0.3) * 0.7 * DERIVATIVES[activation](W_1)
    deltas = []
    for row in order:  # wherever it lies
        samples = Samples(X, y, (order == row).astype(np.float64))
        workspace = Workspace(plan, samples.inputs)
        gradient = np.zeros_like(theta)
        train.add_loss_gradient(
            workspace, samples.targets, order, 0, n_rows, 1.0, theta, gradient
        )
        deltas.append(gradient[2 * n_hidden : -1])
    tolerance = 50 * np.finfo(dtype).eps * np.abs(expected).max()
    np.testing.assert_allclose(deltas[0], expected, rtol=0, atol=tolerance)
    for delta in deltas:
        np.testing.assert_array_equal(delta, deltas[0])


# Updates

RATE, MU, BETA_1, BETA_2, EPSILON = 0.05, 0.8, 0.7, 0.9, 1e-3
RULES = {
    "gradient_descent": {},
    "momentum": {"momentum": MU},
    "nesterov": {"momentum": MU},
    "adam": {"beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON},
}
assert RULES.keys() == UPDATE_RULES.keys()


def step(rule, g, moments, theta, n_steps):
    """theta and the moments after one step, in NumPy."""
    if rule == "gradient_descent":
        return theta - RATE * g, moments
    if rule != "adam":
        v = MU * moments - RATE * g
        return theta + (MU * v - RATE * g if rule == "nesterov" else v), v
    m, s = np.split(moments, 2)
    m, s = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * s + (1 - BETA_2) * g * g
    rate = RATE * np.sqrt(1 - BETA_2**n_steps) / (1 - BETA_1**n_steps)
    return theta - rate * m / (np.sqrt(s) + EPSILON), np.concatenate([m, s])


def run_updates(rule, X, W, dtype, decay=0.1, n_steps=3):
    """What every step starts from and ends with, in a net of one linear output."""
    n_rows, n = X.shape
    plan = Plan((n, 1), "identity", "squared_error", "identity", 1, False)
    data = Samples(X.astype(dtype), np.ones((n_rows, 1), np.uint8), np.ones(n_rows))
    workspace = Workspace(plan, data.inputs)
    update = Update(rule, learning_rate=RATE, **RULES[rule])
    theta, gradient = np.append(W, 0.5).astype(dtype), np.empty(n + 1, dtype)
    moments = np.tile(np.append(np.abs(W), 0.25), update.n_moments).astype(dtype)
    run = Run(data.targets, update, decay, theta, gradient, moments)
    epoch = Epoch(np.arange(n_rows), n_rows)
    for _ in range(n_steps):
        before = theta.copy(), moments.copy()
        # blocks of one row, lest plain descent add its gradient to theta directly
        train.train(workspace, run, epoch, 0, n_rows)
        yield gradient.copy(), *before, theta.copy(), moments.copy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("rule", RULES)
def test_update(instruction_set, rule, decay, dtype):
    rng, tolerance = np.random.default_rng(0), 8 * np.finfo(dtype).eps
    for n in (1, 2, 3, 7, 15, 16, 17, 31, 33, 100, 301):
        X, W = rng.normal(0, 1, (5, n)), rng.normal(0, 1, n)
        steps = enumerate(run_updates(rule, X, W, dtype, decay), start=1)
        for n_steps, (gradient, theta, moments, new_theta, new_moments) in steps:
            g, theta, moments = (x.astype(np.float64) for x in (gradient, theta, moments))
            g[:-1] += decay * theta[:-1]  # the intercept is not penalised
            expected_theta, expected_moments = step(rule, g, moments, theta, n_steps)
            size = np.abs(np.concatenate([g, theta, moments])).max()
            np.testing.assert_allclose(new_theta, expected_theta, rtol=0, atol=tolerance * size)
            np.testing.assert_allclose(
                new_moments, expected_moments, rtol=tolerance, atol=tolerance * size
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", RULES)
def test_update_has_the_same_bits_wherever_a_weight_lies(instruction_set, rule, dtype):
    rng = np.random.default_rng(0)
    X, W = rng.integers(-8, 8, (5, 45)) / 8, rng.integers(-8, 8, 45) / 8  # sums are exact
    # one step: after it the sums would be rounded, each order of the columns in its own way
    *_, theta, moments = next(run_updates(rule, X, W, dtype))
    for shift in range(1, 45):
        *_, rolled, rolled_moments = next(
            run_updates(rule, np.roll(X, shift, axis=1), np.roll(W, shift), dtype)
        )
        np.testing.assert_array_equal(rolled[:-1], np.roll(theta[:-1], shift))
        for part, rolled_part in zip(
            moments.reshape(-1, 46), rolled_moments.reshape(-1, 46), strict=True
        ):
            np.testing.assert_array_equal(rolled_part[:-1], np.roll(part[:-1], shift))
