// Blocks of attention, of one level.
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
