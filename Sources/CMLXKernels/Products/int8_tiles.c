// Products of 16 rows of int8 and more by AMX tiles. The weights are tiles where they lie, 16 rows
// of 64 terms; the rows of x are the columns of the other side: of 16 rows, four terms after four.
// A tile of sums has a row for each of the weights' and is turned when it is scaled.
// NUMERICS: sums are exact.
#if defined(__x86_64__)
#define MLX_LEVEL tiles
#define MLX_LEVEL_F16C 1
#define MLX_LEVEL_VNNI 1
#define VECTOR_BYTES 64
#include "../Levels/common.h"
#include "../Levels/target.h"
#include "mlx_int8.h"
TARGET_AMX_INT8
#include "micro.h"
#include "shapes.h"
#include "int8_dots.h"
#include "../Quantized/turn.h"

enum {
    TILE_ROWS = 16, TILE_TERMS = 64, TILE_BYTES = 1024,
    /// Bytes ahead that weights and rows are asked for, since both come from the second-level
    /// cache: twice as fast as without.
    WEIGHTS_AHEAD = 2 * TILE_TERMS, ROWS_AHEAD = TILE_BYTES,
};

void mlx_int8_tile_rows(void *out, float *scales, const float *x, size_t first, size_t rows,
                        size_t depth, size_t stride) {
    for (size_t r = first; r < first + rows; r++) {
        char *panel = (char *)out + r / TILE_ROWS * TILE_ROWS * stride + r % TILE_ROWS * 4;
        const float *p = x + r * depth;
        float scale, inverse = row_inverse(&scale, p, depth);
        scales[r] = scale;
        for (size_t k = 0; k < depth; k += TILE_TERMS) {
            i8 q[TILE_TERMS] = {0};
            round_terms(q, p + k, depth - k < TILE_TERMS ? depth - k : TILE_TERMS, inverse);
            for (size_t i = 0; i < TILE_TERMS; i += 4) memcpy(panel + k * 16 + i * 16, q + i, 4);
        }
    }
}

/// A tile of weights, copied where it would read too far.
#define LOAD_WEIGHTS(T, BLOCK)                                                            \
    do {                                                                                  \
        const i8 *p = w + (ptrdiff_t)(BLOCK) * TILE_ROWS * stride + (ptrdiff_t)k;         \
        if (terms == TILE_TERMS && count >= (BLOCK + 1) * TILE_ROWS) {                    \
            UNROLL for (int i = 0; i < TILE_ROWS; i++) {                                  \
                __builtin_prefetch(p + i * stride + WEIGHTS_AHEAD);                       \
            }                                                                             \
            _tile_loadd(T, p, (size_t)stride);                                            \
        } else {                                                                          \
            size_t some = count - (BLOCK) * TILE_ROWS;                                    \
            memset(edge, 0, sizeof edge);                                                 \
            for (size_t i = 0; i < some && i < TILE_ROWS; i++) {                          \
                memcpy(edge + i * TILE_TERMS, p + (ptrdiff_t)i * stride, terms);          \
            }                                                                             \
            _tile_loadd(T, edge, TILE_TERMS);                                             \
        }                                                                                 \
    } while (0)

