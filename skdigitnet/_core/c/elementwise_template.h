/* Functions of one number, over arrays; included for every REAL and TARGET. */

#define JOIN_(f, real, target) f##_##real##_##target
#define JOIN(f, real, target) JOIN_(f, real, target)
#define NAME(f) JOIN(f, REAL, TARGET)
#define INLINE static inline __attribute__((always_inline)) ATTRIBUTES

/* a where x < y, else b, and b where x or y is a NaN. For Arm bits are chosen: of a choice of
   numbers GCC makes the opposite comparison, and before it four more to find NaNs. */
#ifdef __aarch64__
INLINE REAL NAME(if_less)(REAL x, REAL y, REAL a, REAL b)
{
    const UINT is_less = -(UINT)(x < y);
    UINT a_bits, b_bits;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    a_bits = (a_bits & is_less) | (b_bits & ~is_less);
    memcpy(&a, &a_bits, sizeof a);
    return a;
}
#define IF_LESS(x, y, a, b) NAME(if_less)(x, y, a, b)
#else
#define IF_LESS(x, y, a, b) ((x) < (y) ? (a) : (b))
#endif

/*
 * For LOWEST <= x <= 0, exp(x) = 2^n exp(r) with n = round(x / ln 2), so that |r| <= ln(2) / 2,
 * and exp(r) = 1 + r + r^2 q with q a polynomial. ln 2 is taken off in two parts, the first of
 * which n times is exact (W. J. Cody and W. Waite, "Software manual for the elementary
 * functions", 1980). Adding MAGIC, 1.5 times two to the number of mantissa bits and the
 * exponent of 2^SHIFT, rounds to an integer and leaves the exponent of 2^(n + SHIFT), which is
 * no subnormal, in the low bits.
 */
INLINE REAL NAME(reduce)(REAL x, REAL *r, REAL *q)
{
    static const REAL coefficients[] = COEFFICIENTS;
    enum { LAST = sizeof coefficients / sizeof *coefficients - 1 };
    const REAL shifted = MULTIPLY_ADD(x, LOG2_E, MAGIC);
    const REAL n = shifted - MAGIC;
    REAL power;
    UINT bits;
    *r = MULTIPLY_ADD(n, -LN2_LOW, MULTIPLY_ADD(n, -LN2_HIGH, x));
    *q = coefficients[LAST];
    UNROLL(16)
    for (int k = LAST - 1; k >= 0; k--)
        *q = MULTIPLY_ADD(*q, *r, coefficients[k]);
    memcpy(&bits, &shifted, sizeof bits);
    bits <<= MANTISSA_BITS;
    memcpy(&power, &bits, sizeof bits);
    return power; /* 2^(n + SHIFT) */
}

/* exp(x) for x <= 0; the one rounding to a subnormal is the last step */
INLINE REAL NAME(exp)(REAL x)
{
    REAL r, q;
    const REAL power = NAME(reduce)(IF_LESS(x, LOWEST, LOWEST, x), &r, &q);
    const REAL p = MULTIPLY_ADD(r * r, q, r);
    return MULTIPLY_ADD(p, power, power) * UNSHIFT;
}

/* With e = exp(-|z|) and q = e / (1 + e), 1 - q for positive z and q for negative z; the
   latter as e - e q, in which q's rounding errors count e times. */
INLINE REAL NAME(sigmoid)(REAL z)
{
    const REAL e = NAME(exp)(IF_LESS(0, z, -z, z));
    const REAL factor = IF_LESS(0, z, 1, e);
    return MULTIPLY_ADD(-factor, e / (1 + e), factor);
}

/*
 * (1 - e) / (1 + e) with e = exp(-2 |z|) = c (1 + r + r^2 q), the sign put on last; beyond
 * |z| = 20 it is one. e is split into `high`, of few enough bits that 1 - high and 1 + high
 * are exact, and the rest, which counts by the derivative, -2 / (1 + e)^2 = -(1 + t)^2 / 2.
 */
INLINE REAL NAME(tanh)(REAL z)
{
    const REAL x = IF_LESS(0, z, -2 * z, 2 * z);
    REAL r, q;
    const REAL c = NAME(reduce)(IF_LESS(x, -40, -40, x), &r, &q) * UNSHIFT;
    const REAL p = MULTIPLY_ADD(r * r, q, r);
    const REAL high = MULTIPLY_ADD(c, p, 1 + c) - 1;
    const REAL rest = MULTIPLY_ADD(c * (r * r), q, MULTIPLY_ADD(c, r, c - high));
    const REAL t = (1 - high) / (1 + high);
    const REAL root = 1 + t;
    return BUILTIN(copysign)(MULTIPLY_ADD(rest * (REAL)-0.5 * root, root, t), z);
}

