// Products of rows that are rounded to int8 with int8 weights, which are read once, as they lie.
// What is packed is only the rows, in the form that the level multiplies.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Bytes that one row takes as `mlx_int8_rows` writes it.
size_t mlx_int8_stride(size_t depth);

/// Rows of a tile: parts of the rows that are computed apart begin at a multiple of it.
#define MLX_INT8_TILE_ROWS 16

/// Symmetric int8 rows, q = round(x / s) with s = max |x| / 127, one scale a row: 0 for a row of
/// zeros, NaN for one with a NaN or an infinity, whose products are then NaN. Rows from `first` on
/// of `all` rows; how they lie depends on the level and on how many they are.
void mlx_int8_rows(void *out, float *scales, const float *x, size_t first, size_t rows,
                   size_t all, size_t depth);

/// out[r * ldo + i] = s[r] * column_scales[i] * sum over k of q[r][k] * w[i * stride + k], for i <
/// count and `rows` rows from `first` on of `all`. The sum is exact: up to 2^31 / 127^2 terms fit.
void mlx_int8_dots(float *out, ptrdiff_t ldo, const void *x, const float *scales, size_t first,
                   size_t rows, size_t all, const int8_t *w, ptrdiff_t stride,
                   const float *column_scales, size_t count, size_t depth);

/// Rows of a weight, rounded as `mlx_int8_rows` rounds those of x, as they lie: q[r * depth + k].
void mlx_int8_weights(int8_t *q, float *scales, const float *w, size_t rows, size_t depth);

// Products with codes of 2, 4 or 8 bits (mlx_quantized.h: scale * code + offset for each group).
// Each group of a row of x is rounded with a scale of its own.

/// Bytes that one row takes as `mlx_int8_code_rows` writes it.
size_t mlx_int8_code_stride(size_t n, int bits);

/// Symmetric int8 groups of rows, as `mlx_int8_rows` rounds whole rows, in the order that the level
/// multiplies; scales[r * groups + g], and scales times the sums of the rounded terms.
void mlx_int8_code_rows(int8_t *out, float *scales, float *sums, const float *x, size_t rows,
                        size_t n, size_t group, int bits);

/// out[r * ldo + i] = sum over k of row_scale * q[r][k] * scale * code(w[i][k]), for one or two
/// rows and `count` rows of codes, row_bytes apart; without the offsets.
void mlx_int8_code_dots(float *out, ptrdiff_t ldo, const int8_t *x, const float *row_scales,
                        size_t rows, const uint8_t *w, size_t row_bytes, size_t count,
                        const float *scales, size_t n, size_t group, int bits);

/// Rows of codes that one call of mlx_int8_code_tile takes at most.
#define MLX_INT8_CODE_COLUMNS 32

/// The same for any number of rows, with offsets unless biases is NULL: `sums` has rows of
/// MLX_INT8_CODE_COLUMNS floats, of which the first `count` are meant.
void mlx_int8_code_tile(float *sums, const int8_t *x, const float *row_scales,
                        const float *row_sums, size_t rows, const uint8_t *w, size_t row_bytes,
                        size_t count, const float *scales, const float *biases, size_t n,
                        size_t group, int bits);
