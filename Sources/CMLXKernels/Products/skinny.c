// Lookup of the skinny and the small products by level.
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "mlx_levels.h"
#include "mlx_skinny.h"

typedef void pack_rows(float *, const void *, int, ptrdiff_t, ptrdiff_t, size_t, size_t);
typedef void sum_tiles(float *, const float *, size_t, const void *, int, ptrdiff_t, size_t,
                       size_t);
typedef void add_tiles(float *, const float *, size_t, size_t, size_t, const float *, size_t,
                       size_t);
typedef void merge_tiles(float *, ptrdiff_t, const float *, size_t, size_t, size_t, size_t, size_t);
typedef void dot_rows(float *, ptrdiff_t, const float *, ptrdiff_t, size_t, const void *, int,
                      ptrdiff_t, size_t, size_t);

typedef void small_product(float *, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t, const float *,
                           ptrdiff_t, ptrdiff_t, size_t, size_t, size_t, float *);

#define DECLARE_SKINNY(level)                       \
    extern const size_t mlx_skinny_width_of_##level; \
    pack_rows mlx_skinny_pack_##level;              \
    pack_rows mlx_skinny_widen_##level;             \
    sum_tiles mlx_skinny_sums_##level;              \
    add_tiles mlx_skinny_adds_##level;              \
    merge_tiles mlx_skinny_merge_##level;           \
    dot_rows mlx_skinny_dots_##level;               \
    small_product mlx_small_product_##level;
DECLARE_SKINNY(baseline)
#if defined(__x86_64__)
DECLARE_SKINNY(avx2)
DECLARE_SKINNY(avx512)
#endif

static const size_t *const widths[] = BY_LEVEL(mlx_skinny_width_of);
static pack_rows *const packers[] = BY_LEVEL(mlx_skinny_pack);
static pack_rows *const wideners[] = BY_LEVEL(mlx_skinny_widen);
static sum_tiles *const summers[] = BY_LEVEL(mlx_skinny_sums);
static add_tiles *const adders[] = BY_LEVEL(mlx_skinny_adds);
static merge_tiles *const mergers[] = BY_LEVEL(mlx_skinny_merge);
static dot_rows *const dotters[] = BY_LEVEL(mlx_skinny_dots);
static small_product *const smalls[] = BY_LEVEL(mlx_small_product);

size_t mlx_skinny_width(void) { return *widths[mlx_level()]; }
// Whole tiles of 32 terms, and an odd number of cache lines: rows must not meet in one set.
size_t mlx_skinny_stride(size_t depth) { return (depth + 31) / 32 * 32 + 16; }

#if defined(__x86_64__)
void mlx_skinny_widen_tiles(void *, const void *, ptrdiff_t, ptrdiff_t, size_t, size_t);
void mlx_skinny_pack_tiles(void *, const void *, ptrdiff_t, ptrdiff_t, size_t, size_t);
void mlx_skinny_sums_tiles(float *, const void *, size_t, const void *, ptrdiff_t, size_t, size_t);
void mlx_skinny_dots_tiles(float *, ptrdiff_t, const void *, size_t, size_t, const void *,
                           ptrdiff_t, size_t, size_t);
/// Fewer rows than half a tile are multiplied as fast as the matrix is read, without tiles.
static bool uses_tiles(int dtype, size_t rows) {
    return dtype == MLX_BF16 && rows >= 8 && mlx_level() >= MLX_LEVEL_AMX;
}
#define WITH_TILES(call) \
    if (uses_tiles(dtype, rows)) { call; return; }
#else
#define WITH_TILES(call)
#endif

void mlx_skinny_pack(float *out, const void *x, int dtype, ptrdiff_t row_stride,
                     ptrdiff_t depth_stride, size_t rows, size_t depth) {
    WITH_TILES(mlx_skinny_pack_tiles(out, x, row_stride, depth_stride, rows, depth))
    packers[mlx_level()](out, x, dtype, row_stride, depth_stride, rows, depth);
}
void mlx_skinny_widen(float *out, const void *x, int dtype, ptrdiff_t row_stride,
                      ptrdiff_t depth_stride, size_t rows, size_t depth) {
    WITH_TILES(mlx_skinny_widen_tiles(out, x, row_stride, depth_stride, rows, depth))
    wideners[mlx_level()](out, x, dtype, row_stride, depth_stride, rows, depth);
}
void mlx_skinny_sums(float *sums, const float *x, size_t rows, const void *w, int dtype,
                     ptrdiff_t stride, size_t n, size_t depth) {
    WITH_TILES(mlx_skinny_sums_tiles(sums, x, rows, w, stride, n, depth))
    summers[mlx_level()](sums, x, rows, w, dtype, stride, n, depth);
}
void mlx_skinny_adds(float *sums, const float *x, size_t rows, size_t depth, size_t first,
                     const float *w, size_t n, size_t steps) {
    adders[mlx_level()](sums, x, rows, depth, first, w, n, steps);
}
void mlx_skinny_merge(float *out, ptrdiff_t ldo, const float *sums, size_t part_size,
                      size_t parts, size_t rows, size_t first, size_t n) {
    mergers[mlx_level()](out, ldo, sums, part_size, parts, rows, first, n);
}
void mlx_skinny_dots(float *out, ptrdiff_t ldo, const float *x, size_t stride_x, size_t first,
                     size_t rows, const void *w, int dtype, ptrdiff_t stride, size_t count,
                     size_t depth) {
    // Panels of 16 rows have 32 bytes for each term, and as many terms as a row without its end.
    WITH_TILES(mlx_skinny_dots_tiles(out, ldo, (const uint16_t *)x + first * 16,
                                     (stride_x - 16) * 16, rows, w, stride, count, depth))
    dotters[mlx_level()](out, ldo, x + first, (ptrdiff_t)stride_x, rows, w, dtype, stride, count,
                         depth);
}
void mlx_small_product(float *c, ptrdiff_t ldc, const float *a, ptrdiff_t as, ptrdiff_t ak,
                       const float *b, ptrdiff_t bk, ptrdiff_t bn, size_t m, size_t n,
                       size_t depth, float *scratch) {
    smalls[mlx_level()](c, ldc, a, as, ak, b, bk, bn, m, n, depth, scratch);
}
