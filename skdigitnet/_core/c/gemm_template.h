/*
 * Two matrix products, included by gemm.h for every REAL, TARGET and LANES:
 *
 *     c = a @ b + beta * d
 *
 * with a dense (gemm) or sparse (spmm). b is (k, n), c and d are (m, n), all with contiguous
 * rows; n >= LANES. d may be c, or with d_row = 0 one row for all. Tiles of c are summed in
 * vector registers while b's rows stream by (K. Goto and R. van de Geijn, "Anatomy of
 * high-performance matrix multiplication", ACM TOMS 34, 2008). Every element of c is one chain
 * of multiply-adds over p = 0, 1, ..., k - 1, whatever the tile it falls in, and a product with
 * zero adds nothing to it: its bits do not depend on m, n or its place, nor on whether a's
 * zeros are stored.
 */

#define JOIN_(f, real, target, lanes) f##_##real##_##target##_##lanes
#define JOIN(f, real, target, lanes) JOIN_(f, real, target, lanes)
#define NAME(f) JOIN(f, REAL, TARGET, LANES)
#define INLINE static inline __attribute__((always_inline)) ATTRIBUTES

#if LANES == 1
typedef REAL NAME(vector);
typedef REAL NAME(unaligned);
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

/* c = sum + beta * d, one row */
INLINE void NAME(put_row)(
    const int vectors, ptrdiff_t last, NAME(vector) *sum, REAL beta, const REAL *d, REAL *c)
{
    /* all of a row is read before any of it is written: its vectors may overlap */
    if (beta != 0) {
        _Pragma("GCC unroll 4")
        for (int v = 0; v < vectors; v++) {
            const NAME(vector) d_v = *(const NAME(unaligned) *)(d + COLUMN(v));
            sum[v] = MULTIPLY_ADD(beta, d_v, sum[v]);
        }
    }
    _Pragma("GCC unroll 4")
    for (int v = 0; v < vectors; v++)
        *(NAME(unaligned) *)(c + COLUMN(v)) = sum[v];
}

INLINE void NAME(tile)(
    const int rows, const int vectors, ptrdiff_t last, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, ptrdiff_t n)
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
    for (int i = 0; i < rows; i++, c += n, d += d_row)
        NAME(put_row)(vectors, last, sum[i], beta, d, c);
}

INLINE void NAME(columns)(
    const int vectors, ptrdiff_t last, ptrdiff_t m, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, ptrdiff_t n)
{
    ptrdiff_t i = 0;
#define TILES(rows) \
    for (; i + (rows) <= m; i += (rows)) \
        NAME(tile)(rows, vectors, last, k, a + i * a_row, a_row, a_col, \
                   b, beta, d + i * d_row, d_row, c + i * n, n);
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
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c)
{
    ptrdiff_t left = (n + LANES - 1) / LANES, j = 0;
    while (left > 0) {
        /* 3 vectors at a time, but 2 and 2 for 4: the last one must not stand alone,
           for it may overlap the one before it */
        const ptrdiff_t vectors = left == 4 ? 2 : left < 3 ? left : 3;
        const ptrdiff_t last = left == vectors ? n - LANES - j : (vectors - 1) * LANES;
#define COLUMNS(vectors) \
        NAME(columns)(vectors, last, m, k, a, a_row, a_col, b + j, beta, d + j, d_row, c + j, n)
        if (vectors == 3)
            COLUMNS(3);
        else if (vectors == 2)
            COLUMNS(2);
        else
            COLUMNS(1);
#undef COLUMNS
        j += vectors * LANES;
        left -= vectors;
    }
}

/* sum += x * b's row of one entry of sparse a */
#define ADD_ENTRY(sum, p) do { \
        const REAL *b_p = b + indices[p] * b_row; \
        _Pragma("GCC unroll 4") \
        for (int v = 0; v < vectors; v++) \
            sum[v] = MULTIPLY_ADD( \
                values[p], *(const NAME(unaligned) *)(b_p + COLUMN(v)), sum[v]); \
    } while (0)

/* Two rows of c for sparse a, at most 4 vectors wide: the entries p to p_end of one row of
   a, and q to q_end of the next. They take turns, since a sum waits for itself. */
