/*
 * Two matrix products, included by gemm.h for every REAL, TARGET and LANES:
 *
 *     c = a @ b + beta * d
 *
 * with a dense (gemm) or sparse (spmm). b is (k, n), c and d are (m, n), all with contiguous
 * rows; n >= LANES, or n < LANES where there is a MASKED_LOAD. d may be c, or with d_row = 0
 * one row for all. Tiles of c are summed in vector registers while b's rows stream by (K. Goto
 * and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34,
 * 2008). Every element of c is one chain of multiply-adds over p = 0, 1, ..., k - 1, whatever
 * the tile it falls in, and a product with zero adds nothing to it: its bits do not depend on
 * m, n or its place, nor on whether a's zeros are stored.
 */

#define JOIN_(f, real, target, lanes) f##_##real##_##target##_##lanes
#define JOIN(f, real, target, lanes) JOIN_(f, real, target, lanes)
#ifdef MASKED_LOAD
#define NAME(f) JOIN(f, REAL, TARGET, masked)
#else
#define NAME(f) JOIN(f, REAL, TARGET, LANES)
#endif
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

/* Vector v of a tile's row x. A row shorter than a vector has one, and `last` is the mask of
   its elements; else the last vector starts at column `last`: less than LANES after the one
   before it when n is no multiple of LANES. */
#ifdef MASKED_LOAD
#define IS_MASKED 1
#define LOAD(x, v) MASKED_LOAD(last, x)
#define STORE(x, v, value) MASKED_STORE(last, x, value)
#define LAST (((ptrdiff_t)1 << n) - 1)
#define ASSUME_WIDTH do { if (n >= LANES) __builtin_unreachable(); } while (0)
#else
#define IS_MASKED 0
#define COLUMN(v) ((v) == vectors - 1 ? last : (v) * LANES)
#define LOAD(x, v) (*(const NAME(unaligned) *)((x) + COLUMN(v)))
#define STORE(x, v, value) (*(NAME(unaligned) *)((x) + COLUMN(v)) = (value))
#define LAST (t == tiles.n - 1 ? n - LANES - j : (vectors - 1) * LANES)
#define ASSUME_WIDTH do { if (n < LANES) __builtin_unreachable(); } while (0)
#endif

/* sum += beta * d, one row; all of it is read before it is written: vectors may overlap */
INLINE void NAME(add_row)(
    const int vectors, ptrdiff_t last, NAME(vector) *sum, REAL beta, const REAL *d)
{
    if (beta != 0)
        UNROLL(SPARSE_VECTORS)
        for (int v = 0; v < vectors; v++)
            sum[v] = MULTIPLY_ADD(beta, LOAD(d, v), sum[v]);
}

INLINE void NAME(put_row)(const int vectors, ptrdiff_t last, const NAME(vector) *sum, REAL *c)
{
    UNROLL(SPARSE_VECTORS)
    for (int v = 0; v < vectors; v++)
        STORE(c, v, sum[v]);
}

INLINE void NAME(tile)(
    const int rows, const int vectors, ptrdiff_t last, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, ptrdiff_t n)
{
    NAME(vector) sum[ROWS][3];
    UNROLL(8)
    for (int i = 0; i < rows; i++)
        UNROLL(3)
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (NAME(vector)){0};

    for (ptrdiff_t p = 0; p < k; p++) {
        NAME(vector) b_p[3];
        UNROLL(3)
        for (int v = 0; v < vectors; v++)
            b_p[v] = LOAD(b + p * n, v);
        UNROLL(8)
        for (int i = 0; i < rows; i++)
            UNROLL(3)
            for (int v = 0; v < vectors; v++)
                sum[i][v] = MULTIPLY_ADD(a[i * a_row + p * a_col], b_p[v], sum[i][v]);
    }

    UNROLL(8)
    for (int i = 0; i < rows; i++) {
        NAME(add_row)(vectors, last, sum[i], beta, d + i * d_row);
        if (!IS_MASKED)
            NAME(put_row)(vectors, last, sum[i], c + i * n);
    }
    /* a load waits for a masked store whose whole vector it overlaps */
    if (IS_MASKED)
        UNROLL(8)
        for (int i = 0; i < rows; i++)
            NAME(put_row)(vectors, last, sum[i], c + i * n);
}

INLINE void NAME(columns)(
    const int vectors, ptrdiff_t last, ptrdiff_t m, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, ptrdiff_t n)
{
    const struct parts tiles = equal_parts(m, ROWS);
    ptrdiff_t i = 0, end = tiles.n_larger * (tiles.size + 1);
    for (ptrdiff_t rows = tiles.size + 1; rows >= tiles.size; rows--, end = m)
#define TILES(rows) \
        case rows: \
            for (; i < end; i += rows) \
                NAME(tile)(rows, vectors, last, k, a + i * a_row, a_row, a_col, \
                           b, beta, d + i * d_row, d_row, c + i * n, n); \
            break;
        switch (rows) {
        TILES(1) TILES(2) TILES(3) TILES(4)
#if ROWS > 4
        TILES(5) TILES(6) TILES(7)
#endif
#if ROWS > 7
        TILES(8)
#endif
        }
#undef TILES
}

