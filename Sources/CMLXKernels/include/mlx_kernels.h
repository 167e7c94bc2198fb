// Inner loops behind the kernels that are not elementwise: strided copies, row reductions,
// softmax rows, random words, matrix micro-kernels. Shapes, strides and policy stay with the
// caller; nothing here allocates or starts a thread.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "mlx_levels.h"
#include "mlx_tape.h"

/// Copies rows [begin, end) of a walk over `shape`; a row is the last axis. Strides are in
/// elements of `item_size` bytes. With `stream`, contiguous rows bypass the cache.
void mlx_copy_rows(char *out, const char *in, int item_size, int ndim, const ptrdiff_t *shape,
                   const ptrdiff_t *out_strides, const ptrdiff_t *in_strides,
                   size_t begin, size_t end, bool stream);

/// out[r * out_stride + c] = in[r + c * in_stride] for a plane of rows x columns.
/// out[i * count + j] = in[i] for i < n: each element several times in a row.
void mlx_repeat_elements(char *out, const char *in, int item_size, size_t n, size_t count);

/// Picks along the middle axis of (outer, n, inner): for rows r = o * k + j in [begin, end) and
/// i < inner, out[r, i] = x[o, index[r, i], i]; indices are int32 or, when `wide`, int64, and
/// negative ones count from the end. Returns the position of an index outside the axis, or -1.
ptrdiff_t mlx_take_along(char *out, const char *x, const void *index, bool wide, int item_size,
                         size_t begin, size_t end, size_t k, size_t inner, int64_t n);
/// Places along the middle axis: for o in [begin, end), j < k and i < inner in that order,
/// out[o, index[o, j, i], i] = values[o, j, i].
ptrdiff_t mlx_put_along(char *out, const char *values, const void *index, bool wide, int item_size,
                        size_t begin, size_t end, size_t k, size_t inner, int64_t n);

/// out[offsets[i]] = values[i] in order, for offsets in [low, high).
void mlx_scatter_elements(char *out, const char *values, const int64_t *offsets, size_t n,
                          int item_size, int64_t low, int64_t high);

/// out[r, c] = in[c, r] for rows and columns that lie out_stride and in_stride elements apart.
/// `stream` writes past the caches where lines are whole.
void mlx_transpose_plane(char *out, const char *in, int item_size, size_t rows, size_t columns,
                         ptrdiff_t out_stride, ptrdiff_t in_stride, bool stream);

/// Fills `n` elements with the element at `value`.
void mlx_fill(void *out, const void *value, int item_size, size_t n, bool stream);

/// out[i] = in[offsets[i]] for windows of `window` contiguous elements each.
void mlx_gather_windows(char *out, const char *in, const int64_t *offsets, size_t n,
                        int item_size, size_t window);

/// Adds index * stride to the offsets, after wrapping negative indices once. Returns the position
/// of the first index outside [-limit, limit), or n.
size_t mlx_add_offsets(int64_t *offsets, const int64_t *indices, size_t n, int64_t limit,
                       int64_t stride);

/// The folds that Reductions/reduce.h lists.
enum mlx_reduction {
#define MLX_LIST_REDUCTIONS
#define REDUCTION(name, merge, is_wide, identity) name,
#include "../Reductions/reduce.h"
#undef REDUCTION
#undef MLX_LIST_REDUCTIONS
    MLX_REDUCTION_COUNT
};

typedef struct {
    enum mlx_elementwise merge; // of two totals
    bool is_wide;               // totals of float32 are held in float64
    double identity;            // of no elements
} mlx_reduction_facts;
mlx_reduction_facts mlx_reduction_facts_of(enum mlx_reduction reduction);

/// Reduces each of `rows` contiguous rows of n >= 1 elements into accumulators, overwriting them
/// or, with `accumulate`, merging with them. Sums and products of float32 and float64 accumulate
/// into float64, everything else into the dtype itself.
typedef void (*mlx_reduce_rows)(void *accumulators, const void *x, ptrdiff_t row_stride,
                                size_t rows, size_t n, bool accumulate);
/// NULL for the half types (cast first) and for pairs without meaning; bool has MAX and MIN.
mlx_reduce_rows mlx_reduce_fn(int reduction, int dtype);

/// Finds the first extreme of each row (the first NaN when there is one). `best` holds one
/// element per row and `index` its position plus `base`; both are updated when `accumulate`.
typedef void (*mlx_arg_rows)(void *best, uint32_t *index, const void *x, ptrdiff_t row_stride,
                             size_t rows, size_t n, size_t base, bool accumulate);
mlx_arg_rows mlx_arg_fn(bool minimum, int dtype);

/// Softmax of contiguous rows; `out` may be `x`. dtype is float32, float64 or complex64. `stream`
/// writes past the caches where rows are whole lines; it uses the thread's scratch.
typedef void (*mlx_softmax_rows)(void *out, const void *x, size_t rows, size_t n, bool stream);
mlx_softmax_rows mlx_softmax_fn(int dtype);
/// log of the sum of exponentials of contiguous rows, one element per row; `stream` says nothing.
mlx_softmax_rows mlx_log_sum_exp_fn(int dtype);

/// Threefry-2x32: for i in [begin, end), words i and i + half of a stream under one key.
/// `half` is (number of words + 1) / 2; the middle word of an odd stream counts (half - 1, 0).
void mlx_random_words(uint32_t *out, uint32_t key0, uint32_t key1, size_t count,
                      size_t begin, size_t end);

/// Taps of a window that lie side by side in the image: row and column of the first one, from an
/// output pixel's place in dilated input positions, and how many there are.
typedef struct {
    ptrdiff_t row, column, taps;
} mlx_tap_run;

/// Where the rows of a patch matrix come from: a channels-last image batch, a grid of output
/// pixels and the window's taps. A tap that falls outside the image, or between its elements when
/// the image is dilated, reads zero. Runs of several taps are of whole pixels of an image that is
/// not dilated along its rows.
typedef struct {
    ptrdiff_t image_stride, row_stride, column_stride; // of the input, in elements
    ptrdiff_t height, width;                           // of the input
    ptrdiff_t channels;                                // read at each tap
    ptrdiff_t grid_height, grid_width;                 // output pixels
    ptrdiff_t step[2];      // from one output pixel to the next, in dilated input positions
    ptrdiff_t dilation[2];  // of the input
    ptrdiff_t run_count;
    const mlx_tap_run *runs;
    int item_size;
} mlx_patches;

/// Rows [begin, end) of the patch matrix: the taps times channels elements each. Up to 15 bytes
/// behind them are written too.
void mlx_gather_patches(char *out, const char *in, const mlx_patches *patches, size_t begin,
                        size_t end);