/// BLOCKS times 16 of the weights against PANELS times 16 rows.
#define INT8_TILES(BLOCKS, PANELS)                                                        \
    static void tiles_##BLOCKS##_##PANELS(i32 *sums, const char *x, size_t panel_bytes,   \
                                          const i8 *w, ptrdiff_t stride, size_t count,    \
                                          size_t depth) {                                 \
        char edge[TILE_BYTES] __attribute__((aligned(64)));                               \
        _tile_zero(0);                                                                    \
        _tile_zero(1);                                                                    \
        _tile_zero(2);                                                                    \
        _tile_zero(3);                                                                    \
        for (size_t k = 0; k < depth; k += TILE_TERMS, x += TILE_BYTES) {                 \
            size_t terms = depth - k < TILE_TERMS ? depth - k : TILE_TERMS;               \
            UNROLL for (int i = 0; i < 16; i++) {                                         \
                __builtin_prefetch(x + ROWS_AHEAD + 64 * i);                              \
                if (PANELS == 2) __builtin_prefetch(x + panel_bytes + ROWS_AHEAD + 64 * i); \
            }                                                                             \
            LOAD_WEIGHTS(4, 0);                                                           \
            _tile_loadd(6, x, 64);                                                        \
            _tile_dpbssd(0, 4, 6);                                                        \
            if (PANELS == 2) {                                                            \
                _tile_loadd(7, x + panel_bytes, 64);                                      \
                _tile_dpbssd(1, 4, 7);                                                    \
            }                                                                             \
            if (BLOCKS == 2) {                                                            \
                LOAD_WEIGHTS(5, 1);                                                       \
                _tile_dpbssd(2, 5, 6);                                                    \
                if (PANELS == 2) _tile_dpbssd(3, 5, 7);                                   \
            }                                                                             \
        }                                                                                 \
        _tile_stored(0, sums, 64);                                                        \
        if (PANELS == 2) _tile_stored(1, sums + 256, 64);                                 \
        if (BLOCKS == 2) _tile_stored(2, sums + 512, 64);                                 \
        if (BLOCKS == 2 && PANELS == 2) _tile_stored(3, sums + 768, 64);                  \
    }
INT8_TILES(1, 1) INT8_TILES(1, 2) INT8_TILES(2, 1) INT8_TILES(2, 2)

/// A tile of sums, turned around and scaled: `rows` rows of `n` columns.
static void store_tile(float *out, ptrdiff_t ldo, const i32 *sums, const float *scales,
                       const float *column_scales, size_t rows, size_t n) {
    __mmask16 some = (__mmask16)((1u << n) - 1);
    __m512 columns = _mm512_maskz_loadu_ps(some, column_scales);
    for (size_t r = 0; r < rows; r += 4) {
        __m512i turned[4];
        turn_words(turned, (const u8 *)sums + 4 * r, 64);
        for (size_t i = 0; i < 4 && r + i < rows; i++) {
            __m512 scale = _mm512_mul_ps(_mm512_set1_ps(scales[r + i]), columns);
            _mm512_mask_storeu_ps(out + (ptrdiff_t)(r + i) * ldo, some,
                                  _mm512_mul_ps(_mm512_cvtepi32_ps(turned[i]), scale));
        }
    }
}

void mlx_int8_tile_dots(float *out, ptrdiff_t ldo, const void *x_, size_t row_bytes,
                        const float *scales, size_t rows, const i8 *w, ptrdiff_t stride,
                        const float *column_scales, size_t count, size_t depth) {
    i32 sums[4 * 256] __attribute__((aligned(64)));
    size_t panel_bytes = TILE_ROWS * row_bytes;
    shape_tiles();
    for (size_t i = 0; i < count; i += 2 * TILE_ROWS) {
        size_t n = count - i < 2 * TILE_ROWS ? count - i : 2 * TILE_ROWS;
        const i8 *p = w + (ptrdiff_t)i * stride;
        for (size_t row = 0; row < rows; row += 2 * TILE_ROWS) {
            size_t m = rows - row < 2 * TILE_ROWS ? rows - row : 2 * TILE_ROWS;
            const char *x = (const char *)x_ + row / TILE_ROWS * panel_bytes;
            if (n > TILE_ROWS) {
                (m > TILE_ROWS ? tiles_2_2 : tiles_2_1)(sums, x, panel_bytes, p, stride, n, depth);
            } else {
                (m > TILE_ROWS ? tiles_1_2 : tiles_1_1)(sums, x, panel_bytes, p, stride, n, depth);
            }
            for (size_t tile = 0; tile < 4; tile++) {
                size_t r = row + tile % 2 * TILE_ROWS, c = i + tile / 2 * TILE_ROWS;
                if (r >= rows || c >= count) continue;
                store_tile(out + (ptrdiff_t)r * ldo + (ptrdiff_t)c, ldo, sums + 256 * tile,
                           scales + r, column_scales + c,
                           rows - r < TILE_ROWS ? rows - r : TILE_ROWS,
                           count - c < TILE_ROWS ? count - c : TILE_ROWS);
            }
        }
    }
    _tile_release();
}
TARGET_END
#endif
