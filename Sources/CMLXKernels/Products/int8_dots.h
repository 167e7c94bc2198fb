// Dot products of int8 rows with int8 weights as they lie, of one level: a few rows and four or
// eight rows of the weights are one tile of sums. A step takes INT8_STEP terms. Where the level
// multiplies unsigned by signed bytes (INT8_BIAS), weights have 128 added as they are loaded, and
// 128 times the sum of the row is taken back, which stands at the row's end. Elsewhere bytes are
// widened to 16 bits, whose products of pairs neither overflow nor saturate: 2 * 128 * 128 fits.
// NUMERICS: sums are exact, so all levels and tile sizes agree; each is scaled once.

enum { INT8_COLUMNS = 8 };
typedef const i8 *weight_rows[INT8_COLUMNS];

#if MLX_LEVEL_VNNI && VECTOR_BYTES == 64
enum { INT8_STEP = 64, INT8_BIAS = 128 };
typedef i8 int8_row;
#define INT8_SUM(acc, x, w) \
    ((VI)_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(w), (__m512i)(x)))
#define INT8_UNSIGNED(v) _mm512_xor_si512(v, _mm512_set1_epi8(-128))
INLINE void int8_load(VI *out, const i8 *p) {
    *out = (VI)INT8_UNSIGNED(_mm512_loadu_si512(p));
}
#elif MLX_LEVEL_VNNI
enum { INT8_STEP = 32, INT8_BIAS = 128 };
typedef i8 int8_row;
#define INT8_SUM(acc, x, w) \
    ((VI)_mm256_dpbusd_avx_epi32((__m256i)(acc), (__m256i)(w), (__m256i)(x)))
