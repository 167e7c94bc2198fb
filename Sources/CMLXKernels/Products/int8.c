// Lookup of the products of int8 rows by level. What AVX-VNNI has beside AVX2 is taken whenever the
// processor has it: sums are exact, so no result depends on it.
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "mlx_int8.h"
#include "mlx_levels.h"

typedef void round_rows(void *, float *, const float *, size_t, size_t, size_t);
typedef void dot_rows(float *, ptrdiff_t, const void *, size_t, const float *, size_t, const i8 *,
                      ptrdiff_t, const float *, size_t, size_t);
typedef void round_weights(i8 *, float *, const float *, size_t, size_t);
typedef size_t code_stride(size_t, int);
typedef void round_codes(i8 *, float *, float *, const float *, size_t, size_t, size_t, int);
typedef void dot_codes(float *, ptrdiff_t, const i8 *, const float *, size_t, const u8 *, size_t,
                       size_t, const float *, size_t, size_t, int);
typedef void tile_codes(float *, const i8 *, const float *, const float *, size_t, const u8 *,
                        size_t, size_t, const float *, const float *, size_t, size_t, int);
typedef struct {
    const size_t *step, *item;
    round_rows *rows;
    dot_rows *dots;
    round_weights *weights;
    code_stride *code_stride;
    round_codes *code_rows;
    dot_codes *code_dots;
    tile_codes *code_tile;
} int8_kernels;

#define INT8_OF(level)                                     \
    extern const size_t mlx_int8_step_##level;             \
    extern const size_t mlx_int8_item_##level;             \
    round_rows mlx_int8_rows_##level;                      \
    dot_rows mlx_int8_dots_##level;                        \
    round_weights mlx_int8_weights_##level;                \
    code_stride mlx_int8_code_stride_##level;              \
    round_codes mlx_int8_code_rows_##level;                \
    dot_codes mlx_int8_code_dots_##level;                  \
    tile_codes mlx_int8_code_tile_##level;                 \
    static const int8_kernels int8_##level = {             \
        &mlx_int8_step_##level, &mlx_int8_item_##level,    \
        mlx_int8_rows_##level, mlx_int8_dots_##level,      \
        mlx_int8_weights_##level,                          \
        mlx_int8_code_stride_##level,                      \
        mlx_int8_code_rows_##level,                        \
        mlx_int8_code_dots_##level,                        \
        mlx_int8_code_tile_##level,                        \
    };
INT8_OF(baseline)
#if defined(__x86_64__)
INT8_OF(avx2)
INT8_OF(avxvnni)
INT8_OF(avx512)
INT8_OF(vnni)
#endif
static const int8_kernels *const by_level[] = BY_LEVEL(int8);

static const int8_kernels *here(void) {
#if defined(__x86_64__)
    if (mlx_has_vnni()) return &int8_vnni;
    if (mlx_level() == MLX_LEVEL_AVX2 && __builtin_cpu_supports("avxvnni")) return &int8_avxvnni;
#endif
    return by_level[mlx_level()];
}

// An odd number of cache lines: rows must not meet in one set.
size_t mlx_int8_stride(size_t depth) {
    const int8_kernels *kernels = here();
    size_t bytes = (depth + *kernels->step - 1) / *kernels->step * *kernels->step * *kernels->item;
    bytes += sizeof(int32_t); // What a row is biased by.
    return ((bytes + 63) / 64 | 1) * 64;
}
#if defined(__x86_64__)
void mlx_int8_tile_rows(void *, float *, const float *, size_t, size_t, size_t, size_t);
dot_rows mlx_int8_tile_dots;

/// Fewer rows than a tile has are multiplied as fast as the weights are read, without tiles.
static bool uses_tiles(size_t rows) {
    return rows >= MLX_INT8_TILE_ROWS && mlx_level() >= MLX_LEVEL_AMX && mlx_has_int8_tiles();
}
#endif

void mlx_int8_rows(void *out, float *scales, const float *x, size_t first, size_t rows,
                   size_t all, size_t depth) {
    size_t stride = mlx_int8_stride(depth);
#if defined(__x86_64__)
    if (uses_tiles(all)) {
        mlx_int8_tile_rows(out, scales, x, first, rows, depth, stride);
        return;
    }
#endif
    here()->rows((char *)out + first * stride, scales + first, x + first * depth, rows, depth,
                 stride);
}
void mlx_int8_dots(float *out, ptrdiff_t ldo, const void *x, const float *scales, size_t first,
                   size_t rows, size_t all, const int8_t *w, ptrdiff_t stride,
                   const float *column_scales, size_t count, size_t depth) {
    dot_rows *dots = here()->dots;
#if defined(__x86_64__)
    if (uses_tiles(all)) dots = mlx_int8_tile_dots;
#endif
    size_t row_bytes = mlx_int8_stride(depth);
    dots(out + (ptrdiff_t)first * ldo, ldo, (const char *)x + first * row_bytes, row_bytes,
         scales + first, rows, w, stride, column_scales, count, depth);
}

void mlx_int8_weights(int8_t *q, float *scales, const float *w, size_t rows, size_t depth) {
    here()->weights(q, scales, w, rows, depth);
}

size_t mlx_int8_code_stride(size_t n, int bits) { return here()->code_stride(n, bits); }
void mlx_int8_code_rows(int8_t *out, float *scales, float *sums, const float *x, size_t rows,
                        size_t n, size_t group, int bits) {
    here()->code_rows(out, scales, sums, x, rows, n, group, bits);
}
void mlx_int8_code_dots(float *out, ptrdiff_t ldo, const int8_t *x, const float *row_scales,
                        size_t rows, const uint8_t *w, size_t row_bytes, size_t count,
                        const float *scales, size_t n, size_t group, int bits) {
    here()->code_dots(out, ldo, x, row_scales, rows, w, row_bytes, count, scales, n, group, bits);
}
void mlx_int8_code_tile(float *sums, const int8_t *x, const float *row_scales,
                        const float *row_sums, size_t rows, const uint8_t *w, size_t row_bytes,
                        size_t count, const float *scales, const float *biases, size_t n,
                        size_t group, int bits) {
    here()->code_tile(sums, x, row_scales, row_sums, rows, w, row_bytes, count, scales, biases, n,
                      group, bits);
}
