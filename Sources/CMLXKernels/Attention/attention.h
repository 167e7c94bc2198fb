// Blocks of attention, and products of a few rows, of one level.
// NUMERICS: a running softmax (Milakov and Gimelshein, 2018): each block of scores is shifted by
// the largest score seen so far, and earlier sums decay by exp(old maximum - new maximum). Sums of
// exponentials are kept in the dtype, in 16 lanes for each block.

#define exp_below_f64 exp_f64

#define SOFTMAX_BLOCK(T)                                                                  \
    static void softmax_block_##T(void *scores_, ptrdiff_t stride, size_t rows, size_t n, \
                                  void *maximum_, void *sum_, void *decay_) {             \
        T *maximum = maximum_, *sum = sum_, *decay = decay_;                              \
        for (size_t r = 0; r < rows; r++) {                                               \
            T *x = (T *)scores_ + (ptrdiff_t)r * stride, lane[16];                        \
            size_t i = 0;                                                                 \
            T high = maximum[r];                                                          \
            for (int j = 0; j < 16; j++) lane[j] = high;                                  \
            for (; i + 16 <= n; i += 16) {                                                \
                for (size_t j = 0; j < 16; j++) {                                         \
                    lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];                    \
                }                                                                         \
            }                                                                             \
            for (int j = 0; j < 16; j++) high = lane[j] > high ? lane[j] : high;          \
            for (; i < n; i++) high = x[i] > high ? x[i] : high;                          \
            /* Nothing but -infinity so far: everything stays zero. */                    \
            T shift = high == -INFINITY ? 0 : high, total = 0;                            \
            LOOP for (size_t k = 0; k < n; k++) x[k] = exp_below_##T(x[k] - shift);       \
            for (int j = 0; j < 16; j++) lane[j] = 0;                                     \
            for (i = 0; i + 16 <= n; i += 16) {                                           \
                for (size_t j = 0; j < 16; j++) lane[j] += x[i + j];                      \
            }                                                                             \
            for (int w = 8; w; w /= 2) {                                                  \
                for (int j = 0; j < w; j++) lane[j] += lane[j + w];                       \
            }                                                                             \
            for (; i < n; i++) total += x[i];                                             \
            T fade = maximum[r] == high ? 1 : exp_below_##T(maximum[r] - shift);          \
            decay[r] = fade;                                                              \
            sum[r] = sum[r] * fade + (lane[0] + total);                                   \
            maximum[r] = high;                                                            \
        }                                                                                 \
    }                                                                                     \
    static void scale_rows_##T(void *out_, ptrdiff_t stride, size_t rows, size_t n,       \
                               const void *factor_) {                                     \
        const T *factor = factor_;                                                        \
        for (size_t r = 0; r < rows; r++) {                                               \
            T *out = (T *)out_ + (ptrdiff_t)r * stride, f = factor[r];                    \
            if (f == 1) continue;                                                         \
            LOOP for (size_t i = 0; i < n; i++) out[i] *= f;                              \
        }                                                                                 \
    }
SOFTMAX_BLOCK(f32)
SOFTMAX_BLOCK(f64)

const mlx_softmax_block LEVEL_NAME(mlx_softmax_block_table)[2] = {
    softmax_block_f32, softmax_block_f64,
};
const mlx_scale_rows LEVEL_NAME(mlx_scale_rows_table)[2] = {scale_rows_f32, scale_rows_f64};

