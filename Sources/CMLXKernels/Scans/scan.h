// Running folds of one level: sums, products, extremes and sums of exponentials.
// NUMERICS: floats of all widths add and multiply in float64 and round once for each result;
// neighbours are folded in fours before they meet the carry. The order depends on the length only.

/// A product of complex numbers, and the extremes in lexicographic order, NaN before all.
INLINE zd wide_c64(c64 x) { return __builtin_complex((double)x.re, (double)x.im); }
INLINE c64 narrow_c64(zd x) { return (c64){(float)creal(x), (float)cimag(x)}; }
INLINE zd product_zd(zd a, zd b) {
    return __builtin_complex(
        creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}
INLINE c64 larger_c64(c64 a, c64 b) {
    return !is_nan_c64(a) && (is_nan_c64(b) || less_c64(a, b)) ? b : a;
}
INLINE c64 smaller_c64(c64 a, c64 b) {
    return !is_nan_c64(a) && (is_nan_c64(b) || less_c64(b, a)) ? b : a;
}

/// T is the element, A the carry's type. One column: the results of four neighbours are ready
/// after one fold with the carry, which is the only thing the next four wait for.
#define SCAN_ROWS(name, T, A, LOAD, STORE, FOLD)                                          \
    INLINE void line_##name(T *out, const T *x, A *carry, size_t n, ptrdiff_t step,       \
                            bool exclusive) {                                             \
        A c = *carry;                                                                     \
        size_t i = 0;                                                                     \
        for (; i + 4 <= n; i += 4, x += 4 * step, out += 4 * step) {                      \
            A p = LOAD(x[0]), q = LOAD(x[step]), r = LOAD(x[2 * step]), s = LOAD(x[3 * step]); \
            A pq = FOLD(p, q), rs = FOLD(r, s), pqr = FOLD(pq, r), all = FOLD(pq, rs);    \
            A a = FOLD(c, p), b = FOLD(c, pq), d = FOLD(c, pqr), e = FOLD(c, all);        \
            out[0] = STORE(exclusive ? c : a);                                            \
            out[step] = STORE(exclusive ? a : b);                                         \
            out[2 * step] = STORE(exclusive ? b : d);                                     \
            out[3 * step] = STORE(exclusive ? d : e);                                     \
            c = e;                                                                        \
        }                                                                                 \
        for (; i < n; i++, x += step, out += step) {                                      \
            A v = LOAD(*x), next = FOLD(c, v);                                            \
            *out = STORE(exclusive ? c : next);                                           \
            c = next;                                                                     \
        }                                                                                 \
        *carry = c;                                                                       \
    }                                                                                     \
    static void name(void *out_, const void *x_, void *carry_, size_t n, size_t columns,  \
                     ptrdiff_t step, bool exclusive) {                                    \
        T *out = out_;                                                                    \
        const T *x = x_;                                                                  \
        A *carry = carry_;                                                                \
        if (columns == 1 && step == 1) return line_##name(out, x, carry, n, 1, exclusive); \
        if (columns == 1) return line_##name(out, x, carry, n, step, exclusive);          \
        for (size_t i = 0; i < n; i++, x += step, out += step) {                          \
            if (exclusive) {                                                              \
                LOOP for (size_t j = 0; j < columns; j++) {                               \
                    A v = LOAD(x[j]);                                                     \
                    out[j] = STORE(carry[j]);                                             \
                    carry[j] = FOLD(carry[j], v);                                         \
                }                                                                         \
            } else {                                                                      \
                LOOP for (size_t j = 0; j < columns; j++) {                               \
                    A v = LOAD(x[j]);                                                     \
                    carry[j] = FOLD(carry[j], v);                                         \
                    out[j] = STORE(carry[j]);                                             \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    }                                                                                     \
    INLINE void lanes_##name(const T *x, A *carry, size_t n, ptrdiff_t step) {            \
        A lane[8];                                                                        \
        size_t i = 0;                                                                     \
        if (n >= 8) {                                                                     \
            for (int j = 0; j < 8; j++) lane[j] = LOAD(x[j * step]);                      \
            for (i = 8; i + 8 <= n; i += 8) {                                             \
                for (int j = 0; j < 8; j++) {                                             \
                    A v = LOAD(x[(ptrdiff_t)(i + j) * step]);                             \
                    lane[j] = FOLD(lane[j], v);                                           \
                }                                                                         \
            }                                                                             \
            for (int j = 0; j < 8; j++) *carry = FOLD(*carry, lane[j]);                   \
        }                                                                                 \
        for (; i < n; i++) {                                                              \
            A v = LOAD(x[(ptrdiff_t)i * step]);                                           \
            *carry = FOLD(*carry, v);                                                     \
        }                                                                                 \
    }                                                                                     \
    static void fold_##name(const void *x, void *carry, size_t n, ptrdiff_t step) {       \
        if (step == 1) lanes_##name(x, carry, n, 1); else lanes_##name(x, carry, n, step); \
    }                                                                                     \
    static void join_##name(void *carry, const void *later) {                             \
        *(A *)carry = FOLD(*(A *)carry, *(const A *)later);                               \
    }

