// Hadamard transforms of rows of m 2^k elements, m one of 1, 12, 20 and 28.
#pragma once
#include <stdbool.h>
#include <stddef.h>

/// m of a length, 0 when it has no transform here.
size_t mlx_hadamard_factor(size_t n);

/// Transforms a row in place and multiplies by `scale`; `other` has room for a row. The matrix is
/// the product (Kronecker's) of the one of order m and Sylvester's of order 2^k.
void mlx_hadamard_f32(float *row, float *other, size_t n, bool transposed, double scale);
void mlx_hadamard_f64(double *row, double *other, size_t n, bool transposed, double scale);
