// Row reductions of one level.
// NUMERICS: a row is cut into segments of 4096 elements. Within one, 64 lanes each take every
// 64th element, lanes are added pairwise, then the rest of the segment in order. Segments are
// merged in order, float32 and float64 sums and products in float64. The order depends on the
// length of the row only, never on the level or on threads.

#ifdef MLX_LIST_REDUCTIONS
// Every fold: its name, the elementwise function that merges two totals, whether totals of float32
// are held in float64, and the value of no elements. The loops are below.
REDUCTION(MLX_SUM, MLX_ADD, true, 0)
REDUCTION(MLX_PRODUCT, MLX_MULTIPLY, true, 1)
REDUCTION(MLX_MAX, MLX_MAXIMUM, false, 0)
REDUCTION(MLX_MIN, MLX_MINIMUM, false, 1)
#else
enum { LANES = 64, SEGMENT = 4096 };

#define MERGE_SUM(a, b) ((a) + (b))
#define MERGE_PRODUCT(a, b) ((a) * (b))
#define MERGE_MAX(a, b) ((a) > (b) ? (a) : (b))
#define MERGE_MIN(a, b) ((a) < (b) ? (a) : (b))
// NaN from either side stays.
#define MERGE_MAX_F(a, b) ((((a) != (a)) | ((a) > (b))) ? (a) : (b))
#define MERGE_MIN_F(a, b) ((((a) != (a)) | ((a) < (b))) ? (a) : (b))

/// T is the element, L the type of a lane, A the accumulator's.
#define REDUCE_ROWS(name, T, L, A, MERGE)                                                 \
    INLINE L segment_##name(const T *x, size_t n) {                                       \
        size_t i = 0;                                                                     \
        L total;                                                                          \
        if (n >= LANES) {                                                                 \
            L lane[LANES];                                                                \
            for (int j = 0; j < LANES; j++) lane[j] = (L)x[j];                            \
            for (i = LANES; i + LANES <= n; i += LANES) {                                 \
                for (int j = 0; j < LANES; j++) {                                         \
                    L v = (L)x[i + j];                                                    \
                    lane[j] = MERGE(lane[j], v);                                          \
                }                                                                         \
            }                                                                             \
            for (int width = LANES / 2; width; width /= 2) {                              \
                for (int j = 0; j < width; j++) {                                         \
                    lane[j] = MERGE(lane[j], lane[j + width]);                            \
                }                                                                         \
            }                                                                             \
            total = lane[0];                                                              \
        } else {                                                                          \
            total = (L)x[0];                                                              \
            i = 1;                                                                        \
        }                                                                                 \
        for (; i < n; i++) {                                                              \
            L v = (L)x[i];                                                                \
            total = MERGE(total, v);                                                      \
        }                                                                                 \
        return total;                                                                     \
    }                                                                                     \
    static void name(void *acc_, const void *x_, ptrdiff_t stride, size_t rows, size_t n, \
                     bool accumulate) {                                                   \
        A *acc = acc_;                                                                    \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *x = (const T *)x_ + (ptrdiff_t)r * stride;                           \
            A total = accumulate ? acc[r] : 0;                                            \
            for (size_t at = 0; at < n; at += SEGMENT) {                                  \
                A v = (A)segment_##name(x + at, n - at < SEGMENT ? n - at : SEGMENT);     \
                total = at || accumulate ? (A)MERGE(total, v) : v;                        \
            }                                                                             \
            acc[r] = total;                                                               \
        }                                                                                 \
    }

