// Products of int8 rows with rows of codes of 2, 4 or 8 bits, of one level. Every group of a row of
// x is rounded with a scale of its own, so each group's integer sum is scaled once by both. With
// VNNI codes are masked out of their words, unsigned beside signed bytes of x, which lie as the
// words do: of the part of a row that a vector of words covers, first what meets the lowest codes
// of bytes, then the next. Elsewhere codes are spread over bytes, a group at a time.
// NUMERICS: integer sums are exact; the scaled ones are added in lanes or along the depth.

#if MLX_LEVEL_VNNI && VECTOR_BYTES == 64
#include "../Quantized/code_rows.h"
#include "../Quantized/turn.h"
#include "totals.h"

/// Terms that a vector of words has, and how many codes a byte has.
INLINE size_t code_block(int bits) { return 512 / (size_t)bits; }

static void arrange_codes(i8 *out, const i8 *q, size_t n, int bits) {
    size_t parts = 8 / (size_t)bits, block = code_block(bits);
    for (size_t k = 0; k < n; k += block) {
        size_t count = (n - k < block ? n - k : block) / parts;
        for (size_t p = 0; p < parts; p++) {
            LOOP for (size_t i = 0; i < count; i++) out[k + 64 * p + i] = q[k + parts * i + p];
        }
    }
}

#define CODE_BYTES(v, BITS, p) \
    _mm512_and_si512(_mm512_srli_epi32(v, BITS * (p)), _mm512_set1_epi8((char)((1 << BITS) - 1)))