static ATTRIBUTES void NAME(gemm)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
    const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col, const REAL *b,
    REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c)
{
    ASSUME_WIDTH;
    const struct parts tiles = equal_parts((n + LANES - 1) / LANES, 3);
    ptrdiff_t j = 0;
    for (ptrdiff_t t = 0; t < tiles.n; t++) {
        const ptrdiff_t vectors = tiles.size + (t < tiles.n_larger);
        const ptrdiff_t last = LAST;
#define COLUMNS(vectors) \
        case vectors: \
            NAME(columns)(vectors, last, m, k, a, a_row, a_col, b + j, beta, d + j, d_row, \
                          c + j, n); \
            break;
        switch (vectors) {
        COLUMNS(1) COLUMNS(2) COLUMNS(3)
        }
#undef COLUMNS
        j += vectors * LANES;
    }
}

/* sum += x * b's row of one entry of sparse a */
#define ADD_ENTRY(sum, p) do { \
        const REAL *b_p = b + indices[p] * b_row; \
        UNROLL(SPARSE_VECTORS) \
        for (int v = 0; v < vectors; v++) \
            sum[v] = MULTIPLY_ADD(values[p], LOAD(b_p, v), sum[v]); \
    } while (0)

/* Two rows of c for sparse a, at most SPARSE_VECTORS wide: the entries p to p_end of one row
   of a, and q to q_end of the next. They take turns, since a sum waits for itself. */
INLINE void NAME(sparse_rows)(
    const int vectors, ptrdiff_t last, const REAL *values, const int *indices,
    ptrdiff_t p, ptrdiff_t p_end, ptrdiff_t q, ptrdiff_t q_end,
    const REAL *b, ptrdiff_t b_row, REAL beta, const REAL *d, ptrdiff_t d_row,
    REAL *c, ptrdiff_t n)
{
    NAME(vector) sum[SPARSE_VECTORS], other[SPARSE_VECTORS];
    if (p == p_end && q == q_end && beta == 1 && d == c)
        return; /* of many columns most are empty */
    UNROLL(SPARSE_VECTORS)
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
    NAME(add_row)(vectors, last, sum, beta, d);
    NAME(put_row)(vectors, last, sum, c);
    NAME(add_row)(vectors, last, other, beta, d + d_row);
    NAME(put_row)(vectors, last, other, c + n);
}

INLINE void NAME(sparse_row)(
    const int vectors, ptrdiff_t last, const REAL *values, const int *indices,
    ptrdiff_t p, ptrdiff_t p_end, const REAL *b, ptrdiff_t b_row,
    REAL beta, const REAL *d, REAL *c)
{
    NAME(vector) sum[SPARSE_VECTORS];
    UNROLL(SPARSE_VECTORS)
    for (int v = 0; v < vectors; v++)
        sum[v] = (NAME(vector)){0};
    for (; p < p_end; p++)
        ADD_ENTRY(sum, p);
    NAME(add_row)(vectors, last, sum, beta, d);
    NAME(put_row)(vectors, last, sum, c);
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
            UNROLL(SPARSE_VECTORS)
            for (int v = 0; v < vectors; v++)
                STORE(packed + p * b_row, v, LOAD(b + p * n, v));
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

/* Where `packed`, of at least SPARSE_VECTORS * LANES * k elements, is not NULL, as many
   columns of b as a row of sums has are copied there at a time, close together: worth it
   where each row of b is used often. */
static ATTRIBUTES void NAME(spmm)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
    const REAL *values, const int *indices, const ptrdiff_t *begin, const ptrdiff_t *end,
    const REAL *b, REAL beta, const REAL *d, ptrdiff_t d_row, REAL *c, REAL *packed)
{
    ASSUME_WIDTH;
    const struct parts tiles = equal_parts((n + LANES - 1) / LANES, SPARSE_VECTORS);
    ptrdiff_t j = 0;
    for (ptrdiff_t t = 0; t < tiles.n; t++) {
        const ptrdiff_t vectors = tiles.size + (t < tiles.n_larger);
        const ptrdiff_t last = LAST;
#define COLUMNS(vectors) \
        case vectors: \
            NAME(sparse_columns)(vectors, last, m, k, values, indices, begin, end, b + j, \
                                 beta, d + j, d_row, c + j, n, packed); \
            break;
        switch (vectors) {
        COLUMNS(1) COLUMNS(2) COLUMNS(3) COLUMNS(4)
#if SPARSE_VECTORS > 4
        COLUMNS(5) COLUMNS(6) COLUMNS(7) COLUMNS(8)
#endif
        }
#undef COLUMNS
        j += vectors * LANES;
    }
}

#undef ADD_ENTRY
#undef MULTIPLY_ADD
#undef IS_MASKED
#undef ASSUME_WIDTH
#undef LAST
#undef STORE
#undef LOAD
#undef COLUMN
#undef INLINE
#undef NAME
#undef JOIN
#undef JOIN_
