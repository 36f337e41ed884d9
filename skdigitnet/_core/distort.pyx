# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Distorted images: an affine map and a smooth random displacement, without the GIL.

Additions, multiplications and divisions alone, none of them fused, so that every processor
computes the same bits.
"""

from libc.math cimport M_PI
from libc.stdint cimport int32_t, uint64_t

from .random cimport split_mix

ctypedef unsigned char byte

ctypedef fused pixel:
    byte
    float
    double

# The random numbers of an image: first those of its affine map, also the rows of `ranges`
cdef enum:
    ROTATION = 0
    SHEAR = 1
    SCALE_Y = 2
    SCALE_X = 3
    SHIFT_Y = 4
    SHIFT_X = 5
    N_AFFINE = 6
    N_TERMS = 40  # of a power series, for angles up to a half turn

# From a pixel's place in the distorted image, relative to the centre, to that in the given one
cdef struct Affine:
    double y_of_y
    double y_of_x
    double x_of_y
    double x_of_x
    double shift_y
    double shift_x


cdef void cos_and_sin(double degrees, double* cos, double* sin) noexcept nogil:
    """By their power series; those of C libraries differ in the last bit."""
    cdef:
        double x = degrees * (M_PI / 180), term = 1
        Py_ssize_t n
    cos[0], sin[0] = 0, 0
    for n in range(0, N_TERMS, 4):
        cos[0] += term
        term *= x / (n + 1)
        sin[0] += term
        term *= x / (n + 2)
        cos[0] -= term
        term *= x / (n + 3)
        sin[0] -= term
        term *= x / (n + 4)


cdef double drawn(uint64_t key, Py_ssize_t n, const double[:, ::1] ranges) noexcept nogil:
    """The n-th number of an image, uniform from its range."""
    cdef double share = <double> (split_mix(key, n) >> 11) / <double> (<uint64_t> 1 << 53)
    return ranges[n, 0] + share * (ranges[n, 1] - ranges[n, 0])


cdef Affine affine_of(uint64_t key, const double[:, ::1] ranges) noexcept nogil:
    """The inverse of: scale, then lean by the shear, then rotate, then shift."""
    cdef:
        double cos, sin, cos_lean, sin_lean, lean
        double scale_y = drawn(key, SCALE_Y, ranges), scale_x = drawn(key, SCALE_X, ranges)
    cos_and_sin(drawn(key, ROTATION, ranges), &cos, &sin)
    cos_and_sin(drawn(key, SHEAR, ranges), &cos_lean, &sin_lean)
    lean = sin_lean / cos_lean
    return Affine(
        cos / scale_y, sin / scale_y,
        (lean * cos - sin) / scale_x, (cos + lean * sin) / scale_x,
        drawn(key, SHIFT_Y, ranges), drawn(key, SHIFT_X, ranges),
    )


cdef void draw_noise(uint64_t key, Py_ssize_t size, float* dy, float* dx) noexcept nogil:
    """Uniform from -1 to 1: 24 bits of a random number each."""
    cdef:
        Py_ssize_t i
        uint64_t number
        float unit = <float> 1 / <float> (<uint64_t> 1 << 23)
    for i in range(size):
        number = split_mix(key, N_AFFINE + i)
        dy[i] = <float> <int32_t> (number >> 40) * unit - 1
        dx[i] = <float> <int32_t> (number >> 8 & 0xFFFFFF) * unit - 1


cdef void weigh(
    const float* weights, const float* rows, Py_ssize_t n, Py_ssize_t width, float* out
) noexcept nogil:
    """out <- weights @ rows, which are n."""
    cdef:
        Py_ssize_t i = 0, j
        const float* w
        const float* row
    for j in range(width):
        out[j] = 0
    while i + 4 <= n:  # four at once load and store the sums less often
        w, row = weights + i, rows + i * width
        for j in range(width):
            out[j] = (
                out[j] + w[0] * row[j] + w[1] * row[width + j]
                + w[2] * row[2 * width + j] + w[3] * row[3 * width + j]
            )
        i += 4
    while i < n:
        for j in range(width):
            out[j] += weights[i] * rows[i * width + j]
        i += 1


cdef void smooth(
    const float[:, ::1] rows, const float[:, ::1] columns, float* field, float* half
) noexcept nogil:
    """field <- rows @ field @ columns; ``half`` has room for the first product."""
    cdef Py_ssize_t height = rows.shape[0], width = columns.shape[0], i
    for i in range(height):
        weigh(&rows[i, 0], field, height, width, half + i * width)
    for i in range(height):
        weigh(half + i * width, &columns[0, 0], width, width, field + i * width)


cdef void copy_padded(
    const pixel* image, Py_ssize_t height, Py_ssize_t width, double* padded
) noexcept nogil:
    """Copy into a frame of zeros, one pixel wide."""
    cdef Py_ssize_t i, j
    for i in range(height):
        for j in range(width):
            padded[(i + 1) * (width + 2) + j + 1] = <double> image[i * width + j]


cdef void resample(
    const double* padded, Affine affine, const float* dy, const float* dx,
    Py_ssize_t height, Py_ssize_t width, pixel* out,
) noexcept nogil:
    """out <- the image at the places where the pixels come from, bilinearly.

    Places are counted in the padded image. dy and dx, if not NULL, are added to them. Rounding
    takes no a + t (b - a) outside a and b: at places from 1 on, t is at most 1 - 2^-52, which
    is less than two roundings make up for; before 1, a is 0.
    """
    cdef:
        Py_ssize_t i, j, top, left
        double middle_y = 0.5 * (height + 1), middle_x = 0.5 * (width + 1)
        double y, x, from_y, from_x, upper, lower, value
        const double* corner
    for i in range(height):
        y = i + 1 - middle_y - affine.shift_y
        for j in range(width):
            x = j + 1 - middle_x - affine.shift_x
            from_y = affine.y_of_y * y + affine.y_of_x * x + middle_y
            from_x = affine.x_of_y * y + affine.x_of_x * x + middle_x
            if dy != NULL:
                from_y += dy[i * width + j]
                from_x += dx[i * width + j]
            value = 0
            # false for NaN too
            if 0 <= from_y and from_y < height + 1 and 0 <= from_x and from_x < width + 1:
                top, left = <Py_ssize_t> from_y, <Py_ssize_t> from_x
                from_y -= top
                from_x -= left
                corner = padded + top * (width + 2) + left
                upper = corner[0] + from_x * (corner[1] - corner[0])
                corner += width + 2
                lower = corner[0] + from_x * (corner[1] - corner[0])
                value = upper + from_y * (lower - upper)
            out[i * width + j] = <pixel> (value + 0.5 if pixel is byte else value)


def distort(
    const pixel[:, ::1] X, pixel[:, ::1] out, const double[:, ::1] ranges,
    const float[:, ::1] rows, const float[:, ::1] columns, bint is_elastic,
    uint64_t key, uint64_t first_row, double[::1] padded, float[::1] fields,
):
    """out <- X, each image distorted by the random numbers of its row.

    Parameters
    ----------
    X, out : ndarray of shape (n_rows, height * width)
    ranges : ndarray of shape (N_AFFINE, 2)
        The lowest and the highest value of each number of the affine map.
    rows : ndarray of shape (height, height)
    columns : ndarray of shape (width, width)
        The displacements are ``rows @ noise @ columns``, of uniform noise from -1 to 1.
    is_elastic : bool
        Whether there are any.
    key, first_row : int
        The stream of random numbers, and the number of X's first row in it.
    padded : ndarray of shape ((height + 2) * (width + 2),)
        Zeros; room for an image, which may be used again.
    fields : ndarray of shape (3 * height * width,)
        Room for the displacements.
    """
    cdef:
        Py_ssize_t height = rows.shape[0], width = columns.shape[0], size = height * width, i
        uint64_t key_of_row
        float* half
        float* dy
        float* dx
    if not (
        X.shape[0] == out.shape[0]
        and X.shape[1] == out.shape[1] == size
        and rows.shape[1] == height
        and columns.shape[1] == width
        and (ranges.shape[0], ranges.shape[1]) == (N_AFFINE, 2)
        and padded.shape[0] == (height + 2) * (width + 2)
        and fields.shape[0] == 3 * size
    ):
        raise ValueError(f"the shapes do not fit images of {height} x {width} pixels")
    if X.shape[0] == 0:
        return
    half, dy, dx = &fields[0], &fields[size], &fields[2 * size]
    with nogil:
        for i in range(X.shape[0]):
            key_of_row = split_mix(key, first_row + i)
            if is_elastic:
                draw_noise(key_of_row, size, dy, dx)
                smooth(rows, columns, dy, half)
                smooth(rows, columns, dx, half)
            copy_padded(&X[i, 0], height, width, &padded[0])
            resample(
                &padded[0], affine_of(key_of_row, ranges),
                dy if is_elastic else NULL, dx if is_elastic else NULL,
                height, width, &out[i, 0],
            )
