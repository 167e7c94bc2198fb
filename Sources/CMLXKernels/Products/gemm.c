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

void mlx_gemm_tile(const mlx_gemm *gemm, const void *a, const void *b, void *c, ptrdiff_t ldc,
                   size_t m, size_t n, size_t depth, bool accumulate) {
    // A column panel of this depth stays in the first-level cache while all row panels pass.
    size_t mr = (size_t)gemm->mr, nr = (size_t)gemm->nr, item = (size_t)gemm->item;
    const size_t block = 1024 / item;
    ptrdiff_t size = item == 8 ? 8 : 4;
    for (size_t k = 0; k < depth; k += block) {
        size_t kn = depth - k < block ? depth - k : block;
        for (size_t j = 0; j < n; j += nr) {
            const char *bp = (const char *)b + (j * depth + k * nr) * item;
            size_t jn = n - j < nr ? n - j : nr;
            for (size_t i = 0; i < m; i += mr) {
                const char *ap = (const char *)a + (i * depth + k * mr) * item;
                char *cp = (char *)c + ((ptrdiff_t)i * ldc + (ptrdiff_t)j) * size;
                gemm->micro(kn, ap, bp, cp, ldc, m - i < mr ? m - i : mr, jn, accumulate || k);
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
