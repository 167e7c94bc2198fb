// Codes of one level: sixteen at a time are widened into a vector of float32, which products and
// decoding share.
// NUMERICS: a dot product keeps 16 lanes for each group, scales them, and adds the lanes at the
// end in order; a group's sum never mixes with another's before it is scaled.

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

/// Sixteen codes of up to 6 bits as integers.
#define CODES(b)                                                                          \
    INLINE void codes_##b(U16 *out, const u8 *p) {                                        \
        u8 bytes[16] = {0};                                                               \
        memcpy(bytes, p, 2 * (b));                                                        \
        B16 v;                                                                            \
        memcpy(&v, bytes, 16);                                                            \
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

#define DOT(KIND, BYTES, ROWS)                                                            \
    static void dot_##KIND##_##ROWS(float *out, ptrdiff_t ldo, const u8 *w,               \
                                    const float *scales, const float *x, ptrdiff_t ldx,   \
                                    size_t n, size_t group) {                             \
        F16 total[ROWS];                                                                  \
        UNROLL for (int r = 0; r < ROWS; r++) total[r] = (F16)(0.0f);                     \
        for (size_t k = 0; k < n; k += group, scales++) {                                 \
            F16 sum[ROWS];                                                                \
            UNROLL for (int r = 0; r < ROWS; r++) sum[r] = (F16)(0.0f);                   \
            for (size_t i = 0; i < group; i += 16, w += BYTES) {                          \
                F16 v;                                                                    \
                unpack_##KIND(&v, w);                                                     \
                UNROLL for (int r = 0; r < ROWS; r++) {                                   \
                    F16 y = *(const F16_AT *)(x + r * ldx + k + i);                       \
                    sum[r] = FUSED(sum[r], v, y);                                         \
                }                                                                         \
            }                                                                             \
            F16 s = (F16)(*scales);                                                       \
            UNROLL for (int r = 0; r < ROWS; r++) total[r] = FUSED(total[r], s, sum[r]);  \
        }                                                                                 \
        UNROLL for (int r = 0; r < ROWS; r++) out[r * ldo] = lane_sum(&total[r]);         \
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
#define ALL_OF_KIND(KIND, BYTES) \
    DOT(KIND, BYTES, 1) DOT(KIND, BYTES, 2) DOT(KIND, BYTES, 3) DOT(KIND, BYTES, 4) \
    DECODE(KIND, BYTES)
KINDS(ALL_OF_KIND)


#define DOT_ENTRY(KIND, BYTES) \
    case KIND: { \
        static dot_fn *const by_rows[] = \
            {dot_##KIND##_1, dot_##KIND##_2, dot_##KIND##_3, dot_##KIND##_4}; \
        by_rows[rows - 1](out, ldo, w, scales, x, ldx, n, group); \
        break; \
    }
typedef void dot_fn(float *, ptrdiff_t, const u8 *, const float *, const float *, ptrdiff_t,
                    size_t, size_t);
void LEVEL_NAME(mlx_code_dot)(float *out, ptrdiff_t ldo, const u8 *w, const float *scales,
                              const float *x, ptrdiff_t ldx, size_t rows, size_t n, size_t group,
                              int kind) {
    switch (kind) { KINDS(DOT_ENTRY) }
}

#if MLX_LEVEL_VECTOR_BYTES == 64
// Codes of 2 or 4 bits: sixteen words at a time, each shifted so that its lowest bits pick from a
// table of 16 values without being masked. x must lie as the words do (mlx_code_spread). A vector
// of words is one to sixteen groups; their scales are spread over its lanes.
#define DOT_WORDS(BITS, ROWS)                                                             \
    static void dot_words_##BITS##_##ROWS(float *out, ptrdiff_t ldo, const u8 *w,         \
                                          const float *scales, const float *x,            \
                                          ptrdiff_t ldx, size_t n, size_t group,          \
                                          __m512 table) {                                 \
        enum { PER = 32 / BITS, BLOCK_LENGTH = 16 * PER };                                \
        size_t count = BLOCK_LENGTH / group;                                              \
        __mmask16 some = (__mmask16)((1u << count) - 1);                                  \
        __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0); \
        __m512i place = _mm512_srl_epi32(                                                 \
            lane, _mm_cvtsi32_si128(__builtin_ctz((unsigned)(group / PER))));             \
        __m512 total[ROWS];                                                               \
        UNROLL for (int r = 0; r < ROWS; r++) total[r] = _mm512_setzero_ps();             \
        for (size_t k = 0; k < n; k += BLOCK_LENGTH, w += 64, scales += count) {          \
            __m512i words = _mm512_loadu_si512(w);                                        \
            __m512 even[ROWS], odd[ROWS];                                                 \
            UNROLL for (int r = 0; r < ROWS; r++) {                                       \
                even[r] = odd[r] = _mm512_setzero_ps();                                   \
            }                                                                             \
            UNROLL for (int j = 0; j < PER; j += 2) {                                     \
                __m512 a = _mm512_permutexvar_ps(_mm512_srli_epi32(words, BITS * j), table); \
                __m512 b =                                                                \
                    _mm512_permutexvar_ps(_mm512_srli_epi32(words, BITS * j + BITS), table); \
                UNROLL for (int r = 0; r < ROWS; r++) {                                   \
                    const float *y = x + r * ldx + k + 16 * j;                            \
                    even[r] = _mm512_fmadd_ps(a, _mm512_loadu_ps(y), even[r]);            \
                    odd[r] = _mm512_fmadd_ps(b, _mm512_loadu_ps(y + 16), odd[r]);         \
                }                                                                         \
            }                                                                             \
            __m512 s = _mm512_permutexvar_ps(place, _mm512_maskz_loadu_ps(some, scales)); \
            UNROLL for (int r = 0; r < ROWS; r++) {                                       \
                total[r] = _mm512_fmadd_ps(s, _mm512_add_ps(even[r], odd[r]), total[r]);  \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int r = 0; r < ROWS; r++) out[r * ldo] = lane_sum((const F16 *)&total[r]); \
    }
DOT_WORDS(2, 1) DOT_WORDS(2, 2) DOT_WORDS(2, 3) DOT_WORDS(2, 4)
DOT_WORDS(4, 1) DOT_WORDS(4, 2) DOT_WORDS(4, 3) DOT_WORDS(4, 4)

static const float nibbles[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const float pairs[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};

void mlx_code_dot_words_avx512(float *out, ptrdiff_t ldo, const u8 *w, const float *scales,
                               const float *x, ptrdiff_t ldx, size_t rows, size_t n,
                               size_t group, int kind) {
#define WORDS(BITS, ROWS) dot_words_##BITS##_##ROWS(out, ldo, w, scales, x, ldx, n, group, table)
    if (kind == MLX_CODE_2) {
        __m512 table = _mm512_loadu_ps(pairs);
        switch (rows) {
        case 1: WORDS(2, 1); break;
        case 2: WORDS(2, 2); break;
        case 3: WORDS(2, 3); break;
        default: WORDS(2, 4);
        }
        return;
    }
    __m512 table = _mm512_loadu_ps(kind == MLX_CODE_4 ? nibbles : e2m1);
    switch (rows) {
    case 1: WORDS(4, 1); break;
    case 2: WORDS(4, 2); break;
    case 3: WORDS(4, 3); break;
    default: WORDS(4, 4);
    }
#undef WORDS
}
#endif

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
