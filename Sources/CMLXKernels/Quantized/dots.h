// Dot products of one or two rows of x with rows of codes, which are read once, as they lie. One
// row of x meets four of w at a time, two meet two: four chains of sums. (With more rows, codes
// that are widened once for all of them are faster: columns.h.)
// NUMERICS: a dot product keeps 16 lanes for each group (or block of words), scales them, and adds
// the lanes at the end in pairs; a group's sum never mixes with another's before it is scaled.

#include "../Products/totals.h"
#include "code_rows.h"

typedef void code_dot_fn(float *, const code_rows, const group_scales, const float *, ptrdiff_t,
                         size_t, size_t, ptrdiff_t);

/// The totals of the four chains.
INLINE void lane_sums(float *out, const F16 *v) {
    QUARTER q[4];
    UNROLL for (int i = 0; i < 4; i++) q[i] = quarter_sum(v[i]);
    store_totals(out, q);
}

/// X rows of x and W rows of w; out[x * W + w]. What lies `ahead` of the codes is asked for.
#define DOT(KIND, BYTES, X, W)                                                            \
    static void dot_##KIND##_##X(float *out, const code_rows w, const group_scales scales,  \
                                 const float *x, ptrdiff_t ldx, size_t n, size_t group,   \
                                 ptrdiff_t ahead) {                                       \
        F16 total[X][W];                                                                  \
        UNROLL for (int i = 0; i < X * W; i++) total[i / W][i % W] = (F16)(0.0f);         \
        size_t at = 0, number = 0;                                                        \
        for (size_t k = 0; k < n; k += group, number++) {                                 \
            F16 sum[X][W];                                                                \
            UNROLL for (int i = 0; i < X * W; i++) sum[i / W][i % W] = (F16)(0.0f);       \
            for (size_t i = 0; i < group; i += 16, at += BYTES) {                         \
                F16 y[X];                                                                 \
                UNROLL for (int r = 0; r < X; r++) {                                      \
                    y[r] = *(const F16_AT *)(x + r * ldx + (ptrdiff_t)(k + i));           \
                }                                                                         \
                UNROLL for (int j = 0; j < W; j++) {                                      \
                    F16 v;                                                                \
                    unpack_##KIND(&v, w[j] + at);                                         \
                    if (i % 64 == 0) __builtin_prefetch(w[j] + at + ahead, 0, 2);         \
                    UNROLL for (int r = 0; r < X; r++) sum[r][j] = FUSED(sum[r][j], v, y[r]); \
                }                                                                         \
            }                                                                             \
            UNROLL for (int j = 0; j < W; j++) {                                          \
                F16 s = (F16)(scales[j][number]);                                         \
                UNROLL for (int r = 0; r < X; r++) total[r][j] = FUSED(total[r][j], s, sum[r][j]); \
            }                                                                             \
        }                                                                                 \
        lane_sums(out, &total[0][0]);                                                     \
    }
#define DOTS_OF_KIND(KIND, BYTES) DOT(KIND, BYTES, 1, 4) DOT(KIND, BYTES, 2, 2)
KINDS(DOTS_OF_KIND)

#define DOT_ENTRY(KIND, BYTES) \
    case KIND: return rows == 1 ? dot_##KIND##_1 : dot_##KIND##_2;
static code_dot_fn *dots_by_group(int kind, size_t rows) {
    switch (kind) { KINDS(DOT_ENTRY) }
    return NULL;
}