#define REDUCE_INTEGER(T, L)                                                              \
    REDUCE_ROWS(sum_##T, T, L, T, MERGE_SUM)                                              \
    REDUCE_ROWS(product_##T, T, L, T, MERGE_PRODUCT)                                      \
    REDUCE_ROWS(max_##T, T, T, T, MERGE_MAX)                                              \
    REDUCE_ROWS(min_##T, T, T, T, MERGE_MIN)
REDUCE_INTEGER(u8, u32)
REDUCE_INTEGER(u16, u32)
REDUCE_INTEGER(u32, u32)
REDUCE_INTEGER(u64, u64)
REDUCE_INTEGER(i8, u32)
REDUCE_INTEGER(i16, u32)
REDUCE_INTEGER(i32, u32)
REDUCE_INTEGER(i64, u64)
#define REDUCE_FLOAT(T)                                                                   \
    REDUCE_ROWS(sum_##T, T, T, f64, MERGE_SUM)                                            \
    REDUCE_ROWS(product_##T, T, T, f64, MERGE_PRODUCT)                                    \
    REDUCE_ROWS(max_##T, T, T, T, MERGE_MAX_F)                                            \
    REDUCE_ROWS(min_##T, T, T, T, MERGE_MIN_F)
REDUCE_FLOAT(f32)
REDUCE_FLOAT(f64)

// complex64, in float64 within a call.
#define REDUCE_COMPLEX(name, INIT, BODY)                                                  \
    static void name(void *acc_, const void *x_, ptrdiff_t stride, size_t rows, size_t n, \
                     bool accumulate) {                                                   \
        c64 *acc = acc_;                                                                  \
        for (size_t r = 0; r < rows; r++) {                                               \
            const c64 *x = (const c64 *)x_ + (ptrdiff_t)r * stride;                       \
            size_t i = accumulate ? 0 : 1;                                                \
            c64 first = accumulate ? acc[r] : x[0];                                       \
            double re = first.re, im = first.im;                                          \
            for (; i < n; i++) {                                                          \
                double a = x[i].re, b = x[i].im;                                          \
                BODY                                                                      \
            }                                                                             \
            acc[r] = (c64){(float)re, (float)im};                                         \
        }                                                                                 \
    }
REDUCE_COMPLEX(sum_c64, 0, re += a; im += b;)
REDUCE_COMPLEX(product_c64, 1, double t = re * a - im * b; im = re * b + im * a; re = t;)
#define IS_NAN_PAIR(p, q) ((p) != (p) || (q) != (q))
REDUCE_COMPLEX(max_c64, 0,
    if (!IS_NAN_PAIR(re, im) && (IS_NAN_PAIR(a, b) || a > re || (a == re && b > im))) {
        re = a; im = b;
    })
REDUCE_COMPLEX(min_c64, 0,
    if (!IS_NAN_PAIR(re, im) && (IS_NAN_PAIR(a, b) || a < re || (a == re && b < im))) {
        re = a; im = b;
    })

/// The extreme of a segment first, then the first place that holds it.
#define ARG_ROWS(name, T, REDUCE, BETTER)                                                 \
    static void name(void *best_, uint32_t *index, const void *x_, ptrdiff_t stride,      \
                     size_t rows, size_t n, size_t base, bool accumulate) {               \
        T *best = best_;                                                                  \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *x = (const T *)x_ + (ptrdiff_t)r * stride;                           \
            for (size_t at = 0; at < n; at += SEGMENT) {                                  \
                size_t m = n - at < SEGMENT ? n - at : SEGMENT;                           \
                T v = REDUCE(x + at, m), b = best[r];                                     \
                bool first = !accumulate && at == 0;                                      \
                if (!first && !(BETTER || (v != v && b == b))) continue;                  \
                size_t i = 0;                                                             \
                while (i + 1 < m && x[at + i] != v && !(v != v && x[at + i] != x[at + i])) i++; \
                best[r] = v;                                                              \
                index[r] = (uint32_t)(base + at + i);                                     \
            }                                                                             \
        }                                                                                 \
    }
#define ARGS(T)                                                                           \
    ARG_ROWS(argmax_##T, T, segment_max_##T, v > b)                                       \
    ARG_ROWS(argmin_##T, T, segment_min_##T, v < b)
ARGS(u8) ARGS(u16) ARGS(u32) ARGS(u64) ARGS(i8) ARGS(i16) ARGS(i32) ARGS(i64)
ARGS(f32) ARGS(f64)

#define ARG_COMPLEX(name, LESS)                                                           \
    static void name(void *best_, uint32_t *index, const void *x_, ptrdiff_t stride,      \
                     size_t rows, size_t n, size_t base, bool accumulate) {               \
        c64 *best = best_;                                                                \
        for (size_t r = 0; r < rows; r++) {                                               \
            const c64 *x = (const c64 *)x_ + (ptrdiff_t)r * stride;                       \
            for (size_t i = 0; i < n; i++) {                                              \
                bool first = !accumulate && i == 0;                                       \
                if (!first && (is_nan_c64(best[r]) || !(is_nan_c64(x[i]) || LESS))) continue; \
                best[r] = x[i];                                                           \
                index[r] = (uint32_t)(base + i);                                          \
            }                                                                             \
        }                                                                                 \
    }
ARG_COMPLEX(argmax_c64, less_c64(best[r], x[i]))
ARG_COMPLEX(argmin_c64, less_c64(x[i], best[r]))

/// exp(x - high) into out and the sum of it, in 16 lanes per block; high is the row's maximum.
/// Meanwhile the next row is asked for, if there is one.
#define EXP_ROW(T, EXP)                                                                   \
    static T exp_row_##T(T *out, const T *x, size_t n, T high, const T *next) {           \
        enum { LINE = 64 / sizeof(T), BLOCK = 16 * LINE };                                \
        for (size_t at = 0; at < n; at += BLOCK) {                                        \
            size_t end = n - at < BLOCK ? n : at + BLOCK;                                 \
            for (size_t i = at; next && i < end; i += LINE) __builtin_prefetch(next + i, 0, 2); \
            LOOP for (size_t i = at; i < end; i++) out[i] = EXP(x[i] - high);             \
        }                                                                                 \
        double total;                                                                     \
        sum_##T(&total, out, 0, 1, n, false);                                             \
        return (T)total;                                                                  \
    }
EXP_ROW(f32, exp_below_f32)
EXP_ROW(f64, exp_f64)
#define SOFTMAX(T, LOG)                                                                   \
    typedef T lanes_##T __attribute__((ext_vector_type(64 / sizeof(T))));                 \
    /* Whole lines of `work` times a factor, past the caches. */                          \
    static void stream_scaled_##T(T *out, const T *work, size_t n, T factor) {            \
        for (size_t i = 0; i < n; i += 64 / sizeof(T)) {                                  \
            lanes_##T v = *(const lanes_##T *)(work + i) * factor;                        \
            __builtin_nontemporal_store(v, (lanes_##T *)(out + i));                       \
        }                                                                                 \
    }                                                                                     \
    static void softmax_##T(void *out_, const void *x_, size_t rows, size_t n, bool stream) { \
        T *work = NULL;                                                                   \
        if (stream && (((uintptr_t)out_ | n * sizeof(T)) & 63) == 0) {                    \
            work = mlx_thread_scratch(n * sizeof(T));                                     \
        }                                                                                 \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *x = (const T *)x_ + r * n;                                           \
            T *out = (T *)out_ + r * n, high;                                             \
            max_##T(&high, x, 0, 1, n, false);                                            \
            const T *next = r + 1 < rows ? x + n : NULL;                                  \
            T factor = 1 / exp_row_##T(work ? work : out, x, n, high, next);              \
            if (work) {                                                                   \
                stream_scaled_##T(out, work, n, factor);                                  \
            } else {                                                                      \
                LOOP for (size_t i = 0; i < n; i++) out[i] = out[i] * factor;             \
            }                                                                             \
        }                                                                                 \
        if (work) fence_streams();                                                        \
    }                                                                                     \
    static void log_sum_exp_##T(void *out_, const void *x_, size_t rows, size_t n, bool stream) { \
        (void)stream;                                                                     \
        T tile[SEGMENT];                                                                  \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *x = (const T *)x_ + r * n;                                           \
            T *out = (T *)out_ + r, high;                                                 \
            max_##T(&high, x, 0, 1, n, false);                                            \
            double total = 0;                                                             \
            for (size_t at = 0; at < n; at += SEGMENT) {                                  \
                size_t m = n - at < SEGMENT ? n - at : SEGMENT;                           \
                total += exp_row_##T(tile, x + at, m, high, r + 1 < rows ? x + n + at : NULL); \
            }                                                                             \
            *out = high - high == 0 ? high + (T)LOG(total) : high;                        \
        }                                                                                 \
    }
SOFTMAX(f32, log)
SOFTMAX(f64, log)

#include "softmax_complex.h"

#define REDUCTIONS(T) [MLX_SUM][CODE_##T] = sum_##T, [MLX_PRODUCT][CODE_##T] = product_##T, \
    [MLX_MAX][CODE_##T] = max_##T, [MLX_MIN][CODE_##T] = min_##T,
const mlx_reduce_rows LEVEL_NAME(mlx_reduce_table)[MLX_REDUCTION_COUNT][MLX_DTYPE_COUNT] = {
    REDUCTIONS(u8) REDUCTIONS(u16) REDUCTIONS(u32) REDUCTIONS(u64)
    REDUCTIONS(i8) REDUCTIONS(i16) REDUCTIONS(i32) REDUCTIONS(i64)
    REDUCTIONS(f32) REDUCTIONS(f64) REDUCTIONS(c64)
    [MLX_MAX][MLX_BOOL] = max_u8, [MLX_MIN][MLX_BOOL] = min_u8,
};
#define ARG_ENTRY(T) [0][CODE_##T] = argmax_##T, [1][CODE_##T] = argmin_##T,
const mlx_arg_rows LEVEL_NAME(mlx_arg_table)[2][MLX_DTYPE_COUNT] = {
    ARG_ENTRY(u8) ARG_ENTRY(u16) ARG_ENTRY(u32) ARG_ENTRY(u64)
    ARG_ENTRY(i8) ARG_ENTRY(i16) ARG_ENTRY(i32) ARG_ENTRY(i64)
    ARG_ENTRY(f32) ARG_ENTRY(f64) ARG_ENTRY(c64)
    [0][MLX_BOOL] = argmax_u8, [1][MLX_BOOL] = argmin_u8,
};
const mlx_softmax_rows LEVEL_NAME(mlx_softmax_table)[6] = {
    softmax_f32, softmax_f64, softmax_c64, log_sum_exp_f32, log_sum_exp_f64, log_sum_exp_c64,
};

/// Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3").
INLINE void threefry(u32 k0, u32 k1, u32 *x0, u32 *x1) {
    const u32 keys[3] = {k0, k1, k0 ^ k1 ^ 0x1BD11BDAu};
    u32 a = *x0 + keys[0], b = *x1 + keys[1];
#define ROUND(r) a += b; b = (b << r) | (b >> (32 - r)); b ^= a;
#define INJECT(i) a += keys[(i + 1) % 3]; b += keys[(i + 2) % 3] + i + 1;
    ROUND(13) ROUND(15) ROUND(26) ROUND(6) INJECT(0)
    ROUND(17) ROUND(29) ROUND(16) ROUND(24) INJECT(1)
    ROUND(13) ROUND(15) ROUND(26) ROUND(6) INJECT(2)
    ROUND(17) ROUND(29) ROUND(16) ROUND(24) INJECT(3)
    ROUND(13) ROUND(15) ROUND(26) ROUND(6) INJECT(4)
#undef ROUND
#undef INJECT
    *x0 = a;
    *x1 = b;
}

void LEVEL_NAME(mlx_random_words)(u32 *out, u32 k0, u32 k1, size_t count, size_t begin,
                                  size_t end) {
    size_t half = (count + 1) / 2, pairs = count / 2;
    size_t last = end < pairs ? end : pairs;
    LOOP for (size_t i = begin; i < last; i++) {
        u32 a = (u32)i, b = (u32)(i + half);
        threefry(k0, k1, &a, &b);
        out[i] = a;
        out[i + half] = b;
    }
    if (end > pairs && count % 2) {
        u32 a = (u32)pairs, b = 0;
        threefry(k0, k1, &a, &b);
        out[pairs] = a;
    }
}
#endif
