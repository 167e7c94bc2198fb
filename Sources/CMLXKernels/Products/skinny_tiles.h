// Products of eight to 64 rows of bfloat16 with a large matrix, by tiles. A matrix that is
// contiguous along the depth is loaded as tiles where it lies, and the rows are its columns' pairs;
// one that is contiguous along its columns is turned into pairs 32 columns at a time.
// NUMERICS: as in gemm_bf16.c; a part of the depth is one sum.

enum { TILE_BYTES = 1024, TILE_AHEAD = 512 };

/// Sixteen rows of the matrix and 32 terms, copied where a tile would read too far.
static void copy_tile(u16 *tile, const u16 *w, ptrdiff_t stride, size_t rows, size_t terms) {
    memset(tile, 0, TILE_BYTES);
    for (size_t i = 0; i < rows; i++) memcpy(tile + 32 * i, w + (ptrdiff_t)i * stride, terms * 2);
}

#define LOAD_ROWS(T, BLOCK)                                                               \
    do {                                                                                  \
        const u16 *p = w + (ptrdiff_t)(BLOCK) * 16 * stride + (ptrdiff_t)k;               \
        if (terms == 32 && rows >= 16) {                                                  \
            for (int i = 0; i < 16; i++) {                                                \
                __builtin_prefetch((const char *)(p + i * stride) + TILE_AHEAD, 0, 2);    \
            }                                                                             \
            _tile_loadd(T, p, (size_t)stride * 2);                                        \
        } else {                                                                          \
            copy_tile(edge, p, stride, rows < 16 ? rows : 16, terms);                     \
            _tile_loadd(T, edge, 64);                                                     \
        }                                                                                 \
    } while (0)

/// BLOCKS times 16 rows of the matrix against PANELS times 16 rows of x, at most four tiles.
#define DOT_TILES(NAME, BLOCKS, PANELS)                                                   \
    static void NAME(float *sums, const u16 *x, size_t panel_size, const u16 *w,          \
                     ptrdiff_t stride, size_t rows, size_t depth) {                       \
        u16 edge[TILE_BYTES / 2] __attribute__((aligned(64)));                            \
        _tile_zero(0);                                                                    \
        _tile_zero(1);                                                                    \
        _tile_zero(2);                                                                    \
        _tile_zero(3);                                                                    \
        for (size_t k = 0; k < depth; k += 32, x += TILE_BYTES / 2) {                     \
            size_t terms = depth - k < 32 ? depth - k : 32;                               \
            LOAD_ROWS(4, 0);                                                              \
            _tile_loadd(6, x, 64);                                                        \
            _tile_dpbf16ps(0, 4, 6);                                                      \
            if (PANELS > 1) {                                                             \
                _tile_loadd(7, x + panel_size, 64);                                       \
                _tile_dpbf16ps(1, 4, 7);                                                  \
            }                                                                             \
            if (BLOCKS == 2) {                                                            \
                LOAD_ROWS(5, 1);                                                          \
                _tile_dpbf16ps(2, 5, 6);                                                  \
                _tile_dpbf16ps(3, 5, 7);                                                  \
            }                                                                             \
            if (BLOCKS == 4) {                                                            \
                LOAD_ROWS(5, 1);                                                          \
                _tile_dpbf16ps(1, 5, 6);                                                  \
                LOAD_ROWS(4, 2);                                                          \
                _tile_dpbf16ps(2, 4, 6);                                                  \
                LOAD_ROWS(5, 3);                                                          \
                _tile_dpbf16ps(3, 5, 6);                                                  \
            }                                                                             \
            if (PANELS > 2) {                                                             \
                _tile_loadd(6, x + 2 * panel_size, 64);                                   \
                _tile_dpbf16ps(2, 4, 6);                                                  \
            }                                                                             \
            if (PANELS > 3) {                                                             \
                _tile_loadd(7, x + 3 * panel_size, 64);                                   \
                _tile_dpbf16ps(3, 4, 7);                                                  \
            }                                                                             \
        }                                                                                 \
        _tile_stored(0, sums, 64);                                                        \
        _tile_stored(1, sums + 256, 64);                                                  \
        _tile_stored(2, sums + 512, 64);                                                  \
        _tile_stored(3, sums + 768, 64);                                                  \
    }
DOT_TILES(dot_tiles_4, 4, 1)
DOT_TILES(dot_tiles_2, 2, 2)
DOT_TILES(dot_tiles_1_1, 1, 1)
DOT_TILES(dot_tiles_1_2, 1, 2)
DOT_TILES(dot_tiles_1_3, 1, 3)
DOT_TILES(dot_tiles_1_4, 1, 4)

