// Running folds along one axis, a block of rows at a time. A carry goes from block to block, so
// the caller can cut a long axis into blocks and fold them first.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "mlx_kernels.h"

/// out[i, j] = fold of x[0…i, j] and the carry; with `exclusive`, of those before i. Rows are
/// `step` elements apart, which may be negative, and have `columns` contiguous elements.
typedef void (*mlx_scan_rows)(void *out, const void *x, void *carry, size_t n, size_t columns,
                              ptrdiff_t step, bool exclusive);
/// Folds a column into its carry.
typedef void (*mlx_scan_fold)(const void *x, void *carry, size_t n, ptrdiff_t step);

/// carry = fold of carry and what comes after it.
typedef void (*mlx_scan_join)(void *carry, const void *later);

typedef struct {
    mlx_scan_rows scan;
    mlx_scan_fold fold;
    mlx_scan_join join;
} mlx_scan;

/// All are NULL for pairs without meaning. Sums of bool are sums of integers: cast first.
mlx_scan mlx_scan_fn(int reduction, int dtype);
/// Bytes of one column's carry.
size_t mlx_scan_carry_size(int reduction, int dtype);
/// What a fold of nothing is, for `columns` carries.
void mlx_scan_start(int reduction, int dtype, void *carry, size_t columns);
/// out[i] = log of the sum of exponentials of x[0…i], or of those before i.
typedef void (*mlx_log_sums)(void *out, const void *x, size_t n, ptrdiff_t step, bool exclusive);
/// float32 or float64.
mlx_log_sums mlx_log_sums_fn(int dtype);