/// One or two rows of x and four or two of codes, in one order for all groups' scales.
#define CODE_DOTS(BITS, X, W)                                                             \
    static void code_dots_##BITS##_##X(float *out, const code_rows w, const group_scales ws, \
                                       const i8 *x, size_t ldx, const float *xs, size_t groups, \
                                       size_t n, size_t group, ptrdiff_t ahead) {         \
        enum { PARTS = 8 / BITS, BLOCK = 512 / BITS, PER = 32 / BITS };                   \
        size_t span = group < BLOCK ? group : BLOCK, count = BLOCK / span;                \
        const __m512i lanes =                                                             \
            _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);       \
        __m512i place =                                                                   \
            _mm512_srl_epi32(lanes, _mm_cvtsi32_si128(__builtin_ctz((unsigned)(span / PER)))); \
        __mmask16 known = (__mmask16)((1u << count) - 1), some = 0xffff;                  \
        __m512 total[X][W];                                                               \
        UNROLL for (int i = 0; i < X * W; i++) total[i / W][i % W] = _mm512_setzero_ps(); \
        for (size_t k = 0; k < n; k += BLOCK) {                                           \
            if (n - k < BLOCK) {                                                          \
                some = (__mmask16)((1u << (n - k) / PER) - 1);                            \
                known = (__mmask16)((1u << (n - k + span - 1) / span) - 1);               \
            }                                                                             \
            size_t number = k / group;                                                    \
            __m512i sum[X][W];                                                            \
            UNROLL for (int j = 0; j < W; j++) {                                          \
                const u8 *p = w[j] + k / PARTS;                                           \
                __m512i words = _mm512_maskz_loadu_epi32(some, p);                        \
                __builtin_prefetch(p + ahead, 0, 2);                                      \
                UNROLL for (int r = 0; r < X; r++) sum[r][j] = _mm512_setzero_si512();    \
                UNROLL for (int i = 0; i < PARTS; i++) {                                  \
                    __m512i v = BITS == 8 ? words : CODE_BYTES(words, BITS, i);           \
                    UNROLL for (int r = 0; r < X; r++) {                                  \
                        __m512i y = _mm512_loadu_si512(x + (size_t)r * ldx + k + 64 * i); \
                        sum[r][j] = _mm512_dpbusd_epi32(sum[r][j], v, y);                 \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
            __m512 y[X];                                                                  \
            UNROLL for (int r = 0; r < X; r++) {                                          \
                y[r] = _mm512_permutexvar_ps(                                             \
                    place, _mm512_maskz_loadu_ps(known, xs + (size_t)r * groups + number)); \
            }                                                                             \
            UNROLL for (int j = 0; j < W; j++) {                                          \
                __m512 s = _mm512_permutexvar_ps(                                         \
                    place, _mm512_maskz_loadu_ps(known, ws[j] + number));                 \
                UNROLL for (int r = 0; r < X; r++) {                                      \
                    total[r][j] = _mm512_fmadd_ps(                                        \
                        _mm512_cvtepi32_ps(sum[r][j]), _mm512_mul_ps(s, y[r]), total[r][j]); \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        QUARTER q[4];                                                                     \
        UNROLL for (int i = 0; i < 4; i++) {                                              \
            q[i] = quarter_sum((SIXTEEN)total[i / W][i % W]);                             \
        }                                                                                 \
        store_totals(out, q);                                                             \
    }
CODE_DOTS(2, 1, 4) CODE_DOTS(2, 2, 2)
CODE_DOTS(4, 1, 4) CODE_DOTS(4, 2, 2)
CODE_DOTS(8, 1, 4) CODE_DOTS(8, 2, 2)
typedef void code_dots_fn(float *, const code_rows, const group_scales, const i8 *, size_t,
                          const float *, size_t, size_t, size_t, ptrdiff_t);

static void few_code_rows(float *out, ptrdiff_t ldo, const i8 *x, size_t ldx, const float *xs,
                          size_t rows, const u8 *w, size_t row_bytes, size_t count,
                          const float *scales, size_t n, size_t group, int bits) {
    static code_dots_fn *const one[] = {code_dots_2_1, code_dots_4_1, code_dots_8_1};
    static code_dots_fn *const two[] = {code_dots_2_2, code_dots_4_2, code_dots_8_2};
    size_t groups = n / group, together = rows_of_codes(rows);
    code_dots_fn *dots = (rows == 1 ? one : two)[bits == 2 ? 0 : bits == 4 ? 1 : 2];
    for (size_t i = 0; i < count; i += together) {
        code_rows codes;
        group_scales own;
        float sums[4];
        pick_code_rows(codes, own, w, row_bytes, scales, groups, i, together, count);
        dots(sums, codes, own, x, ldx, xs, groups, n, group, rows_ahead((ptrdiff_t)row_bytes));
        place_sums(out, ldo, sums, rows, i, together, count);
    }
}

enum { CODE_ROWS = 12, CODE_COLUMNS = 32 };

/// Bytes of 32 columns for one group, four terms after another, as they meet the rows' parts.
static void code_panel(u8 *out, const u8 *w, size_t row_bytes, size_t count, size_t n, int bits) {
    size_t bytes = n / 8 * (size_t)bits, quarters = (bytes + 15) / 16;
    size_t parts = 8 / (size_t)bits, words = bytes / 4;
    for (size_t half = 0; half < 2; half++) {
        u8 copy[16 * 128];
        size_t first = half * 16, own = count > first ? count - first : 0, stride = row_bytes;
        const u8 *p = w + first * row_bytes;
        if (own < 16 || bytes % 16) {
            memset(copy, 0, quarters * 256);
            for (size_t c = 0; c < own && c < 16; c++) {
                memcpy(copy + c * quarters * 16, p + c * row_bytes, bytes);
            }
            p = copy;
            stride = quarters * 16;
        }
        __m512i mask = _mm512_set1_epi8((char)((1 << bits) - 1));
        for (size_t q = 0; q < quarters; q++) {
            __m512i turned[4];
            turn_words(turned, p + 16 * q, stride);
            for (size_t i = 0; i < 4 && 4 * q + i < words; i++) {
                u8 *o = out + (4 * q + i) * parts * 128 + half * 64;
                for (size_t part = 0; part < parts; part++, o += 128) {
                    __m128i shift = _mm_cvtsi32_si128((int)part * bits);
                    __m512i codes = _mm512_srl_epi32(turned[i], shift);
                    _mm512_storeu_si512(o, _mm512_and_si512(codes, mask));
                }
            }
        }
    }
}

/// ROWS rows against the 32 columns of a panel, scaled and added to the sums.
#define CODE_TILE(ROWS)                                                                   \
    static void code_tile_##ROWS(float *sums, const i8 *x, size_t ldx, size_t steps,     \
                                 const u32 *places, const u8 *panel, const __m512 *scales, \
                                 const __m512 *offsets, const float *xs, const float *xsums, \
                                 size_t groups, bool adds) {                              \
        __m512i a[ROWS][2];                                                               \
        UNROLL for (int i = 0; i < ROWS; i++) a[i][0] = a[i][1] = _mm512_setzero_si512(); \
        for (size_t k = 0; k < steps; k++, panel += 128) {                                \
            __m512i v0 = _mm512_loadu_si512(panel), v1 = _mm512_loadu_si512(panel + 64);  \
            const i8 *p = x + places[k];                                                  \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                i32 four;                                                                 \
                memcpy(&four, p + (size_t)i * ldx, 4);                                    \
                __m512i s = _mm512_set1_epi32(four);                                      \
                a[i][0] = _mm512_dpbusd_epi32(a[i][0], v0, s);                            \
                a[i][1] = _mm512_dpbusd_epi32(a[i][1], v1, s);                            \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            __m512 s = _mm512_set1_ps(xs[(size_t)i * groups]);                            \
            __m512 sum = _mm512_set1_ps(xsums[(size_t)i * groups]);                       \
            UNROLL for (int j = 0; j < 2; j++) {                                          \
                float *o = sums + 32 * i + 16 * j;                                        \
                __m512 total = adds ? _mm512_loadu_ps(o) : _mm512_setzero_ps();           \
                if (offsets) total = _mm512_fmadd_ps(offsets[j], sum, total);             \
                _mm512_storeu_ps(o, _mm512_fmadd_ps(_mm512_cvtepi32_ps(a[i][j]),          \
                                                    _mm512_mul_ps(scales[j], s), total)); \
            }                                                                             \
        }                                                                                 \
    }
CODE_TILE(1) CODE_TILE(2) CODE_TILE(3) CODE_TILE(4) CODE_TILE(5) CODE_TILE(6) CODE_TILE(7)
CODE_TILE(8) CODE_TILE(9) CODE_TILE(10) CODE_TILE(11) CODE_TILE(12)
typedef void code_tile_fn(float *, const i8 *, size_t, size_t, const u32 *, const u8 *,
                          const __m512 *, const __m512 *, const float *, const float *, size_t,
                          bool);
static code_tile_fn *const code_tiles[] = {
    NULL, code_tile_1, code_tile_2, code_tile_3, code_tile_4, code_tile_5, code_tile_6,
    code_tile_7, code_tile_8, code_tile_9, code_tile_10, code_tile_11, code_tile_12,
};

static void many_code_rows(float *sums, const i8 *x, size_t ldx, const float *xs,
                           const float *xsums, size_t rows, const u8 *w, size_t row_bytes,
                           size_t count, const float *scales, const float *biases, size_t n,
                           size_t group, int bits) {
    u8 panel[32 * 128] __attribute__((aligned(64)));
    u32 places[32];
    size_t parts = 8 / (size_t)bits, groups = n / group, block = code_block(bits);
    i32 first[2][16];
    for (size_t c = 0; c < 32; c++) first[c / 16][c % 16] = (i32)((c < count ? c : 0) * groups);
    for (size_t g = 0; g < groups; g++) {
        __m512 s[2], b[2];
        for (size_t half = 0; half < 2; half++) {
            __m512i place = _mm512_loadu_si512(first[half]);
            s[half] = _mm512_i32gather_ps(place, scales + g, 4);
            b[half] = biases ? _mm512_i32gather_ps(place, biases + g, 4) : _mm512_setzero_ps();
        }
        size_t k = g * group;
        code_panel(panel, w + k / 8 * (size_t)bits, row_bytes, count, group, bits);
        for (size_t i = 0; i < group / 4; i++) {
            // Where the row has the terms of a part of a word.
            size_t at = k + i / parts * parts * 4;
            places[i] = (u32)(at / block * block + i % parts * 64 + at % block / parts);
        }
        for (size_t row = 0, more; row < rows; row += more) {
            more = tile_rows(rows, row, CODE_ROWS);
            code_tiles[more](sums + row * CODE_COLUMNS, x + row * ldx, ldx, group / 4, places,
                             panel, s, biases ? b : NULL, xs + row * groups + g,
                             xsums + row * groups + g, groups, g > 0);
        }
    }
}
#else
enum { CODE_COLUMNS = 32 };
static void arrange_codes(i8 *out, const i8 *q, size_t n, int bits) { memcpy(out, q, n); }
INLINE size_t code_block(int bits) { return 1; }

/// The exact sum of one group.
INLINE i32 code_sum(const u8 *w, const i8 *x, size_t n, int bits) {
    u8 codes[128];
    size_t parts = 8 / (size_t)bits;
    for (size_t i = 0; i < n; i++) {
        codes[i] = w[i / parts] >> (i % parts * (size_t)bits) & ((1 << bits) - 1);
    }
    i32 sum = 0;
    LOOP for (size_t i = 0; i < n; i++) sum += (i32)codes[i] * (i32)x[i];
    return sum;
}

static void few_code_rows(float *out, ptrdiff_t ldo, const i8 *x, size_t ldx, const float *xs,
                          size_t rows, const u8 *w, size_t row_bytes, size_t count,
                          const float *scales, size_t n, size_t group, int bits) {
    size_t groups = n / group, bytes = group / 8 * (size_t)bits;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < count; i++) {
            float total = 0;
            for (size_t g = 0; g < groups; g++) {
                const i8 *terms = x + r * ldx + g * group;
                i32 sum = code_sum(w + i * row_bytes + g * bytes, terms, group, bits);
                total += (float)sum * (scales[i * groups + g] * xs[r * groups + g]);
            }
            out[(ptrdiff_t)r * ldo + (ptrdiff_t)i] = total;
        }
    }
}

static void many_code_rows(float *sums, const i8 *x, size_t ldx, const float *xs,
                           const float *xsums, size_t rows, const u8 *w, size_t row_bytes,
                           size_t count, const float *scales, const float *biases, size_t n,
                           size_t group, int bits) {
    size_t groups = n / group;
    few_code_rows(sums, CODE_COLUMNS, x, ldx, xs, rows, w, row_bytes, count, scales, n, group,
                  bits);
    for (size_t r = 0; r < rows && biases; r++) {
        for (size_t i = 0; i < count; i++) {
            for (size_t g = 0; g < groups; g++) {
                sums[r * CODE_COLUMNS + i] += biases[i * groups + g] * xsums[r * groups + g];
            }
        }
    }
}
#endif

size_t LEVEL_NAME(mlx_int8_code_stride)(size_t n, int bits) {
    size_t block = code_block(bits);
    return ((n + block - 1) / block * block + 63) / 64 * 64;
}

void LEVEL_NAME(mlx_int8_code_rows)(i8 *out, float *scales, float *sums, const float *x,
                                    size_t rows, size_t n, size_t group, int bits) {
    size_t groups = n / group, stride = LEVEL_NAME(mlx_int8_code_stride)(n, bits);
    size_t block = code_block(bits), step = block > group ? block : group;
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < n; k += step) {
            i8 q[512];
            size_t count = n - k < step ? n - k : step;
            for (size_t i = 0; i < count; i += group) {
                size_t number = r * groups + (k + i) / group;
                const float *p = x + r * n + k + i;
                round_terms(q + i, p, group, row_inverse(scales + number, p, group));
                i32 sum = 0;
                LOOP for (size_t j = 0; j < group; j++) sum += q[i + j];
                sums[number] = (float)sum * scales[number];
            }
            arrange_codes(out + r * stride + k, q, count, bits);
        }
    }
}

void LEVEL_NAME(mlx_int8_code_dots)(float *out, ptrdiff_t ldo, const i8 *x, const float *xs,
                                    size_t rows, const u8 *w, size_t row_bytes, size_t count,
                                    const float *scales, size_t n, size_t group, int bits) {
    few_code_rows(out, ldo, x, LEVEL_NAME(mlx_int8_code_stride)(n, bits), xs, rows, w, row_bytes,
                  count, scales, n, group, bits);
}
void LEVEL_NAME(mlx_int8_code_tile)(float *sums, const i8 *x, const float *xs, const float *xsums,
                                    size_t rows, const u8 *w, size_t row_bytes, size_t count,
                                    const float *scales, const float *biases, size_t n,
                                    size_t group, int bits) {
    many_code_rows(sums, x, LEVEL_NAME(mlx_int8_code_stride)(n, bits), xs, xsums, rows, w,
                   row_bytes, count, scales, biases, n, group, bits);
}