void mlx_skinny_widen_tiles(void *out, const void *x, ptrdiff_t row_stride, ptrdiff_t depth_stride,
                            size_t rows, size_t depth) {
    pair_panels(out, x, row_stride, depth_stride, rows, depth, 16, 16);
}

void mlx_skinny_dots_tiles(float *out, ptrdiff_t ldo, const void *x, size_t panel_size, size_t rows,
                           const void *w_, ptrdiff_t stride, size_t count, size_t depth) {
    typedef void dot_fn(float *, const u16 *, size_t, const u16 *, ptrdiff_t, size_t, size_t);
    static dot_fn *const single[] = {dot_tiles_1_1, dot_tiles_1_2, dot_tiles_1_3, dot_tiles_1_4};
    float sums[4 * 256] __attribute__((aligned(64)));
    size_t panels = (rows + 15) / 16, most = panels == 1 ? 4 : panels == 2 ? 2 : 1;
    shape_tiles();
    for (size_t i = 0, blocks; i < count; i += blocks * 16) {
        const u16 *w = (const u16 *)w_ + (ptrdiff_t)i * stride;
        blocks = most > 1 && count - i >= most * 16 ? most : 1;
        dot_fn *dot = blocks == 1 ? single[panels - 1] : blocks == 2 ? dot_tiles_2 : dot_tiles_4;
        dot(sums, x, panel_size, w, stride, count - i, depth);
        for (size_t block = 0; block < blocks; block++) {
            size_t first = i + block * 16, n = count - first < 16 ? count - first : 16;
            for (size_t r = 0; r < rows; r++) {
                const float *p = sums + (block * panels + r / 16) * 256 + r % 16;
                float *o = out + (ptrdiff_t)r * ldo + first;
                for (size_t j = 0; j < n; j++) o[j] = p[16 * j];
            }
        }
    }
    _tile_release();
}

void mlx_skinny_pack_tiles(void *out, const void *x, ptrdiff_t row_stride, ptrdiff_t depth_stride,
                           size_t rows, size_t depth) {
    pack_tiles_left(out, x, row_stride, depth_stride, rows, depth, 16);
}

/// One or two panels of 16 rows against 32 columns.
static void sum_tiles_32(float *sums, const u16 *x, size_t panel_size, bool two, const u16 *pairs,
                         size_t steps, bool adds) {
    if (adds) {
        _tile_loadd(0, sums, 128);
        _tile_loadd(1, sums + 16, 128);
        _tile_loadd(2, sums + 512, 128);
        _tile_loadd(3, sums + 528, 128);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (size_t k = 0; k < steps; k++, x += TILE_BYTES / 2, pairs += TILE_BYTES) {
        _tile_loadd(4, x, 64);
        _tile_loadd(6, pairs, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, pairs + 32, 128);
        _tile_dpbf16ps(1, 4, 7);
        if (two) {
            _tile_loadd(5, x + panel_size, 64);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + 16, 128);
    _tile_stored(2, sums + 512, 128);
    _tile_stored(3, sums + 528, 128);
}

void mlx_skinny_sums_tiles(float *out, const void *x, size_t rows, const void *w_, ptrdiff_t stride,
                           size_t n, size_t depth) {
    enum { BLOCK_TERMS = 256 };
    u16 pairs[BLOCK_TERMS * 32] __attribute__((aligned(64)));
    float sums[MLX_SKINNY_ROWS * 32] __attribute__((aligned(64)));
    const u16 *w = w_;
    size_t panels = (rows + 15) / 16, panel_size = (depth + 31) / 32 * (TILE_BYTES / 2);
    shape_tiles();
    for (size_t j = 0; j < n; j += 32) {
        size_t width = n - j < 32 ? n - j : 32;
        for (size_t k = 0; k < depth; k += BLOCK_TERMS) {
            size_t terms = depth - k < BLOCK_TERMS ? depth - k : BLOCK_TERMS;
            const u16 *p = w + (ptrdiff_t)k * stride + (ptrdiff_t)j;
            for (size_t i = 0; i < terms; i++) {
                __builtin_prefetch((const char *)(p + (ptrdiff_t)i * stride) + 64, 0, 2);
            }
            pair_panels(pairs, p, 1, stride, width, terms, 32, 16);
            for (size_t panel = 0; panel < panels; panel += 2) {
                sum_tiles_32(
                    sums + panel * 512, (const u16 *)x + panel * panel_size + k * 16, panel_size,
                    panel + 1 < panels, pairs, (terms + 31) / 32, k > 0);
            }
        }
        memcpy(out + j * rows, sums, rows * 32 * sizeof(float));
    }
    _tile_release();
}
