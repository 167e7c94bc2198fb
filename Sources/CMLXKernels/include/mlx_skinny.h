// Products of a few rows with a large matrix, which is read once, as it lies, in float32 or in a
// half type that is widened in registers. What is packed is only the few rows. Parts of the depth
// and bands of columns are the caller's.
#pragma once
#include <stddef.h>

/// Rows that a skinny product has at most.
#define MLX_SKINNY_ROWS 64

/// Columns of one tile of sums, by level.
size_t mlx_skinny_width(void);
/// Floats that one row of x takes when it is packed or widened.
size_t mlx_skinny_stride(size_t depth);

/// Rows of x (float32, float16 or bfloat16, any strides) as `mlx_skinny_sums` takes them. The
/// depth is a multiple of 32, but for a last part.
void mlx_skinny_pack(float *out, const void *x, int dtype, ptrdiff_t row_stride,
                     ptrdiff_t depth_stride, size_t rows, size_t depth);
/// Tiles of sums over the depth of x[r][k] * w[k * stride + i], i < n: tile j has `rows` rows of
/// `width` floats and starts at j * rows * width. What the last tile has too many is zero.
void mlx_skinny_sums(float *sums, const float *x, size_t rows, const void *w, int dtype,
                     ptrdiff_t stride, size_t n, size_t depth);
/// Adds steps of the depth, from `first` on, to tiles of sums (from 0, new ones): x is float32 rows
/// packed over the whole depth, w has steps rows of n floats, n a multiple of `width`.
void mlx_skinny_adds(float *sums, const float *x, size_t rows, size_t depth, size_t first,
                     const float *w, size_t n, size_t steps);
/// out[r * ldo + i] = the tiles' columns from `first`, `n` of them, with `parts` parts of
/// `part_size` floats added in order.
void mlx_skinny_merge(float *out, ptrdiff_t ldo, const float *sums, size_t part_size,
                      size_t parts, size_t rows, size_t first, size_t n);

/// Rows of x as `mlx_skinny_dots` takes them.
void mlx_skinny_widen(float *out, const void *x, int dtype, ptrdiff_t row_stride,
                      ptrdiff_t depth_stride, size_t rows, size_t depth);
/// out[r * ldo + i] = sum over k of x[r][first + k] * w[i * stride + k], for i < count; `stride_x`
/// is `mlx_skinny_stride` of x's whole depth, `first` a multiple of 32.
void mlx_skinny_dots(float *out, ptrdiff_t ldo, const float *x, size_t stride_x, size_t first,
                     size_t rows, const void *w, int dtype, ptrdiff_t stride, size_t count,
                     size_t depth);

/// A product that fits the first-level cache: c[i * ldc + j] = sum over k of a[i * as + k * ak] *
/// b[k * bk + j * bn]. `scratch` has depth * `mlx_skinny_width` floats.
void mlx_small_product(float *c, ptrdiff_t ldc, const float *a, ptrdiff_t as, ptrdiff_t ak,
                       const float *b, ptrdiff_t bk, ptrdiff_t bn, size_t m, size_t n,
                       size_t depth, float *scratch);