#define TIMES(a, b) ((a) * (b))
#define SCAN_INTEGER(T, U)                                                                \
    SCAN_ROWS(scan_sum_##T, T, U, (U), (T), MERGE_SUM)                                    \
    SCAN_ROWS(scan_product_##T, T, U, (U), (T), TIMES)                                    \
    SCAN_ROWS(scan_max_##T, T, T, SAME, SAME, MERGE_MAX)                                  \
    SCAN_ROWS(scan_min_##T, T, T, SAME, SAME, MERGE_MIN)
SCAN_INTEGER(u8, u32)
SCAN_INTEGER(i8, u32)
SCAN_INTEGER(u16, u32)
SCAN_INTEGER(i16, u32)
SCAN_INTEGER(u32, u32)
SCAN_INTEGER(i32, u32)
SCAN_INTEGER(u64, u64)
SCAN_INTEGER(i64, u64)
#define SCAN_FLOAT(T, S, A, LOAD, STORE, X, LOADX, STOREX)                                \
    SCAN_ROWS(scan_sum_##T, S, A, LOAD, STORE, MERGE_SUM)                                 \
    SCAN_ROWS(scan_product_##T, S, A, LOAD, STORE, TIMES)                                 \
    SCAN_ROWS(scan_max_##T, S, X, LOADX, STOREX, MERGE_MAX_F)                             \
    SCAN_ROWS(scan_min_##T, S, X, LOADX, STOREX, MERGE_MIN_F)
SCAN_FLOAT(f32, f32, f64, (f64), (f32), f32, SAME, SAME)
SCAN_FLOAT(f64, f64, f64, SAME, SAME, f64, SAME, SAME)
#define NARROW_F16(v) narrow_f16((float)(v))
#define NARROW_BF16(v) narrow_bf16((float)(v))
SCAN_FLOAT(f16, u16, f64, (f64)widen_f16, NARROW_F16, f32, widen_f16, narrow_f16)
SCAN_FLOAT(bf16, u16, f64, (f64)widen_bf16, NARROW_BF16, f32, widen_bf16, narrow_bf16)
SCAN_ROWS(scan_sum_c64, c64, zd, wide_c64, narrow_c64, MERGE_SUM)
SCAN_ROWS(scan_product_c64, c64, zd, wide_c64, narrow_c64, product_zd)
SCAN_ROWS(scan_max_c64, c64, c64, SAME, SAME, larger_c64)
SCAN_ROWS(scan_min_c64, c64, c64, SAME, SAME, smaller_c64)

#define SCAN(name) {name, fold_##name, join_##name}
#define SCANS(T) [MLX_SUM][CODE_##T] = SCAN(scan_sum_##T),                 \
    [MLX_PRODUCT][CODE_##T] = SCAN(scan_product_##T),                  \
    [MLX_MAX][CODE_##T] = SCAN(scan_max_##T),                              \
    [MLX_MIN][CODE_##T] = SCAN(scan_min_##T),
const mlx_scan LEVEL_NAME(mlx_scan_table)[MLX_REDUCTION_COUNT][MLX_DTYPE_COUNT] = {
    SCANS(u8) SCANS(u16) SCANS(u32) SCANS(u64) SCANS(i8) SCANS(i16) SCANS(i32) SCANS(i64)
    SCANS(f16) SCANS(bf16) SCANS(f32) SCANS(f64) SCANS(c64)
    [MLX_PRODUCT][MLX_BOOL] = SCAN(scan_product_u8),
    [MLX_MAX][MLX_BOOL] = SCAN(scan_max_u8),
    [MLX_MIN][MLX_BOOL] = SCAN(scan_min_u8),
};

// The logarithm of a running sum of exponentials is kept as (reference, sum), the sum in units of
// e^reference. Within a tile whose values are no further than 600 from their maximum all terms are
// formed at once and none that matters underflows; other tiles go one element at a time.
enum { EXPONENTIAL_TILE = 256 };

INLINE double next_log_sum(double *reference, double *sum, double x) {
    if (x > *reference) {
        *sum = *sum * exp_f64(*reference - x) + 1;
        *reference = x;
    } else if (x == *reference) {
        if (x > -INFINITY) *sum += 1;
    } else {
        *sum += x != x ? x : exp_f64(x - *reference);
    }
    return *reference + log_f64(*sum);
}

#define LOG_SUMS(T)                                                                       \
    static void log_sums_##T(void *out_, const void *x_, size_t n, ptrdiff_t step,        \
                             bool exclusive) {                                            \
        T *out = out_;                                                                    \
        const T *x = x_;                                                                  \
        double reference = -INFINITY, sum = 0, v[EXPONENTIAL_TILE], e[EXPONENTIAL_TILE];  \
        for (size_t at = 0; at < n; at += EXPONENTIAL_TILE) {                             \
            size_t m = n - at < EXPONENTIAL_TILE ? n - at : EXPONENTIAL_TILE;             \
            double high = reference, low = INFINITY;                                      \
            for (size_t i = 0; i < m; i++) {                                              \
                v[i] = (double)x[(ptrdiff_t)(at + i) * step];                             \
                high = v[i] > high ? v[i] : high;                                         \
                low = v[i] < low || v[i] != v[i] ? v[i] : low;                            \
            }                                                                             \
            if (high - low < 600) {                                                       \
                double total = sum == 0 ? 0 : sum * exp_f64(reference - high);            \
                LOOP for (size_t i = 0; i < m; i++) e[i] = exp_f64(v[i] - high);          \
                for (size_t i = 0; i < m; i++) {                                          \
                    double next = total + e[i];                                           \
                    e[i] = exclusive ? total : next;                                      \
                    total = next;                                                         \
                }                                                                         \
                LOOP for (size_t i = 0; i < m; i++) e[i] = high + log_f64(e[i]);          \
                if (exclusive) e[0] = reference + log_f64(sum);                           \
                reference = high;                                                         \
                sum = total;                                                              \
            } else {                                                                      \
                for (size_t i = 0; i < m; i++) {                                          \
                    double before = reference + log_f64(sum);                             \
                    double next = next_log_sum(&reference, &sum, v[i]);                   \
                    e[i] = exclusive ? before : next;                                     \
                }                                                                         \
            }                                                                             \
            for (size_t i = 0; i < m; i++) out[(ptrdiff_t)(at + i) * step] = (T)e[i];     \
        }                                                                                 \
    }
LOG_SUMS(f32)
LOG_SUMS(f64)
const mlx_log_sums LEVEL_NAME(mlx_log_sums_table)[2] = {log_sums_f32, log_sums_f64};
