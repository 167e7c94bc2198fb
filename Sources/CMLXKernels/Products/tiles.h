// AMX: tiles of 16 rows of 64 bytes. A product of tiles adds, for 16 rows and 16 columns, the
// products of 32 terms of bfloat16 to float32 sums.

#include "shapes.h"

/// Two by two tiles of sums: panels of 32 rows, 64 bytes of the depth after another, and of 32
/// columns in pairs.
static void micro_tiles(size_t depth, size_t runs, mlx_panels x, mlx_panels y, void *c_,
                        ptrdiff_t ldc, size_t m, size_t n, bool accumulate) {
    (void)runs; // Its rows are packed: one run.
    const char *a = x.base, *b = y.base;
    size_t row = (size_t)x.row;
    float edge[32 * 32] __attribute__((aligned(64)));
    float *c = c_;
    bool is_whole = m == 32 && n == 32;
    size_t row_bytes = is_whole ? (size_t)ldc * 4 : 128;
    float *sums = is_whole ? c : edge;
    if (!is_whole && accumulate) {
        memset(edge, 0, sizeof edge);
        for (size_t i = 0; i < m; i++) memcpy(edge + 32 * i, c + (ptrdiff_t)i * ldc, n * 4);
    }
    char *low = (char *)sums, *high = low + 16 * row_bytes;
    shape_tiles();
    if (accumulate) {
        _tile_loadd(0, low, row_bytes);
        _tile_loadd(1, low + 64, row_bytes);
        _tile_loadd(2, high, row_bytes);
        _tile_loadd(3, high + 64, row_bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t k = 0; k < depth; k++, a += x.step, b += y.step) {
        _tile_loadd(4, a, row);
        _tile_loadd(6, b, 128);
        _tile_loadd(7, b + 64, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        if (m > 16) {
            _tile_loadd(5, a + 16 * row, row);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, low, row_bytes);
    _tile_stored(1, low + 64, row_bytes);
    _tile_stored(2, high, row_bytes);
    _tile_stored(3, high + 64, row_bytes);
    _tile_release();
    if (is_whole) return;
    for (size_t i = 0; i < m; i++) memcpy(c + (ptrdiff_t)i * ldc, edge + 32 * i, n * 4);
}

/// Panels of rows: 64 bytes of each row, then the next 64 bytes.
static void pack_tiles_left(void *out_, const void *in_, ptrdiff_t ws, ptrdiff_t ds, size_t width,
                            size_t depth, size_t panel) {
    u16 *out = out_;
    for (size_t p = 0; p < width; p += panel) {
        size_t w = width - p < panel ? width - p : panel;
        for (size_t k = 0; k < depth; k += 32, out += panel * 32) {
            size_t n = depth - k < 32 ? depth - k : 32;
            if (w < panel || n < 32) memset(out, 0, panel * 64);
            const u16 *in = (const u16 *)in_ + (ptrdiff_t)p * ws + (ptrdiff_t)k * ds;
            for (size_t i = 0; i < w; i++) {
                const u16 *x = in + (ptrdiff_t)i * ws;
                if (ds == 1) {
                    memcpy(out + i * 32, x, n * 2);
                } else {
                    for (size_t t = 0; t < n; t++) out[i * 32 + t] = x[(ptrdiff_t)t * ds];
                }
            }
        }
    }
}

static void pack_tiles_right(void *out, const void *in, ptrdiff_t ws, ptrdiff_t ds, size_t width,
                             size_t depth, size_t panel) {
    pair_panels(out, in, ws, ds, width, depth, panel, 16);
}