#define INT8_UNSIGNED(v) _mm256_xor_si256(v, _mm256_set1_epi8(-128))
INLINE void int8_load(VI *out, const i8 *p) {
    *out = (VI)INT8_UNSIGNED(_mm256_loadu_si256((const void *)p));
}
#elif MLX_LEVEL_F16C && VECTOR_BYTES == 64
enum { INT8_STEP = 32, INT8_BIAS = 0 };
typedef i16 int8_row;
#define INT8_SUM(acc, x, w) ((acc) + (VI)_mm512_madd_epi16((__m512i)(x), (__m512i)(w)))
INLINE void int8_load(VI *out, const i8 *p) {
    *out = (VI)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)p));
}
#elif MLX_LEVEL_F16C
enum { INT8_STEP = 16, INT8_BIAS = 0 };
typedef i16 int8_row;
#define INT8_SUM(acc, x, w) ((acc) + (VI)_mm256_madd_epi16((__m256i)(x), (__m256i)(w)))
INLINE void int8_load(VI *out, const i8 *p) {
    *out = (VI)_mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)p));
}
#elif defined(__x86_64__)
enum { INT8_STEP = 8, INT8_BIAS = 0 };
typedef i16 int8_row;
#define INT8_SUM(acc, x, w) ((acc) + (VI)_mm_madd_epi16((__m128i)(x), (__m128i)(w)))
INLINE void int8_load(VI *out, const i8 *p) {
    __m128i bytes = _mm_loadl_epi64((const void *)p);
    *out = (VI)_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
#else
#include <arm_neon.h>
enum { INT8_STEP = 16, INT8_BIAS = 0 };
typedef i8 int8_row;
INLINE VI int8_sum(VI acc, VI x, VI w) {
    int8x16_t a = (int8x16_t)x, b = (int8x16_t)w;
#if defined(__ARM_FEATURE_DOTPROD)
    return (VI)vdotq_s32((int32x4_t)acc, a, b);
#else
    int32x4_t sum = vpadalq_s16((int32x4_t)acc, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
    return (VI)vpadalq_s16(sum, vmull_s8(vget_high_s8(a), vget_high_s8(b)));
#endif
}
#define INT8_SUM int8_sum
INLINE void int8_load(VI *out, const i8 *p) { *out = (VI)vld1q_s8(p); }
#endif

enum {
    INT8_LANES = VECTOR_BYTES / 4,
    /// How far ahead of their turn weights are asked for, in bytes.
    INT8_AHEAD = 1 << 12,
    /// Rows that meet eight rows of the weights rather than four: no more rows than these are cut
    /// into groups that small.
    INT8_FEW = VECTOR_BYTES == 64 ? 2 : 0,
    INT8_ROWS = VECTOR_BYTES == 64 ? 6 : 2,
};

/// Whole steps, then one more for what is left, padded so that it adds nothing.
INLINE size_t int8_padded(size_t depth) {
    return (depth + INT8_STEP - 1) / INT8_STEP * INT8_STEP;
}

const size_t LEVEL_NAME(mlx_int8_step) = INT8_STEP;
const size_t LEVEL_NAME(mlx_int8_item) = sizeof(int8_row);

/// What a group of terms is multiplied by before it is rounded, and the scale that takes it back.
INLINE float row_inverse(float *scale, const float *p, size_t n) {
    // As integers, magnitudes are ordered like the numbers, and NaN lies above them all.
    u32 high = 0;
    LOOP for (size_t i = 0; i < n; i++) {
        u32 size = bits32(p[i]) & 0x7fffffffu;
        high = size > high ? size : high;
    }
    float largest = float32(high);
    bool is_finite = high < 0x7f800000u;
    // The inverse of a tiny magnitude would be infinite: such terms count as zeros.
    bool has_inverse = is_finite && largest > 0x1p-120f;
    *scale = has_inverse ? largest / 127.0f : is_finite ? 0 : NAN;
    return has_inverse ? 127.0f / largest : 0;
}

/// Adding 1.5 * 2^23 rounds to nearest even; |x| * inverse is at most 127.
#define ROUND_TERMS(NAME, T)                                                              \
    INLINE i32 NAME(T *q, const float *p, size_t n, float inverse) {                      \
        i32 sum = 0;                                                                      \
        LOOP for (size_t i = 0; i < n; i++) {                                             \
            float t = p[i] * inverse + 12582912.0f;                                       \
            i32 term = (i32)(bits32(t) - 0x4B400000u);                                    \
            q[i] = (T)term;                                                               \
            sum += term;                                                                  \
        }                                                                                 \
        return sum;                                                                       \
    }
ROUND_TERMS(round_row, int8_row)
ROUND_TERMS(round_terms, i8)

void LEVEL_NAME(mlx_int8_rows)(void *out, float *scales, const float *x, size_t rows,
                               size_t depth, size_t stride) {
    for (size_t r = 0; r < rows; r++) {
        int8_row *q = (int8_row *)((char *)out + r * stride);
        float inverse = row_inverse(scales + r, x + r * depth, depth);
        i32 bias = round_row(q, x + r * depth, depth, inverse) * INT8_BIAS;
        for (size_t i = depth; i < int8_padded(depth); i++) q[i] = 0;
        memcpy((char *)(q + int8_padded(depth)), &bias, sizeof bias);
    }
}

void LEVEL_NAME(mlx_int8_weights)(i8 *q, float *scales, const float *w, size_t rows,
                                  size_t depth) {
    for (size_t r = 0; r < rows; r++) {
        float inverse = row_inverse(scales + r, w + r * depth, depth);
        round_terms(q + r * depth, w + r * depth, depth, inverse);
    }
}

/// The last terms of the weights, which nothing may be read behind.
INLINE void int8_load_end(VI *out, const i8 *p, size_t n) {
#if MLX_LEVEL_VNNI && VECTOR_BYTES == 64
    *out = (VI)INT8_UNSIGNED(_mm512_maskz_loadu_epi8(((u64)1 << n) - 1, p));
#else
    i8 end[INT8_STEP] = {0};
    memcpy(end, p, n);
    int8_load(out, end);
#endif
}

/// The sums of four vectors' lanes.
INLINE void int8_totals(i32 *out, const VI *v) {
#if VECTOR_BYTES == 64
    __m512i a = (__m512i)v[0], b = (__m512i)v[1], c = (__m512i)v[2], d = (__m512i)v[3];
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    _mm_storeu_si128((void *)out, sums);
#else
    for (int j = 0; j < 4; j++) {
        u32 sum = 0;
        for (int i = 0; i < INT8_LANES; i++) sum += (u32)v[j][i];
        out[j] = (i32)sum;
    }
#endif
}

/// The last, incomplete step of COLUMNS rows of the weights.
#define INT8_END(ROWS, COLUMNS)                                                           \
    if (k < depth) {                                                                      \
        UNROLL for (int j = 0; j < COLUMNS; j++) {                                        \
            VI v;                                                                         \
            int8_load_end(&v, w[j] + k, depth - k);                                       \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                VI s;                                                                     \
                memcpy(&s, x + i * stride + k * sizeof(int8_row), sizeof s);              \
                a[i][j] = INT8_SUM(a[i][j], s, v);                                        \
            }                                                                             \
        }                                                                                 \
    }                                                                                     \
    UNROLL for (int i = 0; i < ROWS; i++) {                                               \
        UNROLL for (int j = 0; j < COLUMNS; j += 4) {                                     \
            int8_totals(out + COLUMNS * i + j, a[i] + j);                                 \
        }                                                                                 \
    }

/// One or two rows against COLUMNS rows of the weights, which are read one after the other, as
/// they lie: nothing is faster where memory decides. Two sums for each, since one would wait.
#define INT8_LINES(ROWS, COLUMNS)                                                         \
    static void int8_tile_##ROWS(i32 *out, const char *x, size_t stride, const weight_rows w, \
                                 size_t depth) {                                          \
        VI a[ROWS][COLUMNS];                                                              \
        size_t k = 0;                                                                     \
        UNROLL for (int j = 0; j < COLUMNS; j++) {                                        \
            VI sums[ROWS][2];                                                             \
            UNROLL for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = (VI)(0);      \
            for (k = 0; k + 2 * INT8_STEP <= depth; k += 2 * INT8_STEP) {                 \
                UNROLL for (int t = 0; t < 2; t++) {                                      \
                    size_t at = k + (size_t)t * INT8_STEP;                                \
                    VI v;                                                                 \
                    int8_load(&v, w[j] + at);                                             \
                    if (INT8_STEP * t % 64 == 0) {                                        \
                        __builtin_prefetch(w[j] + at + INT8_AHEAD, 0, 2);                 \
                    }                                                                     \
                    UNROLL for (int i = 0; i < ROWS; i++) {                               \
                        VI s;                                                             \
                        memcpy(&s, x + i * stride + at * sizeof(int8_row), sizeof s);     \
                        sums[i][t] = INT8_SUM(sums[i][t], s, v);                          \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
            if (k + INT8_STEP <= depth) {                                                 \
                VI v;                                                                     \
                int8_load(&v, w[j] + k);                                                  \
                UNROLL for (int i = 0; i < ROWS; i++) {                                   \
                    VI s;                                                                 \
                    memcpy(&s, x + i * stride + k * sizeof(int8_row), sizeof s);          \
                    sums[i][0] = INT8_SUM(sums[i][0], s, v);                              \
                }                                                                         \
                k += INT8_STEP;                                                           \
            }                                                                             \
            UNROLL for (int i = 0; i < ROWS; i++) a[i][j] = sums[i][0] + sums[i][1];      \
        }                                                                                 \
        INT8_END(ROWS, COLUMNS)                                                           \
    }

/// ROWS rows against COLUMNS rows of the weights, which are loaded once for all of them.
#define INT8_TILE(ROWS, COLUMNS)                                                          \
    static void int8_tile_##ROWS(i32 *out, const char *x, size_t stride, const weight_rows w, \
                                 size_t depth) {                                          \
        VI a[ROWS][COLUMNS];                                                              \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < COLUMNS; j++) a[i][j] = (VI)(0);                   \
        }                                                                                 \
        size_t k = 0;                                                                     \
        for (; k + INT8_STEP <= depth; k += INT8_STEP) {                                  \
            VI s[ROWS];                                                                   \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                memcpy(&s[i], x + i * stride + k * sizeof(int8_row), sizeof s[i]);        \
            }                                                                             \
            UNROLL for (int j = 0; j < COLUMNS; j++) {                                    \
                VI v;                                                                     \
                int8_load(&v, w[j] + k);                                                  \
                UNROLL for (int i = 0; i < ROWS; i++) a[i][j] = INT8_SUM(a[i][j], s[i], v); \
            }                                                                             \
        }                                                                                 \
        INT8_END(ROWS, COLUMNS)                                                           \
    }
