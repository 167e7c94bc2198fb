// Codes of one level: sixteen at a time are widened into a vector of float32, which products and
// decoding share.

typedef float F16 __attribute__((ext_vector_type(16)));
typedef F16 F16_AT __attribute__((aligned(4)));
typedef u32 U16 __attribute__((ext_vector_type(16)));
typedef i32 I16 __attribute__((ext_vector_type(16)));
typedef u8 B16 __attribute__((ext_vector_type(16)));
typedef u8 B64 __attribute__((ext_vector_type(64)));
#define UNROLL _Pragma("clang loop unroll(full)")

#if MLX_LEVEL_F16C
#define FUSED(acc, a, b) __builtin_elementwise_fma(a, b, acc)
#else
#define FUSED(acc, a, b) ((acc) + (a) * (b))
#endif

#define LANES_16(X, b)                                                                    \
    X(b, 0), X(b, 1), X(b, 2), X(b, 3), X(b, 4), X(b, 5), X(b, 6), X(b, 7), X(b, 8), X(b, 9), \
        X(b, 10), X(b, 11), X(b, 12), X(b, 13), X(b, 14), X(b, 15)
// The two bytes that code i of width b touches; what lies above is masked away.
#define BYTES_OF(b, i) ((b) * (i)) >> 3, (((b) * (i)) >> 3) + 1, -1, -1
#define SHIFT_OF(b, i) ((b) * (i)) & 7

/// So many bytes, and nothing behind them.
INLINE B16 load_codes(const u8 *p, size_t count) {
#if MLX_LEVEL_VECTOR_BYTES == 64
    return (B16)_mm_maskz_loadu_epi8((__mmask16)((1u << count) - 1), p);
#else
    u8 bytes[16] = {0};
    memcpy(bytes, p, count);
    B16 v;
    memcpy(&v, bytes, 16);
    return v;
#endif
}

/// Sixteen codes of up to 6 bits as integers.
#define CODES(b)                                                                          \
    INLINE void codes_##b(U16 *out, const u8 *p) {                                        \
        B16 v = load_codes(p, 2 * (b));                                                   \
        B64 wide = __builtin_shufflevector(v, v, LANES_16(BYTES_OF, b));                  \
        U16 lanes;                                                                        \
        memcpy(&lanes, &wide, 64);                                                        \
        const U16 shifts = {LANES_16(SHIFT_OF, b)};                                       \
        *out = (lanes >> shifts) & ((1u << (b)) - 1);                                     \
    }                                                                                     \
    INLINE void unpack_##b(F16 *out, const u8 *p) {                                       \
        U16 codes;                                                                        \
        codes_##b(&codes, p);                                                             \
        *out = __builtin_convertvector((I16)codes, F16);                                  \
    }
CODES(2)
CODES(3)
CODES(4)
CODES(5)
CODES(6)

INLINE void unpack_8(F16 *out, const u8 *p) {
    B16 v;
    memcpy(&v, p, 16);
    *out = __builtin_convertvector(__builtin_convertvector(v, I16), F16);
}

static const float e2m1[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4,
                               -6};

INLINE void unpack_20(F16 *out, const u8 *p) {
    U16 codes;
    codes_4(&codes, p);
#if MLX_LEVEL_VECTOR_BYTES == 64
    __m512 table = _mm512_loadu_ps(e2m1);
    *out = (F16)_mm512_permutexvar_ps((__m512i)codes, table);
#elif MLX_LEVEL_VECTOR_BYTES == 32
    __m256 table = _mm256_loadu_ps(e2m1);
    __m256i halves[2];
    memcpy(halves, &codes, 64);
    __m256 values[2];
    UNROLL for (int i = 0; i < 2; i++) {
        __m256i sign = _mm256_slli_epi32(_mm256_and_si256(halves[i], _mm256_set1_epi32(8)), 28);
        __m256 size = _mm256_permutevar8x32_ps(table, halves[i]);
        values[i] = _mm256_or_ps(size, _mm256_castsi256_ps(sign));
    }
    memcpy(out, values, 64);
#else
    for (int i = 0; i < 16; i++) (*out)[i] = e2m1[codes[i]];
#endif
}

/// E4M3 has the exponent and mantissa of a float16 that is 2^8 too small.
INLINE void unpack_24(F16 *out, const u8 *p) {
    typedef u16 H16 __attribute__((ext_vector_type(16)));
    B16 v;
    memcpy(&v, p, 16);
    H16 c = __builtin_convertvector(v, H16);
    H16 half = ((c & 0x80) << 8) | ((c & 0x7f) << 7);
#if MLX_LEVEL_VECTOR_BYTES == 64
    *out = (F16)_mm512_cvtph_ps((__m256i)half) * 256.0f;
#elif MLX_LEVEL_VECTOR_BYTES == 32
    __m128i halves[2];
    memcpy(halves, &half, 32);
    __m256 values[2] = {_mm256_cvtph_ps(halves[0]), _mm256_cvtph_ps(halves[1])};
    memcpy(out, values, 64);
    *out *= 256.0f;
#else
    for (int i = 0; i < 16; i++) (*out)[i] = widen_f16(half[i]) * 256.0f;
#endif
}

INLINE float lane_sum(const F16 *v) {
    float lanes[16];
    memcpy(lanes, v, 64);
    for (int w = 8; w; w /= 2) {
        for (int j = 0; j < w; j++) lanes[j] += lanes[j + w];
    }
    return lanes[0];
}

#define DECODE(KIND, BYTES)                                                               \
    static void decode_##KIND(float *out, const u8 *w, const float *scales,               \
                              const float *biases, size_t n, size_t group) {              \
        for (size_t k = 0; k < n; k += group) {                                           \
            F16 s = (F16)(*scales++), b = (F16)(biases ? *biases++ : 0.0f);               \
            for (size_t i = 0; i < group; i += 16, w += BYTES) {                          \
                F16 v;                                                                    \
                unpack_##KIND(&v, w);                                                     \
                v = v * s;                                                                \
                *(F16_AT *)(out + k + i) = biases ? v + b : v;                            \
            }                                                                             \
        }                                                                                 \
    }
#define KINDS(X) X(2, 4) X(3, 6) X(4, 8) X(5, 10) X(6, 12) X(8, 16) X(20, 8) X(24, 16)
KINDS(DECODE)

INLINE float rounded_to(float x, int dtype) {
    return dtype == MLX_F16 ? widen_f16(narrow_f16(x)) : widen_bf16(narrow_bf16(x));
}

#define DECODE_ENTRY(KIND, BYTES) \
    case KIND: decode_##KIND(out, w, scales, early, n, group); break;
void LEVEL_NAME(mlx_code_decode)(float *out, const u8 *w, const float *scales,
                                 const float *biases, size_t n, size_t group, int kind,
                                 int round_to) {
    bool rounds = round_to == MLX_F16 || round_to == MLX_BF16;
    const float *early = rounds ? NULL : biases;
    switch (kind) { KINDS(DECODE_ENTRY) }
    if (!rounds || !biases) return;
    for (size_t k = 0; k < n; k += group) {
        float b = *biases++;
        LOOP for (size_t i = k; i < k + group; i++) out[i] = rounded_to(out[i], round_to) + b;
    }
}

void LEVEL_NAME(mlx_group_sums)(float *sums, const float *x, size_t n, size_t group) {
    for (size_t k = 0; k < n; k += group) {
        F16 total = (F16)(0.0f);
        for (size_t i = 0; i < group; i += 16) total += *(const F16_AT *)(x + k + i);
        *sums++ = lane_sum(&total);
    }
}