INLINE void NAME(sparse_rows)(
    const int vectors, ptrdiff_t last, const REAL *values, const int *indices,
    ptrdiff_t p, ptrdiff_t p_end, ptrdiff_t q, ptrdiff_t q_end,
    const REAL *b, ptrdiff_t b_row, REAL beta, const REAL *d, ptrdiff_t d_row,
    REAL *c, ptrdiff_t n)
{
    NAME(vector) sum[4], other[4];
    if (p == p_end && q == q_end && beta == 1 && d == c)
        return; /* of many columns most are empty */
    _Pragma("GCC unroll 4")
    for (int v = 0; v < vectors; v++)
        sum[v] = other[v] = (NAME(vector)){0};
    for (; p < p_end && q < q_end; p++, q++) {
        ADD_ENTRY(sum, p);
        ADD_ENTRY(other, q);
    }
    for (; p < p_end; p++)
        ADD_ENTRY(sum, p);
    for (; q < q_end; q++)
        ADD_ENTRY(other, q);
    NAME(put_row)(vectors, last, sum, beta, d, c);
    NAME(put_row)(vectors, last, other, beta, d + d_row, c + n);
}

INLINE void NAME(sparse_row)(
    const int vectors, ptrdiff_t last, const REAL *values, const int *indices,
    ptrdiff_t p, ptrdiff_t p_end, const REAL *b, ptrdiff_t b_row,
    REAL beta, const REAL *d, REAL *c)
{
    NAME(vector) sum[4];
    _Pragma("GCC unroll 4")
    for (int v = 0; v < vectors; v++)
        sum[v] = (NAME(vector)){0};
    for (; p < p_end; p++)
        ADD_ENTRY(sum, p);
    NAME(put_row)(vectors, last, sum, beta, d, c);
}

INLINE void NAME(sparse_columns)(
    const int vectors, ptrdiff_t last, ptrdiff_t m, ptrdiff_t k,
    const REAL *values, const int *indices, const ptrdiff_t *begin, const ptrdiff_t *end,
    const REAL *b, REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, ptrdiff_t n,
    REAL *packed)
{
    ptrdiff_t b_row = n;
    if (packed) {
        b_row = vectors * LANES;
        for (ptrdiff_t p = 0; p < k; p++)
            _Pragma("GCC unroll 4")
            for (int v = 0; v < vectors; v++)
                *(NAME(unaligned) *)(packed + p * b_row + COLUMN(v)) =
                    *(const NAME(unaligned) *)(b + p * n + COLUMN(v));
        b = packed;
    }
    ptrdiff_t i = 0;
    for (; i + 2 <= m; i += 2)
        NAME(sparse_rows)(
            vectors, last, values, indices, begin[i], end[i], begin[i + 1], end[i + 1],
            b, b_row, beta, d + i * d_row, d_row, c + i * n, n);
    if (i < m)
        NAME(sparse_row)(
            vectors, last, values, indices, begin[i], end[i],
            b, b_row, beta, d + i * d_row, c + i * n);
}

/* Where `packed`, of at least 4 * LANES * k elements, is not NULL, four vectors' width of
   b at a time is copied there, close together: worth it where each row of b is used often. */
static ATTRIBUTES void NAME(spmm)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
    const REAL *values, const int *indices, const ptrdiff_t *begin, const ptrdiff_t *end,
    const REAL *b, REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, REAL *packed)
{
    ptrdiff_t left = (n + LANES - 1) / LANES, j = 0;
    while (left > 0) {
        const ptrdiff_t vectors = left == 5 ? 3 : left < 4 ? left : 4;
        const ptrdiff_t last = left == vectors ? n - LANES - j : (vectors - 1) * LANES;
#define COLUMNS(vectors) \
        NAME(sparse_columns)(vectors, last, m, k, values, indices, begin, end, \
                             b + j, beta, d + j, d_row, c + j, n, packed)
        if (vectors == 4)
            COLUMNS(4);
        else if (vectors == 3)
            COLUMNS(3);
        else if (vectors == 2)
            COLUMNS(2);
        else
            COLUMNS(1);
#undef COLUMNS
        j += vectors * LANES;
        left -= vectors;
    }
}

#undef ADD_ENTRY
#undef MULTIPLY_ADD
#undef COLUMN
#undef INLINE
#undef NAME
#undef JOIN
#undef JOIN_