#if MLX_LEVEL_VECTOR_BYTES == 64
// Codes of 2, 4 or 8 bits: sixteen words at a time. Integers are masked where they stand in their
// word, so that they count 2^(bits * j) times what they are, and x, which lies as the words do, is
// as much smaller: no shift is needed. Floats of 4 bits are shifted, and pick from a table. A block
// of words is at most sixteen groups, whose scales are spread over its lanes.
INLINE __m512 word_2(__m512i w, int j) {
    return _mm512_cvtepu32_ps(_mm512_and_si512(w, _mm512_set1_epi32((int)(3u << 2 * j))));
}
INLINE __m512 word_4(__m512i w, int j) {
    return _mm512_cvtepu32_ps(_mm512_and_si512(w, _mm512_set1_epi32((int)(15u << 4 * j))));
}
INLINE __m512 word_8(__m512i w, int j) {
    return _mm512_cvtepu32_ps(_mm512_and_si512(w, _mm512_set1_epi32((int)(255u << 8 * j))));
}
INLINE __m512 word_20(__m512i w, int j) {
    return _mm512_permutexvar_ps(_mm512_srli_epi32(w, 4 * j), _mm512_loadu_ps(e2m1));
}

/// One block of words: all lanes of `some`, and the groups of `groups`.
#define WORDS_STEP(KIND, BITS, X, W)                                                      \
    INLINE void words_step_##KIND##_##X(__m512 total[X][W], const code_rows w,            \
                                        const group_scales scales, const float *x,          \
                                        ptrdiff_t ldx, size_t k, size_t number, __mmask16 some, \
                                        __mmask16 groups, __m512i place, ptrdiff_t ahead) { \
        __m512i words[W];                                                                 \
        __m512 sum[X][W];                                                                 \
        UNROLL for (int j = 0; j < W; j++) {                                              \
            const u8 *p = w[j] + k / 8 * BITS;                                            \
            words[j] = _mm512_maskz_loadu_epi32(some, p);                                 \
            __builtin_prefetch(p + ahead, 0, 2);                                          \
            UNROLL for (int r = 0; r < X; r++) sum[r][j] = _mm512_setzero_ps();           \
        }                                                                                 \
        UNROLL for (int i = 0; i < 32 / BITS; i++) {                                      \
            __m512 y[X];                                                                  \
            UNROLL for (int r = 0; r < X; r++) {                                          \
                y[r] = _mm512_loadu_ps(x + r * ldx + (ptrdiff_t)k + 16 * i);              \
            }                                                                             \
            UNROLL for (int j = 0; j < W; j++) {                                          \
                __m512 v = word_##KIND(words[j], i);                                      \
                UNROLL for (int r = 0; r < X; r++) {                                      \
                    sum[r][j] = _mm512_fmadd_ps(v, y[r], sum[r][j]);                      \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int j = 0; j < W; j++) {                                              \
            __m512 s = _mm512_permutexvar_ps(                                             \
                place, _mm512_maskz_loadu_ps(groups, scales[j] + number));                \
            UNROLL for (int r = 0; r < X; r++) {                                          \
                total[r][j] = _mm512_fmadd_ps(s, sum[r][j], total[r][j]);                 \
            }                                                                             \
        }                                                                                 \
    }
#define DOT_WORDS(KIND, BITS, X, W)                                                       \
    WORDS_STEP(KIND, BITS, X, W)                                                          \
    static void dot_words_##KIND##_##X(float *out, const code_rows w, const group_scales scales, \
                                       const float *x, ptrdiff_t ldx, size_t n, size_t group, \
                                       ptrdiff_t ahead) {                                 \
        enum { PER = 32 / BITS, BLOCK_LENGTH = 16 * PER };                                \
        size_t span = group < BLOCK_LENGTH ? group : BLOCK_LENGTH, count = BLOCK_LENGTH / span; \
        const __m512i lanes =                                                             \
            _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);       \
        __m512i place =                                                                   \
            _mm512_srl_epi32(lanes, _mm_cvtsi32_si128(__builtin_ctz((unsigned)(span / PER)))); \
        __mmask16 groups = (__mmask16)((1u << count) - 1);                                \
        __m512 total[X][W];                                                               \
        UNROLL for (int i = 0; i < X * W; i++) total[i / W][i % W] = _mm512_setzero_ps(); \
        size_t k = 0;                                                                     \
        for (; k + BLOCK_LENGTH <= n; k += BLOCK_LENGTH) {                                \
            words_step_##KIND##_##X(total, w, scales, x, ldx, k, k / group, 0xffff, groups, \
                                    place, ahead);                                        \
        }                                                                                 \
        if (k < n) {                                                                      \
            __mmask16 some = (__mmask16)((1u << (n - k) / PER) - 1);                      \
            groups = (__mmask16)((1u << (n - k + span - 1) / span) - 1);                  \
            words_step_##KIND##_##X(total, w, scales, x, ldx, k, k / group, some, groups, place, \
                                    0);                                                   \
        }                                                                                 \
        lane_sums(out, (const F16 *)&total[0][0]);                                        \
    }
