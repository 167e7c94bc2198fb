// Convolutions of single channels (each channel has a window of its own) of one level: the taps of
// one output pixel are added up channel by channel, vectors of channels at once.
// NUMERICS: taps are added in the order of the window, products rounded before they are added.

#define DEPTHWISE(T)                                                                      \
    static void depthwise_##T(void *out_, const void *in_, const void *weight_,           \
                              const ptrdiff_t *offsets, size_t taps, size_t channels) {   \
        const T *in = in_, *weight = weight_;                                             \
        T *out = out_;                                                                    \
        size_t c = 0;                                                                     \
        for (; c + 64 <= channels; c += 64) {                                             \
            T sum[64] = {0};                                                              \
            for (size_t t = 0; t < taps; t++) {                                           \
                if (offsets[t] < 0) continue;                                             \
                const T *x = in + offsets[t] + c, *w = weight + t * channels + c;         \
                LOOP for (int j = 0; j < 64; j++) sum[j] += x[j] * w[j];                  \
            }                                                                             \
            for (int j = 0; j < 64; j++) out[c + (size_t)j] = sum[j];                     \
        }                                                                                 \
        for (; c < channels; c++) {                                                       \
            T sum = 0;                                                                    \
            for (size_t t = 0; t < taps; t++) {                                           \
                if (offsets[t] >= 0) {                                                    \
                    sum += in[offsets[t] + (ptrdiff_t)c] * weight[t * channels + c];      \
                }                                                                         \
            }                                                                             \
            out[c] = sum;                                                                 \
        }                                                                                 \
    }
DEPTHWISE(float)
DEPTHWISE(double)

const mlx_depthwise_pixel LEVEL_NAME(mlx_depthwise_table)[2] = {depthwise_float, depthwise_double};