INLINE REAL NAME(value)(const Function f, REAL z)
{
    switch (f) {
    case IDENTITY:
        return z;
    case LOGISTIC:
        return NAME(sigmoid)(z);
    case TANH:
        return NAME(tanh)(z);
    case RELU:
        return IF_LESS(z, 0, 0, z); /* a NaN stays a NaN: divergence is seen */
    case EXPONENTIAL:
        return NAME(exp)(z);
    }
    __builtin_unreachable();
}

enum { NAME(BLOCK) = 64 / sizeof(REAL) }; /* a whole number of vectors, or just one */

INLINE void NAME(map_block)(const Function f, REAL *z)
{
#ifdef __aarch64__
    UNROLL_VECTORS(2)
#else
    _Pragma("GCC unroll 1") /* lest the loop be unrolled before it is vectorised */
#endif
    for (int j = 0; j < NAME(BLOCK); j++)
        z[j] = NAME(value)(f, z[j]);
}

/* z <- f(z). The last block ends where z ends and may overlap the one before: it is read
   first and written last. An array shorter than a block is padded. */
INLINE void NAME(map_blocks)(const Function f, REAL *z, ptrdiff_t size)
{
    REAL last[NAME(BLOCK)] = {0};
    const ptrdiff_t start = size - NAME(BLOCK);
    if (start < 0)
        memcpy(last, z, size * sizeof *z);
    else
        memcpy(last, z + start, sizeof last);
    for (ptrdiff_t i = 0; i < start; i += NAME(BLOCK))
        NAME(map_block)(f, z + i);
    NAME(map_block)(f, last);
    if (start < 0)
        memcpy(z, last, size * sizeof *z);
    else
        memcpy(z + start, last, sizeof last);
}

static inline ATTRIBUTES void NAME(map)(Function f, REAL *z, ptrdiff_t size)
{
    switch (f) {
    case IDENTITY:
        break;
    case LOGISTIC:
        NAME(map_blocks)(LOGISTIC, z, size);
        break;
    case TANH:
        NAME(map_blocks)(TANH, z, size);
        break;
    case RELU:
        NAME(map_blocks)(RELU, z, size);
        break;
    case EXPONENTIAL:
        NAME(map_blocks)(EXPONENTIAL, z, size);
        break;
    }
}

/* delta <- delta * f'(z), given a = f(z) */
static inline ATTRIBUTES void NAME(multiply_by_derivative)(
    Function f, const REAL *restrict a, REAL *restrict delta, ptrdiff_t size)
{
    switch (f) {
    case IDENTITY:
        break;
    case LOGISTIC:
        UNROLL_VECTORS(4)
        for (ptrdiff_t i = 0; i < size; i++)
            delta[i] *= a[i] * (1 - a[i]);
        break;
    case TANH:
        UNROLL_VECTORS(4)
        for (ptrdiff_t i = 0; i < size; i++)
            delta[i] *= MULTIPLY_ADD(-a[i], a[i], 1);
        break;
    case RELU:
        UNROLL_VECTORS(4)
        for (ptrdiff_t i = 0; i < size; i++) {
            const REAL d = delta[i]; /* read in any case, or Clang makes no vectors for Arm */
            delta[i] = a[i] == 0 ? 0 : d;
        }
        break;
    case EXPONENTIAL:
        UNROLL_VECTORS(4)
        for (ptrdiff_t i = 0; i < size; i++)
            delta[i] *= a[i];
        break;
    }
}

/* ||x||^2 in partial sums that stay in vector registers, added up in pairs */
static inline ATTRIBUTES double NAME(squared_norm)(const REAL *x, ptrdiff_t size)
{
    enum { SUMS = 64 };
    REAL sums[SUMS] = {0};
    ptrdiff_t i = 0;
    for (; i + SUMS <= size; i += SUMS)
        for (int j = 0; j < SUMS; j++)
            sums[j] = MULTIPLY_ADD(x[i + j], x[i + j], sums[j]);
    for (int j = 0; i + j < size; j++)
        sums[j] = MULTIPLY_ADD(x[i + j], x[i + j], sums[j]);
    for (int half = SUMS / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            sums[j] += sums[j + half];
    return sums[0];
}

#undef IF_LESS
#undef INLINE
#undef NAME
#undef JOIN
#undef JOIN_
