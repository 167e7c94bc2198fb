// Lookup of the matrix kernels by level, and the loop nest over packed panels that they share.
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "mlx_gemm.h"

static const mlx_gemm *const singles[] = BY_LEVEL(mlx_gemm_f32);
static const mlx_gemm *const doubles[] = BY_LEVEL(mlx_gemm_f64);

const mlx_gemm *mlx_gemm_f32(void) { return singles[mlx_level()]; }
const mlx_gemm *mlx_gemm_f64(void) { return doubles[mlx_level()]; }
const mlx_gemm *mlx_gemm_bf16(void) {
#if defined(__x86_64__)
    if (mlx_level() >= MLX_LEVEL_AMX) return &mlx_gemm_bf16_tiles;
    if (mlx_level() >= MLX_LEVEL_AVX512BF16) return &mlx_gemm_bf16_pairs;
#endif
    return NULL;
}

void mlx_gemm_tile(const mlx_gemm *gemm, mlx_panels a, mlx_panels b, void *c, ptrdiff_t ldc,
                   size_t m, size_t n, size_t depth, bool accumulate) {
    size_t mr = (size_t)gemm->mr, nr = (size_t)gemm->nr, item = (size_t)gemm->item;
    ptrdiff_t size = item == 8 ? 8 : 4;
    // What a tile reads of a block stays in the second-level cache: steps of one run, or runs.
    if (!depth) return;
    size_t run = a.run ? a.run : depth, most = 1024 / item;
    size_t steps = run < most ? run : most, runs = run < most ? most / run : 1;
    // Rows that lie one after another can be grouped at will: as evenly as they can be.
    bool is_even = a.panel == (ptrdiff_t)mr * a.row;
    size_t groups = (m + mr - 1) / mr, base = m / groups, more = m % groups;
    for (size_t k = 0, count; k < depth; k += count) {
        // A run that does not end with its block goes on in the next one.
        size_t in_run = k % run, own = run - in_run < steps ? run - in_run : steps;
        size_t left = (depth - k) / run, together = in_run || own < run ? 1 : runs;
        if (together > left && left) together = left;
        count = own * together;
        mlx_panels x = a, y = b;
        const char *start =
            (const char *)a.base + (ptrdiff_t)(k / run) * a.jump + (ptrdiff_t)in_run * a.step;
        y.base = (const char *)b.base + (ptrdiff_t)k * b.step;
        for (size_t j = 0; j < n; j += nr, y.base = (const char *)y.base + b.panel) {
            x.base = start;
            size_t jn = n - j < nr ? n - j : nr;
            for (size_t i = 0, rows; i < m; i += rows) {
                rows = is_even ? base + (i < more * (base + 1)) : m - i < mr ? m - i : mr;
                char *cp = (char *)c + ((ptrdiff_t)i * ldc + (ptrdiff_t)j) * size;
                gemm->micro(own, together, x, y, cp, ldc, rows, jn, accumulate || k);
                x.base = (const char *)x.base + (is_even ? (ptrdiff_t)rows * a.row : a.panel);
            }
        }
    }
}

#define FORWARD(T, suffix)                                                                \
    typedef void dot_##suffix(T *, ptrdiff_t, const T *, ptrdiff_t, size_t, const T *, size_t); \
    typedef void combine_##suffix(T *, const T *, ptrdiff_t, size_t, const T *, ptrdiff_t, \
                                  size_t);                                                \
    static dot_##suffix *const dots_##suffix[] = BY_LEVEL(mlx_dot_rows_##suffix);         \
    static combine_##suffix *const combines_##suffix[] = BY_LEVEL(mlx_combine_rows_##suffix); \
    void mlx_dot_rows_##suffix(T *out, ptrdiff_t so, const T *x, ptrdiff_t stride, size_t rows, \
                               const T *y, size_t n) {                                    \
        dots_##suffix[mlx_level()](out, so, x, stride, rows, y, n);                       \
    }                                                                                     \
    void mlx_combine_rows_##suffix(T *out, const T *x, ptrdiff_t stride, size_t rows,     \
                                   const T *s, ptrdiff_t ss, size_t n) {                  \
        combines_##suffix[mlx_level()](out, x, stride, rows, s, ss, n);                   \
    }
FORWARD(double, f64)
