// Lookup of the FFT loops by level, and the roots of unity, which are made in double with the
// angle reduced to an eighth of a turn first, so that every root is right to its last bit.
#include "mlx_fft.h"
#include "mlx_levels.h"
#include <math.h>

#define DECLARE(level)                                                                    \
    bool mlx_fft_run_##level(const mlx_fft_pass *, size_t, size_t, float *, float *, \
                             float *, float *);                                           \
    void mlx_fft_load_##level(float *, float *, size_t, size_t, const mlx_fft_layout *);  \
    void mlx_fft_store_##level(const mlx_fft_layout *, const float *, const float *, size_t, \
                               size_t, float);                                            \
    void mlx_fft_multiply_##level(float *, float *, size_t, size_t, const float *, bool); \
    void mlx_fft_twist_##level(float *, float *, size_t, size_t, const float *, const float *); \
    void mlx_fft_untangle_##level(float *, float *, size_t, size_t, const float *);       \
    void mlx_fft_tangle_##level(float *, float *, size_t, size_t, const float *);
DECLARE(baseline)
#if defined(__x86_64__)
DECLARE(avx2)
DECLARE(avx512)
#define CALL(name, ...)                                                                   \
    do {                                                                                  \
        switch (mlx_level()) {                                                            \
        case MLX_LEVEL_BASELINE: return name##_baseline(__VA_ARGS__);                     \
        case MLX_LEVEL_AVX2: return name##_avx2(__VA_ARGS__);                             \
        default: return name##_avx512(__VA_ARGS__);                                       \
        }                                                                                 \
    } while (0)
#else
#define CALL(name, ...) return name##_baseline(__VA_ARGS__)
#endif

bool mlx_fft_run(const mlx_fft_pass *passes, size_t pass_count, size_t s, float *are,
                 float *aim, float *bre, float *bim) {
    CALL(mlx_fft_run, passes, pass_count, s, are, aim, bre, bim);
}
void mlx_fft_load(float *re, float *im, size_t s, size_t n, const mlx_fft_layout *from) {
    CALL(mlx_fft_load, re, im, s, n, from);
}
void mlx_fft_store(const mlx_fft_layout *to, const float *re, const float *im, size_t s, size_t n,
                   float scale) {
    CALL(mlx_fft_store, to, re, im, s, n, scale);
}
void mlx_fft_multiply(float *re, float *im, size_t s, size_t n, const float *w, bool conjugate) {
    CALL(mlx_fft_multiply, re, im, s, n, w, conjugate);
}
void mlx_fft_twist(float *re, float *im, size_t s, size_t n, const float *first,
                   const float *step) {
    CALL(mlx_fft_twist, re, im, s, n, first, step);
}
void mlx_fft_untangle(float *re, float *im, size_t s, size_t h, const float *w) {
    CALL(mlx_fft_untangle, re, im, s, h, w);
}
void mlx_fft_tangle(float *re, float *im, size_t s, size_t h, const float *w) {
    CALL(mlx_fft_tangle, re, im, s, h, w);
}

/// cos and sin of 2 pi k / n for k < n.
static void root(size_t k, size_t n, double *c, double *s) {
    // Eighths of a turn: e = 8 k / n, with the rest measured from the nearer axis.
    size_t octant = (size_t)((unsigned __int128)8 * k / n);
    // 8 k - octant n lies in 0..<n; an odd octant is measured from its end.
    size_t rest = (size_t)((unsigned __int128)8 * k - (unsigned __int128)octant * n);
    double angle = 0x1.921fb54442d18p-1 * ((octant & 1) ? (double)(n - rest) : (double)rest)
                   / (double)n;
    double x = cos(angle), y = sin(angle);
    bool swapped = ((octant + 1) & 2) != 0;
    double a = swapped ? y : x, b = swapped ? x : y;
    *c = octant >= 2 && octant < 6 ? -a : a;
    *s = octant >= 4 ? -b : b;
}

void mlx_fft_roots_f64(double *w, size_t n, size_t first, size_t step, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double c, s;
        root((size_t)(((unsigned __int128)step * i + first) % n), n, &c, &s);
        w[2 * i] = c;
        w[2 * i + 1] = -s;
    }
}

void mlx_fft_roots(float *w, size_t n, size_t first, size_t step, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double c, s;
        root((size_t)(((unsigned __int128)step * i + first) % n), n, &c, &s);
        w[2 * i] = (float)c;
        w[2 * i + 1] = (float)-s;
    }
}
