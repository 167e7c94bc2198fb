// Norms of rows, and rotations, of one level.
// NUMERICS: sums run in 64 lanes over the row and are added in float64; the centred sum of squares
// takes a second pass, because the difference of two sums would lose small variances.

typedef f64 f64x16 __attribute__((ext_vector_type(16)));
typedef f64 f64x8 __attribute__((ext_vector_type(8)));
typedef f64 f64x4 __attribute__((ext_vector_type(4)));

INLINE double sum_lanes(const f64x16 *v) {
    f64x8 a = v->lo + v->hi;
    f64x4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

#define NORMS(T, ROOT)                                                                    \
    typedef T row_lanes_##T __attribute__((ext_vector_type(16)));                         \
    typedef row_lanes_##T row_part_##T __attribute__((aligned(sizeof(T))));               \
    INLINE double row_sum_##T(const T *x, size_t n, double centre, bool squares) {        \
        row_lanes_##T lane[4] = {0}, middle = (T)centre;                                  \
        f64x16 total = 0;                                                                 \
        size_t i = 0;                                                                     \
        for (; i + 64 <= n; i += 64) {                                                    \
            UNROLL for (int j = 0; j < 4; j++) {                                          \
                row_lanes_##T v = *(const row_part_##T *)(x + i + 16 * j) - middle;       \
                lane[j] += squares ? v * v : v;                                           \
            }                                                                             \
            if ((i & 4095) == 4032) {                                                     \
                UNROLL for (int j = 0; j < 4; j++) {                                      \
                    total += __builtin_convertvector(lane[j], f64x16);                    \
                    lane[j] = 0;                                                          \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int j = 0; j < 4; j++) {                                              \
            total += __builtin_convertvector(lane[j], f64x16);                            \
        }                                                                                 \
        double rest = 0;                                                                  \
        for (; i < n; i++) {                                                              \
            T v = x[i] - (T)centre;                                                       \
            rest += squares ? v * v : v;                                                  \
        }                                                                                 \
        return sum_lanes(&total) + rest;                                                  \
    }                                                                                     \
    INLINE void row_statistics_##T(const T *x, size_t n, double eps, bool is_rms, T *mean, \
                                   T *inverse) {                                          \
        double centre = is_rms ? 0 : row_sum_##T(x, n, 0, false) / (double)n;             \
        double spread = row_sum_##T(x, n, centre, true) / (double)n;                      \
        *mean = (T)centre;                                                                \
        *inverse = (T)(1 / ROOT(spread + eps));                                           \
    }                                                                                     \
    static void norm_rows_##T(void *out_, const void *x_, const void *weight_,            \
                              const void *bias_, size_t rows, size_t n, double eps,       \
                              bool is_rms) {                                              \
        const T *weight = weight_, *bias = bias_;                                         \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *x = (const T *)x_ + r * n;                                           \
            T *out = (T *)out_ + r * n, m, s;                                             \
            row_statistics_##T(x, n, eps, is_rms, &m, &s);                                \
            if (weight && bias) {                                                         \
                LOOP for (size_t i = 0; i < n; i++) {                                     \
                    out[i] = (x[i] - m) * s * weight[i] + bias[i];                        \
                }                                                                         \
            } else if (weight) {                                                          \
                LOOP for (size_t i = 0; i < n; i++) out[i] = (x[i] - m) * s * weight[i];  \
            } else if (bias) {                                                            \
                LOOP for (size_t i = 0; i < n; i++) out[i] = (x[i] - m) * s + bias[i];    \
            } else {                                                                      \
                LOOP for (size_t i = 0; i < n; i++) out[i] = (x[i] - m) * s;              \
            }                                                                             \
        }                                                                                 \
    }                                                                                     \
    /* dx = s (a - mean(a) - y mean(a y)) with a = weight cotangent, y = (x - m) s; without  \
       the mean of a for the root mean square. */                                         \
    static void norm_gradient_rows_##T(void *out_, const void *x_, const void *cotangent_, \
                                       const void *weight_, size_t rows, size_t n,        \
                                       double eps, bool is_rms) {                         \
        const T *weight = weight_;                                                        \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *x = (const T *)x_ + r * n, *g = (const T *)cotangent_ + r * n;       \
            T *out = (T *)out_ + r * n, m, s, plain[16] = {0}, mixed[16] = {0};           \
            row_statistics_##T(x, n, eps, is_rms, &m, &s);                                \
            double total = 0, product = 0;                                                \
            size_t i = 0;                                                                 \
            for (; i + 16 <= n; i += 16) {                                                \
                for (size_t j = 0; j < 16; j++) {                                         \
                    T a = weight ? weight[i + j] * g[i + j] : g[i + j];                   \
                    plain[j] += a;                                                        \
                    mixed[j] += a * ((x[i + j] - m) * s);                                 \
                }                                                                         \
            }                                                                             \
            for (int j = 0; j < 16; j++) { total += plain[j]; product += mixed[j]; }      \
            for (; i < n; i++) {                                                          \
                T a = weight ? weight[i] * g[i] : g[i];                                   \
                total += a;                                                               \
                product += a * ((x[i] - m) * s);                                          \
            }                                                                             \
            T shift = is_rms ? 0 : (T)(total / (double)n), slope = (T)(product / (double)n); \
            LOOP for (size_t k = 0; k < n; k++) {                                         \
                T a = weight ? weight[k] * g[k] : g[k];                                   \
                out[k] = s * (a - shift - (x[k] - m) * s * slope);                        \
            }                                                                             \
        }                                                                                 \
    }
NORMS(f32, root)
NORMS(f64, root)

#define ROTATE(T)                                                                         \
    static void rotate_row_##T(void *out_, const void *x_, const void *c_, const void *s_, \
                               size_t half, bool traditional) {                           \
        T *out = out_;                                                                    \
        const T *x = x_, *c = c_, *s = s_;                                                \
        if (traditional) {                                                                \
            LOOP for (size_t i = 0; i < half; i++) {                                      \
                T a = x[2 * i], b = x[2 * i + 1];                                         \
                out[2 * i] = a * c[i] - b * s[i];                                         \
                out[2 * i + 1] = a * s[i] + b * c[i];                                     \
            }                                                                             \
            return;                                                                       \
        }                                                                                 \
        LOOP for (size_t i = 0; i < half; i++) {                                          \
            T a = x[i], b = x[i + half];                                                  \
            out[i] = a * c[i] - b * s[i];                                                 \
            out[i + half] = a * s[i] + b * c[i];                                          \
        }                                                                                 \
    }
ROTATE(f32)
ROTATE(f64)

const mlx_norm_rows LEVEL_NAME(mlx_norm_table)[2] = {norm_rows_f32, norm_rows_f64};
const mlx_norm_gradient_rows LEVEL_NAME(mlx_norm_gradient_table)[2] = {
    norm_gradient_rows_f32, norm_gradient_rows_f64,
};
const mlx_rotate_row LEVEL_NAME(mlx_rotate_table)[2] = {rotate_row_f32, rotate_row_f64};
