// Sixteen rows of codes as sixteen columns of numbers: a block of a product's right side, which
// stays in the first-level cache while all rows of the left side meet it.

#if MLX_LEVEL_VECTOR_BYTES == 64
#include "turn.h"

/// Code i of 32 that begin at a word, of so many bits, with what lies above it.
INLINE __m512i column_code(const __m512i *words, int bits, int i) {
    int word = bits * i / 32, shift = bits * i % 32;
    __m512i v = _mm512_srli_epi32(words[word], (unsigned)shift);
    if (shift + bits > 32) {
        v = _mm512_or_si512(v, _mm512_slli_epi32(words[word + 1], (unsigned)(32 - shift)));
    }
    return v;
}
static const float nibbles[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const float triples[16] = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
static const float pairs[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};

/// The number of a code. A table of sixteen needs no mask.
INLINE __m512 column_number(__m512i code, int kind) {
    switch (kind) {
    case MLX_CODE_2: return _mm512_permutexvar_ps(code, _mm512_loadu_ps(pairs));
    case MLX_CODE_3: return _mm512_permutexvar_ps(code, _mm512_loadu_ps(triples));
    case MLX_CODE_4: return _mm512_permutexvar_ps(code, _mm512_loadu_ps(nibbles));
    case MLX_CODE_E2M1: return _mm512_permutexvar_ps(code, _mm512_loadu_ps(e2m1));
    case MLX_CODE_E4M3: {
        // The exponent and mantissa of a float16 that is 2^8 too small.
        __m512i size = _mm512_and_si512(_mm512_slli_epi32(code, 7), _mm512_set1_epi32(0x3f80));
        __m512i sign = _mm512_and_si512(_mm512_slli_epi32(code, 8), _mm512_set1_epi32(0x8000));
        __m256i half = _mm512_cvtepi32_epi16(_mm512_or_si512(size, sign));
        return _mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(256));
    }
    default:
        return _mm512_cvtepi32_ps(_mm512_and_si512(code, _mm512_set1_epi32((1 << kind) - 1)));
    }
}

#define COLUMNS(KIND, BYTES)                                                              \
    static void columns_##KIND(float *out, size_t ldo, const __m512i *words, __m512 s, __m512 b, \
                               bool offsets, size_t n) {                                  \
        enum { BITS = BYTES / 2 };                                                        \
        size_t i = 0;                                                                     \
        for (; i + 32 <= n; i += 32, words += BITS, out += 32 * ldo) {                    \
            UNROLL for (int j = 0; j < 32; j++) {                                         \
                __m512 v = column_number(column_code(words, BITS, j), KIND);              \
                v = offsets ? _mm512_fmadd_ps(v, s, b) : _mm512_mul_ps(v, s);             \
                _mm512_storeu_ps(out + (size_t)j * ldo, v);                               \
            }                                                                             \
        }                                                                                 \
        /* Groups of 16 have codes of 4 bits, whose halves of 32 are whole words. */      \
        if (BITS != 4 || i == n) return;                                                  \
        UNROLL for (int j = 0; j < 16; j++) {                                             \
            __m512 v = column_number(column_code(words, BITS, j), KIND);                  \
            _mm512_storeu_ps(out + (size_t)j * ldo, _mm512_mul_ps(v, s));                 \
        }                                                                                 \
    }
KINDS(COLUMNS)
#define COLUMNS_ENTRY(KIND, BYTES) \
    case KIND: columns_##KIND(out, ldo, words, s, b, offsets, n); break;
static void columns_of_group(float *out, size_t ldo, const __m512i *words, __m512 s, __m512 b,
                             bool offsets, size_t n, int kind) {
    switch (kind) { KINDS(COLUMNS_ENTRY) }
}
#endif

void LEVEL_NAME(mlx_code_columns)(float *out, size_t ldo, const u8 *w, size_t row_bytes,
                                  size_t count, const float *scales, const float *biases,
                                  size_t groups, size_t n, size_t group, int kind) {
    size_t bytes = n / 8 * (size_t)mlx_code_bits(kind);
#if MLX_LEVEL_VECTOR_BYTES == 64
    // What is not sixteen rows of whole quarters of a vector is read from a copy.
    u8 copy[16 * MLX_CODE_COLUMNS];
    size_t quarters = (bytes + 15) / 16;
    if (count < 16 || bytes % 16) {
        memset(copy, 0, quarters * 256);
        for (size_t c = 0; c < count; c++) {
            memcpy(copy + c * quarters * 16, w + c * row_bytes, bytes);
        }
        w = copy;
        row_bytes = quarters * 16;
    }
    __m512i words[MLX_CODE_COLUMNS / 4];
    for (size_t q = 0; q < quarters; q++) turn_words(words + 4 * q, w + 16 * q, row_bytes);
    i32 places[16];
    for (size_t c = 0; c < 16; c++) places[c] = (i32)((c < count ? c : 0) * groups);
    __m512i place = _mm512_loadu_si512(places);
    for (size_t k = 0; k < n; k += group) {
        size_t left = n - k < group ? n - k : group;
        __m512 s = _mm512_i32gather_ps(place, scales + k / group, 4), b = _mm512_setzero_ps();
        if (biases) b = _mm512_i32gather_ps(place, biases + k / group, 4);
        columns_of_group(out + k * ldo, ldo, words + k / 32 * (size_t)mlx_code_bits(kind)
                         + k % 32 / 8, s, b, biases != NULL, left, kind);
    }
#else
    float numbers[MLX_CODE_COLUMNS];
    for (size_t c = 0; c < 16; c++) {
        if (c < count) {
            const float *b = biases ? biases + c * groups : NULL;
            size_t whole = n < group ? n : group;
            LEVEL_NAME(mlx_code_decode)(numbers, w + c * row_bytes, scales + c * groups, b, n,
                                        whole, kind, -1);
        }
        for (size_t k = 0; k < n; k++) out[k * ldo + c] = c < count ? numbers[k] : 0;
    }
#endif
}
