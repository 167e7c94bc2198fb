// Steps of recurrent layers, of one level: what the input and the state say to the gates of a few
// units becomes their new state.
// NUMERICS: the state's part is added to the sum of the input's and the bias, in this order.
// Exponentials have the level's last bits, as the products before them do.

INLINE float gate_f32(float x) {
    float y = exp_below_f32(-fabsf(x));
    float z = 1.0f / (1.0f + y);
    return x < 0.0f ? y * z : z;
}

INLINE float bend_f32(float x) {
    float a = fabsf(x), z = x * x;
    float p = -0.0057175121773f;
    p = fused_f32(p, z, 0.020651058934f);
    p = fused_f32(p, z, -0.053743665688f);
    p = fused_f32(p, z, 0.13331493718f);
    p = fused_f32(p, z, -0.33333284042f);
    float small = fused_f32(x * z, p, x);
    float y = exp_below_f32(-(a + a));
    float large = (1.0f - y) / (1.0f + y);
    large = float32(bits32(large) | (bits32(x) & 0x80000000u));
    return a < 0.625f ? small : large;
}

#define gate_f64 sigmoid_f64
#define bend_f64 tanh

#define CELLS(T)                                                                          \
    static void lstm_units_##T(const mlx_units *u, size_t rows, size_t n) {               \
        size_t width = u->width;                                                          \
        const T *bias = u->bias;                                                          \
        for (size_t r = 0; r < rows; r++) {                                               \
            ptrdiff_t row = (ptrdiff_t)r;                                                 \
            T *state = (T *)u->out + row * u->out_stride, *cell = state + width;          \
            const T *x = (const T *)u->input + row * u->input_stride;                     \
            const T *s = (const T *)u->product + row * u->product_stride;                 \
            const T *old = (const T *)u->old + row * u->old_stride;                       \
            const T *si = s, *sf = si + u->product_gate, *sg = sf + u->product_gate;      \
            const T *so = sg + u->product_gate;                                           \
            LOOP for (size_t i = 0; i < n; i++) {                                         \
                T input = gate_##T(si[i] + (x[i] + bias[i]));                             \
                T forget = gate_##T(sf[i] + (x[width + i] + bias[width + i]));            \
                T new = bend_##T(sg[i] + (x[2 * width + i] + bias[2 * width + i]));       \
                T output = gate_##T(so[i] + (x[3 * width + i] + bias[3 * width + i]));    \
                T kept = forget * old[i] + input * new;                                   \
                cell[i] = kept;                                                           \
                state[i] = output * bend_##T(kept);                                       \
            }                                                                             \
        }                                                                                 \
    }                                                                                     \
    static void gru_units_##T(const mlx_units *u, size_t rows, size_t n) {                \
        size_t width = u->width;                                                          \
        const T *bias = u->bias, *inner = u->inner_bias;                                  \
        for (size_t r = 0; r < rows; r++) {                                               \
            ptrdiff_t row = (ptrdiff_t)r;                                                 \
            T *state = (T *)u->out + row * u->out_stride;                                 \
            const T *x = (const T *)u->input + row * u->input_stride;                     \
            const T *s = (const T *)u->product + row * u->product_stride;                 \
            const T *old = (const T *)u->old + row * u->old_stride;                       \
            const T *sr = s, *sz = sr + u->product_gate, *sn = sz + u->product_gate;      \
            LOOP for (size_t i = 0; i < n; i++) {                                         \
                T reset = gate_##T(sr[i] + (x[i] + bias[i]));                             \
                T keep = gate_##T(sz[i] + (x[width + i] + bias[width + i]));              \
                T new = bend_##T((x[2 * width + i] + bias[2 * width + i]) +               \
                                 reset * (sn[i] + inner[i]));                             \
                state[i] = (1 - keep) * new + keep * old[i];                              \
            }                                                                             \
        }                                                                                 \
    }
CELLS(f32)
CELLS(f64)
#undef CELLS
#undef gate_f64
#undef bend_f64

const mlx_units_fn LEVEL_NAME(mlx_units_table)[2][2] = {{lstm_units_f32, lstm_units_f64},
                                                        {gru_units_f32, gru_units_f64}};
