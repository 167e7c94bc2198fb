// Matrix products over panels: MR rows of the left operand, or NR columns of the right one, over
// the whole depth. The micro-kernel reads them where they lie: rows that are contiguous along the
// depth, columns that are contiguous across a panel, or packed, depth outermost, panel p from
// p * width * depth on. It decides MR and NR; all walks and threads are the caller's.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where the panels of an operand are: bytes from one panel, one row (of the left operand) and one
/// step of the depth to the next. The depth of a left operand may be in runs of `run` steps that
/// start `jump` bytes apart; a run of 0 steps is the whole depth.
typedef struct {
    const void *base;
    ptrdiff_t panel, row, step, jump;
    size_t run;
} mlx_panels;

/// One register tile: m rows and n columns from panels at `a` and `b`, over `runs` runs of `depth`
/// steps.
typedef void (*mlx_micro_fn)(size_t depth, size_t runs, mlx_panels a, mlx_panels b, void *c,
                             ptrdiff_t ldc, size_t m, size_t n, bool accumulate);
typedef void (*mlx_pack_fn)(void *out, const void *in, ptrdiff_t width_stride,
                            ptrdiff_t depth_stride, size_t width, size_t depth, size_t panel);

typedef struct {
    int mr, nr;
    /// Columns of one vector: columns that are read where they lie are whole vectors.
    int lanes;
    /// Terms of the depth in one packed element: 1 for floats, 2 or 32 for bfloat16.
    int group;
    /// Bytes of one packed element.
    int item;
    mlx_micro_fn micro;
    /// Packers by source dtype code; NULL where there is none.
    mlx_pack_fn pack[14];
    /// The left operand's packer where it is another; its rows are always packed then.
    mlx_pack_fn pack_left;
} mlx_gemm;

/// float32 and float64 products; halves are widened while packing.
const mlx_gemm *mlx_gemm_f32(void);
const mlx_gemm *mlx_gemm_f64(void);
/// bfloat16 x bfloat16 -> float32 without widening; NULL below the level avx512bf16. Subnormal
/// numbers count as zero.
const mlx_gemm *mlx_gemm_bf16(void);
/// One tile of C (m x n, row stride ldc) from panels over `depth` packed elements, in blocks of
/// depth that keep the panels in cache. C's elements are 4 bytes, 8 for float64.
void mlx_gemm_tile(const mlx_gemm *gemm, mlx_panels a, mlx_panels b, void *c, ptrdiff_t ldc,
                   size_t m, size_t n, size_t depth, bool accumulate);

/// out[r] = sum of x[r * row_stride + i] * y[i]; 64 lanes, added pairwise.
void mlx_dot_rows_f64(double *out, ptrdiff_t out_stride, const double *x, ptrdiff_t row_stride,
                      size_t rows, const double *y, size_t n);
/// out[i] += sum over r of s[r * s_stride] * x[r * row_stride + i], four rows at a time.
void mlx_combine_rows_f64(double *out, const double *x, ptrdiff_t row_stride, size_t rows,
                          const double *s, ptrdiff_t s_stride, size_t n);
