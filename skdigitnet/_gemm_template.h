/*
 * One matrix product, included by _gemm.h for every REAL, TARGET and LANES:
 *
 *     c = a @ b + beta * c
 *
 * a is (m, k) with any strides, so a transpose costs nothing; b is (k, n) and c is
 * (m, n), both with contiguous rows; n >= LANES. A tile of ROWS x 3 vectors of c is
 * summed in registers while b's rows stream by (K. Goto and R. van de Geijn, "Anatomy
 * of high-performance matrix multiplication", ACM TOMS 34, 2008). Every element of c
 * is one chain of multiply-adds over p = 0, 1, ..., k - 1, whatever the tile it falls in:
 * its bits do not depend on m, n or its place.
 */

#define JOIN_(f, real, target, lanes) f##_##real##_##target##_##lanes
#define JOIN(f, real, target, lanes) JOIN_(f, real, target, lanes)
#define NAME(f) JOIN(f, REAL, TARGET, LANES)
#define INLINE static inline __attribute__((always_inline)) ATTRIBUTES

#if LANES == 1
typedef REAL NAME(vector);
typedef REAL NAME(unaligned);
/* Vectors are contracted to fused multiply-adds wherever there are any; scalars, which the
   compiler may gather into vectors before it contracts, are told so. */
#define MULTIPLY_ADD(x, y, z) SCALAR_MULTIPLY_ADD(x, y, z)
#else
#define MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
typedef REAL NAME(vector) __attribute__((vector_size(LANES * sizeof(REAL))));
typedef REAL NAME(unaligned)
    __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
#endif

/* The last vector of a tile starts at column `last`: less than LANES after the one
   before it when n is no multiple of LANES. */
#define COLUMN(v) ((v) == vectors - 1 ? last : (v) * LANES)

INLINE void NAME(tile)(
    const int rows, const int vectors, ptrdiff_t last, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, REAL *c, ptrdiff_t n)
{
    NAME(vector) sum[ROWS][3];
    _Pragma("GCC unroll 8")
    for (int i = 0; i < rows; i++)
        _Pragma("GCC unroll 3")
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (NAME(vector)){0};

    for (ptrdiff_t p = 0; p < k; p++) {
        NAME(vector) b_p[3];
        _Pragma("GCC unroll 3")
        for (int v = 0; v < vectors; v++)
            b_p[v] = *(const NAME(unaligned) *)(b + p * n + COLUMN(v));
        _Pragma("GCC unroll 8")
        for (int i = 0; i < rows; i++)
            _Pragma("GCC unroll 3")
            for (int v = 0; v < vectors; v++)
                sum[i][v] = MULTIPLY_ADD(a[i * a_row + p * a_col], b_p[v], sum[i][v]);
    }

    _Pragma("GCC unroll 8")
    for (int i = 0; i < rows; i++) {
        /* all of a row is read before any of it is written: its vectors may overlap */
        if (beta != 0) {
            _Pragma("GCC unroll 3")
            for (int v = 0; v < vectors; v++) {
                const NAME(vector) c_i = *(NAME(unaligned) *)(c + i * n + COLUMN(v));
                sum[i][v] = MULTIPLY_ADD(beta, c_i, sum[i][v]);
            }
        }
        _Pragma("GCC unroll 3")
        for (int v = 0; v < vectors; v++)
            *(NAME(unaligned) *)(c + i * n + COLUMN(v)) = sum[i][v];
    }
}

INLINE void NAME(columns)(
    const int vectors, ptrdiff_t last, ptrdiff_t m, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col,
    const REAL *b, REAL beta, REAL *c, ptrdiff_t n)
{
    ptrdiff_t i = 0;
#define TILES(rows) \
    for (; i + (rows) <= m; i += (rows)) \
        NAME(tile)(rows, vectors, last, k, a + i * a_row, a_row, a_col, \
                   b, beta, c + i * n, n);
    TILES(ROWS)
#if ROWS > 4
    TILES(4)
#endif
    TILES(2)
    TILES(1)
#undef TILES
}

static ATTRIBUTES void NAME(gemm)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col,
    const REAL *b, REAL beta, REAL *c)
{
    ptrdiff_t left = (n + LANES - 1) / LANES, j = 0;
    while (left > 0) {
        /* 3 vectors at a time, but 2 and 2 for 4: the last one must not stand alone,
           for it may overlap the one before it */
        const ptrdiff_t vectors = left == 4 ? 2 : left < 3 ? left : 3;
        const ptrdiff_t last = left == vectors ? n - LANES - j : (vectors - 1) * LANES;
        if (vectors == 3)
            NAME(columns)(3, last, m, k, a, a_row, a_col, b + j, beta, c + j, n);
        else if (vectors == 2)
            NAME(columns)(2, last, m, k, a, a_row, a_col, b + j, beta, c + j, n);
        else
            NAME(columns)(1, last, m, k, a, a_row, a_col, b + j, beta, c + j, n);
        j += vectors * LANES;
        left -= vectors;
    }
}

#undef MULTIPLY_ADD
#undef COLUMN
#undef INLINE
#undef NAME
#undef JOIN
#undef JOIN_