#define WORD_KINDS(X) X(2, 2) X(4, 4) X(8, 8) X(20, 4)
#define WORDS_OF_KIND(KIND, BITS) DOT_WORDS(KIND, BITS, 1, 4) DOT_WORDS(KIND, BITS, 2, 2)
WORD_KINDS(WORDS_OF_KIND)

#define WORDS_ENTRY(KIND, BITS) \
    case KIND: return rows == 1 ? dot_words_##KIND##_1 : dot_words_##KIND##_2;
static code_dot_fn *dots_by_words(int kind, size_t rows) {
    switch (kind) { WORD_KINDS(WORDS_ENTRY) }
    return NULL;
}

/// How many codes a block of words has; 0 for kinds that are read group by group.
static size_t words_block(int kind) {
    return kind == MLX_CODE_2 ? 256 : kind == MLX_CODE_4 || kind == MLX_CODE_E2M1 ? 128
        : kind == MLX_CODE_8 ? 64 : 0;
}
#else
static code_dot_fn *dots_by_words(int kind, size_t rows) { return NULL; }
static size_t words_block(int kind) { return 0; }
#endif

size_t LEVEL_NAME(mlx_code_stride)(size_t n, int kind) {
    size_t block = words_block(kind);
    return block ? (n + block - 1) / block * block : n;
}

void LEVEL_NAME(mlx_code_arrange)(float *out, const float *x, size_t n, int kind) {
    size_t block = words_block(kind), per = block / 16;
    if (!block) {
        memcpy(out, x, n * sizeof(float));
        return;
    }
#if MLX_LEVEL_VECTOR_BYTES == 64
    const __m512i lanes = _mm512_mullo_epi32(
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
        _mm512_set1_epi32((int)per));
    unsigned bits = kind == MLX_CODE_E2M1 ? 0 : (unsigned)kind;
    for (size_t k = 0; k < n; k += block) {
        size_t words = n - k < block ? (n - k) / per : 16;
        __mmask16 some = (__mmask16)((1u << words) - 1);
        for (size_t j = 0; j < per; j++) {
            __m512 v = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), some, lanes, x + k + j, 4);
            float scale = float32((127u - bits * (unsigned)j) << 23);
            _mm512_storeu_ps(out + k + 16 * j, _mm512_mul_ps(v, _mm512_set1_ps(scale)));
        }
    }
#endif
}

void LEVEL_NAME(mlx_code_dots)(float *out, ptrdiff_t ldo, const u8 *w, size_t row_bytes,
                               size_t count, const float *scales, const float *x, ptrdiff_t ldx,
                               size_t rows, size_t n, size_t group, int kind) {
    size_t together = rows_of_codes(rows), groups = n / group;
    code_dot_fn *dot = dots_by_words(kind, rows);
    if (!dot) dot = dots_by_group(kind, rows);
    for (size_t i = 0; i < count; i += together) {
        code_rows codes;
        group_scales own;
        float sums[4];
        pick_code_rows(codes, own, w, row_bytes, scales, groups, i, together, count);
        dot(sums, codes, own, x, ldx, n, group, rows_ahead((ptrdiff_t)row_bytes));
        place_sums(out, ldo, sums, rows, i, together, count);
    }
}
