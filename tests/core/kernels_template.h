/* The tests of kernels.c, included for every REAL. */

struct NAME(room) {
    REAL a[MOST + 1], b[MOST + 1], c[MOST + 1], d[MOST + 1], values[MOST];
    int indices[MOST];
    ptrdiff_t begin[LARGEST + 1];
};

/* c = a @ b + d / 2, with a dense and with a sparse; `turned` if a is stored as its transpose.
   Arrays begin an element further than the allocator aligns: the kernels ask for no more. */
static void NAME(test_product)(int set, struct NAME(room) *room, int m, int n, int k, int turned)
{
    REAL *a = room->a + 1, *b = room->b + 1, *c = room->c + 1, *d = room->d + 1;
    const int a_row = turned ? 1 : k, a_col = turned ? m : 1;
    ptrdiff_t n_entries = 0;
    for (int i = 0; i < m * k; i++)
        a[i] = i % 3 ? (REAL)draw() : 0;
    for (int i = 0; i < k * n; i++)
        b[i] = (REAL)draw();
    for (int i = 0; i < m * n; i++)
        d[i] = (REAL)draw();
    NAME(gemm)(set, m, n, k, a, a_row, a_col, b, (REAL)0.5, d, n, c);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0.5 * d[i * n + j], size = fabs(sum);
            for (int p = 0; p < k; p++) {
                const double term = (double)a[i * a_row + p * a_col] * b[p * n + j];
                sum += term;
                size += fabs(term);
            }
            expect(fabs(c[i * n + j] - sum) <= (k + 2) * EPSILON * size, "a product");
        }
    add_to_checksum(c, m * n * sizeof *c);

    for (int i = 0; i < m; i++) {
        room->begin[i] = n_entries;
        for (int p = 0; p < k; p++)
            if (a[i * a_row + p * a_col] != 0) {
                room->indices[n_entries] = p;
                room->values[n_entries++] = a[i * a_row + p * a_col];
            }
    }
    room->begin[m] = n_entries;
    NAME(spmm)(set, m, n, k, room->values, room->indices, room->begin, room->begin + 1,
               b, (REAL)0.5, d, n, d, NULL);
    expect(memcmp(c, d, m * n * sizeof *c) == 0, "a sparse product, which is not the dense one");
}

static void NAME(test_products)(int set, struct NAME(room) *room)
{
    static const int sizes[] = {1, 2, 3, 5, 8, 13, 33, LARGEST};
    enum { N_SIZES = sizeof sizes / sizeof *sizes };
    for (int n = 1; n <= 70; n++)
        for (int i = 0; i < N_SIZES; i++)
            NAME(test_product)(set, room, sizes[(i + n) % N_SIZES], n, sizes[i], n % 2);
}

static void NAME(test_functions)(int set, struct NAME(room) *room)
{
    REAL *z = room->a + 1, *delta = room->b + 1;
    for (int f = IDENTITY; f <= EXPONENTIAL; f++)
        for (ptrdiff_t size = 0; size < 200; size += 7) {
            double norm;
            for (int i = 0; i < size; i++) {
                delta[i] = (REAL)draw();
                z[i] = (REAL)(f == EXPONENTIAL ? -50 * fabs(draw()) : 30 * draw());
            }
            NAME(map)(set, (Function)f, z, size);
            NAME(multiply_by_derivative)(set, (Function)f, z, delta, size);
            norm = NAME(squared_norm)(set, z, size);
            add_to_checksum(z, size * sizeof *z);
            add_to_checksum(delta, size * sizeof *delta);
            add_to_checksum(&norm, sizeof norm);
        }
}

static void NAME(test_updates)(int set, struct NAME(room) *room)
{
    enum { SIZE = 999 };
    UpdateRule rule = {.momentum = 0.9, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-8};
    REAL *theta = room->a + 1, *gradient = room->b + 1;
    REAL *first = room->c + 1, *second = room->d + 1;
    for (int kind = GRADIENT_DESCENT; kind <= ADAM; kind++) {
        rule.kind = (UpdateKind)kind;
        for (int i = 0; i < SIZE; i++) {
            first[i] = second[i] = 0;
            theta[i] = (REAL)draw();
            gradient[i] = (REAL)draw();
        }
        for (int step = 0; step < 3; step++)
            NAME(update)(set, &rule, SIZE, 0.01, 0.1, gradient, first, second, theta);
        add_to_checksum(theta, SIZE * sizeof *theta);
    }
}
