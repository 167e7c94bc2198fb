// int8 micro-kernels of one level. With VNNI four products are summed per step, the left operand
// unsigned (128 added, taken back by the caller); elsewhere pairs of 16-bit products, which cannot
// overflow or saturate: 2 * 128 * 128 fits easily.

#if MLX_LEVEL_VNNI
#define GROUP 4
#define STEP_INT8(acc, a, b) \
    ((VI)_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(a), (__m512i)(b)))
#elif MLX_LEVEL_F16C && VECTOR_BYTES == 64
#define GROUP 2
#define STEP_INT8(acc, a, b) ((acc) + (VI)_mm512_madd_epi16((__m512i)(a), (__m512i)(b)))
#elif MLX_LEVEL_F16C
#define GROUP 2
#define STEP_INT8(acc, a, b) ((acc) + (VI)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#elif defined(__x86_64__)
#define GROUP 2
#define STEP_INT8(acc, a, b) ((acc) + (VI)_mm_madd_epi16((__m128i)(a), (__m128i)(b)))
#else
#define GROUP 1
#define STEP_INT8(acc, a, b) ((acc) + (a) * (b))
#endif
MICRO(LEVEL_NAME(micro_i8), i32, VI, MR, NV, STEP_INT8)

/// One packed word from GROUP consecutive int8 of the depth; `bias` makes them unsigned.
#define PACK_INT8(NAME, BIAS)                                                             \
    static void NAME(void *out_, const void *in_, ptrdiff_t ws, ptrdiff_t ds, size_t width, \
                     size_t depth, size_t panel) {                                        \
        u32 *out = out_;                                                                  \
        size_t groups = (depth + GROUP - 1) / GROUP;                                      \
        for (size_t p = 0; p < width; p += panel, out += panel * groups) {                \
            for (size_t j = 0; j < panel; j++) {                                          \
                const i8 *in = (const i8 *)in_ + (ptrdiff_t)(p + j) * ws;                 \
                for (size_t g = 0; g < groups; g++) {                                     \
                    u32 word = 0;                                                         \
                    for (size_t t = 0; t < GROUP; t++) {                                  \
                        size_t k = g * GROUP + t;                                         \
                        i32 v = p + j < width && k < depth ? in[(ptrdiff_t)k * ds] + (BIAS) : 0; \
                        u32 mask = GROUP == 1 ? 0xffffffffu : GROUP == 2 ? 0xffffu : 0xffu; \
                        word |= ((u32)v & mask) << (t * (32 / GROUP) & 31);               \
                    }                                                                     \
                    out[g * panel + j] = word;                                            \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    }
PACK_INT8(LEVEL_NAME(pack_i8_right), 0)
PACK_INT8(LEVEL_NAME(pack_i8_left), GROUP == 4 ? 128 : 0)

const mlx_gemm LEVEL_NAME(mlx_gemm_i8) = {
    MR, NV * VECTOR_BYTES / 4, GROUP, LEVEL_NAME(micro_i8), {[MLX_I8] = LEVEL_NAME(pack_i8_right)},
    LEVEL_NAME(pack_i8_left), GROUP == 4,
};
#undef GROUP
#undef STEP_INT8