#define FEW(ROWS)                                                                         \
    static void few_dots_##ROWS(float *out, ptrdiff_t ldo, const float *x, ptrdiff_t ldx, \
                                const float *w, ptrdiff_t stride, size_t count,           \
                                size_t depth) {                                           \
        for (size_t i = 0; i < count; i++, w += stride) {                                 \
            F16 sum[ROWS];                                                                \
            UNROLL for (int r = 0; r < ROWS; r++) sum[r] = (F16)(0.0f);                   \
            size_t k = 0;                                                                 \
            for (; k + 16 <= depth; k += 16) {                                            \
                F16 v = *(const F16_AT *)(w + k);                                         \
                UNROLL for (int r = 0; r < ROWS; r++) {                                   \
                    sum[r] = FUSED(sum[r], v, *(const F16_AT *)(x + r * ldx + k));        \
                }                                                                         \
            }                                                                             \
            UNROLL for (int r = 0; r < ROWS; r++) {                                       \
                float total = lane_sum(&sum[r]);                                          \
                for (size_t j = k; j < depth; j++) total += w[j] * x[r * ldx + (ptrdiff_t)j]; \
                out[r * ldo + (ptrdiff_t)i] = total;                                      \
            }                                                                             \
        }                                                                                 \
    }                                                                                     \
    static void few_sums_##ROWS(float *out, ptrdiff_t ldo, const float *x, ptrdiff_t ldx, \
                                ptrdiff_t xs, const float *w, ptrdiff_t stride, size_t n, \
                                size_t depth) {                                           \
        size_t k = 0;                                                                     \
        for (; k + 4 <= depth; k += 4, w += 4 * stride) {                                 \
            float f[ROWS][4];                                                             \
            for (int r = 0; r < ROWS; r++) {                                              \
                for (int j = 0; j < 4; j++) f[r][j] = x[r * ldx + (ptrdiff_t)(k + j) * xs]; \
            }                                                                             \
            size_t i = 0;                                                                 \
            for (; i + 16 <= n; i += 16) {                                                \
                F16 v[4];                                                                 \
                UNROLL for (int j = 0; j < 4; j++) {                                      \
                    v[j] = *(const F16_AT *)(w + j * stride + i);                         \
                }                                                                         \
                UNROLL for (int r = 0; r < ROWS; r++) {                                   \
                    F16_AT *o = (F16_AT *)(out + r * ldo + i);                            \
                    F16 sum = *o;                                                         \
                    UNROLL for (int j = 0; j < 4; j++) {                                  \
                        sum = FUSED(sum, (F16)(f[r][j]), v[j]);                           \
                    }                                                                     \
                    *o = sum;                                                             \
                }                                                                         \
            }                                                                             \
            for (; i < n; i++) {                                                          \
                for (int r = 0; r < ROWS; r++) {                                          \
                    for (int j = 0; j < 4; j++) {                                         \
                        out[r * ldo + (ptrdiff_t)i] += f[r][j] * w[j * stride + (ptrdiff_t)i]; \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        for (; k < depth; k++, w += stride) {                                             \
            for (int r = 0; r < ROWS; r++) {                                              \
                float f = x[r * ldx + (ptrdiff_t)k * xs];                                 \
                LOOP for (size_t i = 0; i < n; i++) out[r * ldo + (ptrdiff_t)i] += f * w[i]; \
            }                                                                             \
        }                                                                                 \
    }
FEW(1) FEW(2) FEW(3) FEW(4) FEW(5) FEW(6) FEW(7) FEW(8)

#define FEW_TABLE(NAME) {NAME##1, NAME##2, NAME##3, NAME##4, NAME##5, NAME##6, NAME##7, NAME##8}

void LEVEL_NAME(mlx_few_dots_f32)(float *out, ptrdiff_t ldo, const float *x, ptrdiff_t ldx,
                                  size_t rows, const float *w, ptrdiff_t stride, size_t count,
                                  size_t depth) {
    typedef void fn(float *, ptrdiff_t, const float *, ptrdiff_t, const float *, ptrdiff_t, size_t,
                    size_t);
    static fn *const by_rows[] = FEW_TABLE(few_dots_);
    by_rows[rows - 1](out, ldo, x, ldx, w, stride, count, depth);
}

void LEVEL_NAME(mlx_few_sums_f32)(float *out, ptrdiff_t ldo, const float *x, ptrdiff_t ldx,
                                  ptrdiff_t xs, size_t rows, const float *w, ptrdiff_t stride,
                                  size_t n, size_t depth) {
    typedef void fn(float *, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t, const float *,
                    ptrdiff_t, size_t, size_t);
    static fn *const by_rows[] = FEW_TABLE(few_sums_);
    by_rows[rows - 1](out, ldo, x, ldx, xs, w, stride, n, depth);
}