typedef void int8_tile_fn(i32 *, const char *, size_t, const weight_rows, size_t);
#if VECTOR_BYTES == 64
INT8_LINES(1, 8) INT8_LINES(2, 8) INT8_TILE(3, 4) INT8_TILE(4, 4) INT8_TILE(5, 4) INT8_TILE(6, 4)
static int8_tile_fn *const int8_tiles[] = {
    NULL, int8_tile_1, int8_tile_2, int8_tile_3, int8_tile_4, int8_tile_5, int8_tile_6,
};
#else
INT8_LINES(1, 4) INT8_LINES(2, 4)
static int8_tile_fn *const int8_tiles[] = {NULL, int8_tile_1, int8_tile_2};
#endif

void LEVEL_NAME(mlx_int8_dots)(float *out, ptrdiff_t ldo, const void *x, size_t row_bytes,
                               const float *scales, size_t rows, const i8 *w, ptrdiff_t stride,
                               const float *column_scales, size_t count, size_t depth) {
    size_t most = tile_rows(rows, 0, INT8_ROWS);
    size_t together = most <= INT8_FEW ? INT8_COLUMNS : 4;
    for (size_t i = 0; i < count; i += together) {
        size_t n = count - i < together ? count - i : together;
        weight_rows p;
        for (size_t j = 0; j < together; j++) {
            p[j] = w + (ptrdiff_t)(i + (j < n ? j : n - 1)) * stride;
        }
        for (size_t first = 0, group; first < rows; first += group) {
            i32 sums[4 * INT8_ROWS > 16 ? 4 * INT8_ROWS : 16];
            const char *row = (const char *)x + first * row_bytes;
            group = tile_rows(rows, first, INT8_ROWS);
            int8_tiles[group](sums, row, row_bytes, p, depth);
            for (size_t r = 0; r < group; r++) {
                float *o = out + (ptrdiff_t)(first + r) * ldo + (ptrdiff_t)i;
                float s = scales[first + r];
                i32 bias;
                memcpy(&bias, row + r * row_bytes + int8_padded(depth) * sizeof(int8_row),
                       sizeof bias);
                for (size_t j = 0; j < n; j++) {
                    // The biased sum may wrap; the difference is in range.
                    i32 sum = (i32)((u32)sums[together * r + j] - (u32)bias);
                    o[j] = (float)sum * (s * column_scales[i + j]);
                }
            }
        }
    }
}
#undef INT8_SUM
#undef INT8_UNSIGNED
