// Matrix micro-kernels and packers of one level. VECTOR_BYTES, MR and NV (vectors per row of the
// register tile) are the level's; STEP multiplies and adds, with fma where the level has it.
// NUMERICS: a product accumulates over the depth in order, in blocks of DEPTH_BLOCK that are added
// to C one after another. Levels differ in rounding (fma or not), tile sizes do not matter.

#include "micro.h"

#if MLX_LEVEL_F16C
#define STEP_FLOAT(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#else
#define STEP_FLOAT(acc, a, b) ((acc) + (a) * (b))
#endif
MICRO(micro_f32, float, VF, STEP_FLOAT)
MICRO(micro_f64, double, VD, STEP_FLOAT)

/// Panels of `panel` rows or columns; what the last one lacks is zero.
#define PACK(NAME, T, S, LOAD)                                                            \
    static void NAME(void *out_, const void *in_, ptrdiff_t ws, ptrdiff_t ds, size_t width, \
                     size_t depth, size_t panel) {                                        \
        T *out = out_;                                                                    \
        for (size_t p = 0; p < width; p += panel, out += panel * depth) {                 \
            const S *in = (const S *)in_ + (ptrdiff_t)p * ws;                             \
            size_t w = width - p < panel ? width - p : panel;                             \
            if (w < panel) memset(out, 0, panel * depth * sizeof(T));                     \
            if (ws == 1) {                                                                \
                for (size_t k = 0; k < depth; k++) {                                      \
                    const S *x = in + (ptrdiff_t)k * ds;                                  \
                    T *o = out + k * panel;                                               \
                    LOOP for (size_t j = 0; j < w; j++) o[j] = LOAD(x[j]);                \
                }                                                                         \
                continue;                                                                 \
            }                                                                             \
            /* Sixteen of the depth at a time, so that lines of the input stay cached. */ \
            for (size_t k0 = 0; k0 < depth; k0 += 16) {                                   \
                size_t kn = depth - k0 < 16 ? depth - k0 : 16;                            \
                for (size_t j = 0; j < w; j++) {                                          \
                    const S *x = in + (ptrdiff_t)j * ws + (ptrdiff_t)k0 * ds;             \
                    T *o = out + k0 * panel + j;                                          \
                    for (size_t k = 0; k < kn; k++) o[k * panel] = LOAD(x[(ptrdiff_t)k * ds]); \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    }
PACK(pack_f32_any, float, float, SAME)
PACK(pack_f32_f16, float, u16, widen_f16)
PACK(pack_f32_bf16, float, u16, widen_bf16)
PACK(pack_f32_i8, float, i8, SAME)
PACK(pack_f64_f64, double, double, SAME)

typedef float QUAD __attribute__((ext_vector_type(4)));
typedef QUAD QUAD_AT __attribute__((aligned(4)));

/// Four rows and four of the depth, turned around in registers.
INLINE void pack_quad(float *out, const float *in, ptrdiff_t ws, size_t panel) {
    QUAD x0 = *(const QUAD_AT *)in, x1 = *(const QUAD_AT *)(in + ws);
    QUAD x2 = *(const QUAD_AT *)(in + 2 * ws), x3 = *(const QUAD_AT *)(in + 3 * ws);
    QUAD a = __builtin_shufflevector(x0, x1, 0, 4, 1, 5);
    QUAD b = __builtin_shufflevector(x2, x3, 0, 4, 1, 5);
    QUAD c = __builtin_shufflevector(x0, x1, 2, 6, 3, 7);
    QUAD d = __builtin_shufflevector(x2, x3, 2, 6, 3, 7);
    *(QUAD_AT *)out = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    *(QUAD_AT *)(out + panel) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    *(QUAD_AT *)(out + 2 * panel) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    *(QUAD_AT *)(out + 3 * panel) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

/// float32 rows that are contiguous along the depth: most of the work of convolutions.
static void pack_f32_f32(void *out_, const void *in_, ptrdiff_t ws, ptrdiff_t ds, size_t width,
                         size_t depth, size_t panel) {
    if (ds != 1 || ws == 1) {
        pack_f32_any(out_, in_, ws, ds, width, depth, panel);
        return;
    }
    float *out = out_;
    for (size_t p = 0; p < width; p += panel, out += panel * depth) {
        const float *in = (const float *)in_ + (ptrdiff_t)p * ws;
        size_t w = width - p < panel ? width - p : panel;
        if (w < panel) memset(out, 0, panel * depth * sizeof(float));
        for (size_t k0 = 0; k0 < depth; k0 += 16) {
            size_t end = depth - k0 < 16 ? depth : k0 + 16, j = 0;
            for (; j + 4 <= w; j += 4) {
                const float *x = in + (ptrdiff_t)j * ws;
                size_t k = k0;
                for (; k + 4 <= end; k += 4) pack_quad(out + k * panel + j, x + k, ws, panel);
                for (; k < end; k++) {
                    for (size_t i = 0; i < 4; i++) {
                        out[k * panel + j + i] = x[(ptrdiff_t)i * ws + (ptrdiff_t)k];
                    }
                }
            }
            for (; j < w; j++) {
                const float *x = in + (ptrdiff_t)j * ws;
                for (size_t k = k0; k < end; k++) out[k * panel + j] = x[k];
            }
        }
    }
}

#define ROW_PRODUCTS(T)                                                                   \
    void LEVEL_NAME(mlx_dot_rows_##T)(T *out, ptrdiff_t so, const T *x, ptrdiff_t stride, \
                                      size_t rows, const T *y, size_t n) {                \
        for (size_t r = 0; r < rows; r++) {                                               \
            const T *p = x + (ptrdiff_t)r * stride;                                       \
            T lane[64] = {0}, total = 0;                                                  \
            size_t i = 0;                                                                 \
            for (; i + 64 <= n; i += 64) {                                                \
                for (int j = 0; j < 64; j++) lane[j] += p[i + j] * y[i + j];              \
            }                                                                             \
            for (int w = 32; w; w /= 2) {                                                 \
                for (int j = 0; j < w; j++) lane[j] += lane[j + w];                       \
            }                                                                             \
            for (; i < n; i++) total += p[i] * y[i];                                      \
            out[(ptrdiff_t)r * so] = lane[0] + total;                                     \
        }                                                                                 \
    }                                                                                     \
    void LEVEL_NAME(mlx_combine_rows_##T)(T *out, const T *x, ptrdiff_t stride, size_t rows, \
                                          const T *s, ptrdiff_t ss, size_t n) {           \
        size_t r = 0;                                                                     \
        for (; r + 4 <= rows; r += 4) {                                                   \
            const T *p = x + (ptrdiff_t)r * stride, *q = p + stride, *u = q + stride;     \
            const T *v = u + stride;                                                      \
            const T *f = s + (ptrdiff_t)r * ss;                                           \
            T a = f[0], b = f[ss], c = f[2 * ss], d = f[3 * ss];                          \
            LOOP for (size_t i = 0; i < n; i++) {                                         \
                out[i] += (a * p[i] + b * q[i]) + (c * u[i] + d * v[i]);                  \
            }                                                                             \
        }                                                                                 \
        for (; r < rows; r++) {                                                           \
            const T *p = x + (ptrdiff_t)r * stride;                                       \
            T a = s[(ptrdiff_t)r * ss];                                                   \
            LOOP for (size_t i = 0; i < n; i++) out[i] += a * p[i];                       \
        }                                                                                 \
    }
ROW_PRODUCTS(f64)

const mlx_gemm LEVEL_NAME(mlx_gemm_f32) = {
    MR, NV * VECTOR_BYTES / 4, VECTOR_BYTES / 4, 1, 4, micro_f32,
    {[MLX_F32] = pack_f32_f32, [MLX_F16] = pack_f32_f16, [MLX_BF16] = pack_f32_bf16,
     [MLX_I8] = pack_f32_i8}, NULL,
};
const mlx_gemm LEVEL_NAME(mlx_gemm_f64) = {
    MR, NV * VECTOR_BYTES / 8, VECTOR_BYTES / 8, 1, 8, micro_f64, {[MLX_F64] = pack_f64_f64}, NULL,
};
