// Products that fit the first-level cache, of one level: rows are read where they lie, and columns
// as well when they are contiguous; only a last panel and transposed columns are packed.
// NUMERICS: a sum takes its terms in order.

#define SMALL(ROWS)                                                                       \
    static void small_##ROWS(float *c, ptrdiff_t ldc, const float *a, ptrdiff_t as,       \
                             ptrdiff_t ak, const float *b, ptrdiff_t ldb, size_t depth) { \
        VF sum[ROWS][2];                                                                  \
        UNROLL for (int i = 0; i < ROWS; i++) sum[i][0] = sum[i][1] = (VF)(0.0f);         \
        for (size_t k = 0; k < depth; k++, a += ak, b += ldb) {                           \
            VF x = *(const VF_AT *)b, y = *(const VF_AT *)(b + SKINNY_LANES);             \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                VF s = (VF)(a[i * as]);                                                   \
                sum[i][0] = STEP_FLOAT(sum[i][0], s, x);                                  \
                sum[i][1] = STEP_FLOAT(sum[i][1], s, y);                                  \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            *(VF_AT *)(c + i * ldc) = sum[i][0];                                          \
            *(VF_AT *)(c + i * ldc + SKINNY_LANES) = sum[i][1];                           \
        }                                                                                 \
    }
SMALL(1) SMALL(2) SMALL(3) SMALL(4)
#if VECTOR_BYTES == 64
SMALL(5) SMALL(6) SMALL(7) SMALL(8) SMALL(9) SMALL(10) SMALL(11) SMALL(12)
#elif VECTOR_BYTES == 32
SMALL(5) SMALL(6)
#endif
typedef void small_fn(float *, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t, const float *,
                      ptrdiff_t, size_t);
static small_fn *const smalls[] = {
    NULL, small_1, small_2, small_3, small_4,
#if VECTOR_BYTES == 64
    small_5, small_6, small_7, small_8, small_9, small_10, small_11, small_12,
#elif VECTOR_BYTES == 32
    small_5, small_6,
#endif
};

void LEVEL_NAME(mlx_small_product)(float *c, ptrdiff_t ldc, const float *a, ptrdiff_t as,
                                   ptrdiff_t ak, const float *b, ptrdiff_t bk, ptrdiff_t bn,
                                   size_t m, size_t n, size_t depth, float *scratch) {
    float edge[SKINNY_ROWS * SKINNY_WIDTH];
    for (size_t j = 0; j < n; j += SKINNY_WIDTH) {
        size_t width = n - j < SKINNY_WIDTH ? n - j : SKINNY_WIDTH;
        const float *panel = b + (ptrdiff_t)j * bn;
        ptrdiff_t ldb = bk;
        if (bn != 1 || width < SKINNY_WIDTH) {
            pack_f32_f32(scratch, panel, bn, bk, width, depth, SKINNY_WIDTH);
            panel = scratch;
            ldb = SKINNY_WIDTH;
        }
        for (size_t i = 0, group; i < m; i += group) {
            group = tile_rows(m, i, SKINNY_ROWS);
            float *out = c + (ptrdiff_t)i * ldc + (ptrdiff_t)j;
            const float *rows = a + (ptrdiff_t)i * as;
            if (width == SKINNY_WIDTH) {
                smalls[group](out, ldc, rows, as, ak, panel, ldb, depth);
                continue;
            }
            smalls[group](edge, SKINNY_WIDTH, rows, as, ak, panel, ldb, depth);
            for (size_t r = 0; r < group; r++) {
                memcpy(out + (ptrdiff_t)r * ldc, edge + r * SKINNY_WIDTH, width * sizeof(float));
            }
        }
    }
}
