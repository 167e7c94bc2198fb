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
INLINE u32 LEVEL_NAME(pack_word)(const i8 *in, ptrdiff_t ds, size_t terms, i32 bias) {
    u32 word = 0, mask = GROUP == 1 ? 0xffffffffu : GROUP == 2 ? 0xffffu : 0xffu;
    for (size_t t = 0; t < terms; t++) {
        word |= ((u32)(in[(ptrdiff_t)t * ds] + bias) & mask) << (t * (32 / GROUP) & 31);
    }
    return word;
}
INLINE u32 LEVEL_NAME(pack_whole)(const i8 *in, i32 bias) {
    if (GROUP != 4) return LEVEL_NAME(pack_word)(in, 1, GROUP, bias);
    u32 word;
    memcpy(&word, in, 4);
    return bias ? word ^ 0x80808080u : word; // adding 128 flips the sign bit
}

/// Panels as in PACK, sixteen groups of the depth at a time.
#define PACK_INT8(NAME, BIAS)                                                             \
    static void NAME(void *out_, const void *in_, ptrdiff_t ws, ptrdiff_t ds, size_t width, \
                     size_t depth, size_t panel) {                                        \
        u32 *out = out_;                                                                  \
        size_t groups = (depth + GROUP - 1) / GROUP, whole = ds == 1 ? depth / GROUP : 0; \
        for (size_t p = 0; p < width; p += panel, out += panel * groups) {                \
            size_t w = width - p < panel ? width - p : panel;                             \
            if (w < panel) memset(out, 0, panel * groups * 4);                            \
            for (size_t g0 = 0; g0 < groups; g0 += 16) {                                  \
                size_t end = groups - g0 < 16 ? groups : g0 + 16;                         \
                size_t fast = end < whole ? end : whole;                                  \
                for (size_t j = 0; j < w; j++) {                                          \
                    const i8 *in = (const i8 *)in_ + (ptrdiff_t)(p + j) * ws;             \
                    size_t g = g0;                                                        \
                    for (; g < fast; g++) {                                               \
                        out[g * panel + j] = LEVEL_NAME(pack_whole)(in + g * GROUP, BIAS); \
                    }                                                                     \
                    for (; g < end; g++) {                                                \
                        size_t k = g * GROUP, left = depth - k;                           \
                        out[g * panel + j] = LEVEL_NAME(pack_word)(                       \
                            in + (ptrdiff_t)k * ds, ds, left < GROUP ? left : GROUP, BIAS); \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    }
PACK_INT8(LEVEL_NAME(pack_i8_right), 0)
PACK_INT8(LEVEL_NAME(pack_i8_left), GROUP == 4 ? 128 : 0)

const mlx_gemm LEVEL_NAME(mlx_gemm_i8) = {
    MR, NV * VECTOR_BYTES / 4, GROUP, 4, LEVEL_NAME(micro_i8),
    {[MLX_I8] = LEVEL_NAME(pack_i8_right)},
    LEVEL_NAME(pack_i8_left), GROUP == 4,
};
#undef GROUP
#undef STEP_INT8
