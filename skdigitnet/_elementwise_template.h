/* exp, sigmoid and sum of squares; included by _elementwise.h for every REAL and TARGET. */

#define JOIN_(f, real, target) f##_##real##_##target
#define JOIN(f, real, target) JOIN_(f, real, target)
#define NAME(f) JOIN(f, REAL, TARGET)

/*
 * exp(x) = 2^n exp(r) with n = round(x / ln 2), so |r| <= ln(2) / 2; exp(r) by its Taylor
 * series. ln 2 is taken off in two parts, the first of which n times is exact (W. J. Cody
 * and W. Waite, "Software manual for the elementary functions", 1980). Adding MAGIC, 1.5
 * times two to the number of mantissa bits, rounds to an integer and leaves it in the low
 * bits. 2^n is multiplied on in two halves, so that subnormal results come out right.
 */
static inline __attribute__((always_inline)) ATTRIBUTES REAL NAME(exp)(REAL x)
{
    const REAL magic = MAGIC;
    const REAL clipped = x < LOWEST ? LOWEST : x > HIGHEST ? HIGHEST : x;
    const REAL shifted = clipped * (REAL)1.44269504088896340736 + magic;
    const REAL n = shifted - magic;
    const REAL r = (clipped - n * LN2_HIGH) - n * LN2_LOW;
    REAL series = 1, half, other_half;
    UINT bits, zero, low, high;

    _Pragma("GCC unroll 16")
    for (int k = TERMS; k > 0; k--)
        series = 1 + series * (r * ((REAL)1 / k));

    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&zero, &magic, sizeof zero);
    bits = bits - zero + 4 * BIAS; /* n + 4 BIAS, positive, so that >> halves it */
    low = bits >> 1;
    high = bits - low;
    low = (low - BIAS) << MANTISSA_BITS;
    high = (high - BIAS) << MANTISSA_BITS;
    memcpy(&half, &low, sizeof half);
    memcpy(&other_half, &high, sizeof other_half);
    return series * half * other_half;
}

/* z <- 1 / (1 + exp(-z)), with the exponent never positive */
static ATTRIBUTES void NAME(sigmoid)(REAL *z, ptrdiff_t size)
{
    for (ptrdiff_t i = 0; i < size; i++) {
        const REAL e = NAME(exp)(z[i] > 0 ? -z[i] : z[i]);
        z[i] = (z[i] > 0 ? 1 : e) / (1 + e);
    }
}

/* ||x||^2 in partial sums that stay in vector registers */
static ATTRIBUTES double NAME(squared_norm)(const REAL *x, ptrdiff_t size)
{
    enum { SUMS = 32 };
    REAL sums[SUMS] = {0};
    double total = 0;
    ptrdiff_t i = 0;
    for (; i + SUMS <= size; i += SUMS)
        for (int j = 0; j < SUMS; j++)
            sums[j] += x[i + j] * x[i + j];
    for (int j = 0; j < SUMS; j++)
        total += sums[j];
    for (; i < size; i++)
        total += x[i] * (double)x[i];
    return total;
}

#undef NAME
#undef JOIN
#undef JOIN_
