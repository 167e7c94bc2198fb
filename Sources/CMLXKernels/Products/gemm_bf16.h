// Packers of bfloat16 that is multiplied without being widened. A packed element holds GROUP terms
// of the depth of one row or column: a pair, or 32 for tiles. What is lacking is zero.
#pragma once

typedef u16 PAIR_ROW __attribute__((ext_vector_type(32)));
typedef PAIR_ROW PAIR_ROW_AT __attribute__((aligned(2)));

/// Two rows of 32, taken in turn.
INLINE void pair_rows(u16 *out, const u16 *even, const u16 *odd) {
    PAIR_ROW x = *(const PAIR_ROW_AT *)even, y = *(const PAIR_ROW_AT *)odd;
    *(PAIR_ROW_AT *)out = __builtin_shufflevector(
        x, y, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43,
        12, 44, 13, 45, 14, 46, 15, 47);
    *(PAIR_ROW_AT *)(out + 32) = __builtin_shufflevector(
        x, y, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26,
        58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
}

/// One panel of pairs: pair g of column j is at out[(g * panel + j) * 2].
INLINE void pair_panel(u16 *out, const u16 *in, ptrdiff_t ws, ptrdiff_t ds, size_t w, size_t depth,
                       size_t panel) {
    size_t whole = depth / 2;
    if (ws == 1 && w == panel && panel % 32 == 0) {
        for (size_t g = 0; g < whole; g++) {
            const u16 *x = in + (ptrdiff_t)(2 * g) * ds;
            for (size_t j = 0; j < w; j += 32) {
                pair_rows(out + (g * panel + j) * 2, x + j, x + ds + j);
            }
        }
    } else if (ds == 1) {
        // Sixteen pairs at a time, so that lines of the input stay cached.
        for (size_t g0 = 0; g0 < whole; g0 += 16) {
            size_t end = whole - g0 < 16 ? whole : g0 + 16;
            for (size_t j = 0; j < w; j++) {
                const u16 *x = in + (ptrdiff_t)j * ws;
                for (size_t g = g0; g < end; g++) {
                    memcpy(out + (g * panel + j) * 2, x + 2 * g, 4);
                }
            }
        }
    } else {
        for (size_t g = 0; g < whole; g++) {
            const u16 *x = in + (ptrdiff_t)(2 * g) * ds;
            for (size_t j = 0; j < w; j++) {
                out[(g * panel + j) * 2] = x[(ptrdiff_t)j * ws];
                out[(g * panel + j) * 2 + 1] = x[(ptrdiff_t)j * ws + ds];
            }
        }
    }
    if (depth % 2 == 0) return;
    const u16 *x = in + (ptrdiff_t)(depth - 1) * ds;
    for (size_t j = 0; j < w; j++) out[(whole * panel + j) * 2] = x[(ptrdiff_t)j * ws];
}

/// Panels of pairs, the depth padded to a multiple of `multiple` pairs.
INLINE void pair_panels(u16 *out, const u16 *in, ptrdiff_t ws, ptrdiff_t ds, size_t width,
                        size_t depth, size_t panel, size_t multiple) {
    size_t pairs = ((depth + 1) / 2 + multiple - 1) / multiple * multiple;
    for (size_t p = 0; p < width; p += panel, out += panel * pairs * 2) {
        size_t w = width - p < panel ? width - p : panel;
        if (w < panel || depth < pairs * 2) {
            size_t from = w < panel ? 0 : depth / 2;
            memset(out + from * panel * 2, 0, (pairs - from) * panel * 4);
        }
        pair_panel(out, in + (ptrdiff_t)p * ws, ws, ds, w, depth, panel);
    }
}
