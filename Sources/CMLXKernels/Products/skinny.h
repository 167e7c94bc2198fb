// Products of a few rows with a large matrix, of one level. SKINNY_ROWS rows and two vectors of
// columns are one tile of sums; SKINNY_DOTS rows and four rows of the matrix one tile of dot
// products. The matrix is widened as it is read; when more rows follow than one tile has, it is
// kept for them in a block that stays in the first-level cache.
// NUMERICS: a sum takes the terms of its part of the depth in order. A dot product has a lane for
// each float of a vector, in order along the depth, and adds the lanes pairwise at its end. Tile
// sizes do not matter.

#include "totals.h"

enum {
    SKINNY_LANES = VECTOR_BYTES / 4,
    SKINNY_WIDTH = 2 * SKINNY_LANES,
    /// Steps of the depth between one tile of sums and the next: as many rows of the matrix are
    /// read side by side.
    SKINNY_STEPS = 32,
    /// Floats of the depth of one block of dot products.
    SKINNY_BLOCK = 512,
    /// How far ahead the matrix is asked for along its rows, in bytes: rows that are no longer than
    /// this lie one after another, and the next ones are asked for.
    SKINNY_AHEAD = 512,
};
typedef VF VF_AT __attribute__((aligned(4)));
typedef u16 VH __attribute__((ext_vector_type(VECTOR_BYTES / 4)));
typedef u32 VW __attribute__((ext_vector_type(VECTOR_BYTES / 4)));

INLINE void skinny_f32(VF *out, const void *p) { *out = *(const VF_AT *)p; }
INLINE void skinny_bf16(VF *out, const void *p) {
    VH half;
    memcpy(&half, p, sizeof half);
    *out = (VF)(__builtin_convertvector(half, VW) << 16);
}
INLINE void skinny_f16(VF *out, const void *p) {
#if MLX_LEVEL_F16C && VECTOR_BYTES == 64
    *out = (VF)_mm512_cvtph_ps(_mm256_loadu_si256(p));
#elif MLX_LEVEL_F16C
    *out = (VF)_mm256_cvtph_ps(_mm_loadu_si128(p));
#else
    u16 half[SKINNY_LANES];
    float wide[SKINNY_LANES];
    memcpy(half, p, sizeof half);
    for (int i = 0; i < SKINNY_LANES; i++) wide[i] = widen_f16(half[i]);
    memcpy(out, wide, sizeof wide);
#endif
}
INLINE float skinny_one(const void *p, int dtype) {
    if (dtype == MLX_F32) return *(const float *)p;
    u16 half = *(const u16 *)p;
    return dtype == MLX_F16 ? widen_f16(half) : widen_bf16(half);
}

/// One tile of sums over `steps` of the depth. `copy` takes the widened block, unless it is NULL.
/// What lies at `next` is asked for, a line each step: it is the matrix some tiles further on.
#define SUMS(NAME, ROWS, LOAD, SIZE, AHEAD)                                               \
    static void NAME(float *sums, const float *x, const void *w_, ptrdiff_t stride,       \
                     float *copy, size_t steps, bool adds, const char *next,              \
                     ptrdiff_t next_step) {                                               \
        const char *w = w_;                                                               \
        VF a[ROWS][2];                                                                    \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < 2; j++) {                                          \
                a[i][j] = adds ? *(VF_AT *)(sums + (2 * i + j) * SKINNY_LANES) : (VF)(0.0f); \
            }                                                                             \
        }                                                                                 \
        for (size_t k = 0; k < steps; k++, x += ROWS, w += stride * SIZE) {               \
            VF v[2];                                                                      \
            LOAD(&v[0], w);                                                               \
            LOAD(&v[1], w + SKINNY_LANES * SIZE);                                         \
            __builtin_prefetch(next, 0, 2);                                               \
            if (AHEAD && SIZE == 4 && !copy) __builtin_prefetch(next + 64, 0, 2);         \
            next += next_step;                                                            \
            if (AHEAD && copy) {                                                          \
                *(VF *)(copy + k * SKINNY_WIDTH) = v[0];                                  \
                *(VF *)(copy + k * SKINNY_WIDTH + SKINNY_LANES) = v[1];                   \
            }                                                                             \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                VF s = (VF)(x[i]);                                                        \
                a[i][0] = STEP_FLOAT(a[i][0], s, v[0]);                                   \
                a[i][1] = STEP_FLOAT(a[i][1], s, v[1]);                                   \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < 2; j++) {                                          \
                *(VF_AT *)(sums + (2 * i + j) * SKINNY_LANES) = a[i][j];                  \
            }                                                                             \
        }                                                                                 \
    }
#define SUMS_OF(ROWS)                                                                     \
    SUMS(sums_f32_##ROWS, ROWS, skinny_f32, 4, 1)                                         \
    SUMS(sums_f16_##ROWS, ROWS, skinny_f16, 2, 1)                                         \
    SUMS(sums_bf16_##ROWS, ROWS, skinny_bf16, 2, 1)                                       \
    SUMS(sums_copy_##ROWS, ROWS, skinny_f32, 4, 0)
SUMS_OF(1) SUMS_OF(2) SUMS_OF(3) SUMS_OF(4)
#define SUMS_LIST_4(KIND) NULL, sums_##KIND##_1, sums_##KIND##_2, sums_##KIND##_3, sums_##KIND##_4
#if VECTOR_BYTES == 64
#define SKINNY_ROWS 12
SUMS_OF(5) SUMS_OF(6) SUMS_OF(7) SUMS_OF(8) SUMS_OF(9) SUMS_OF(10) SUMS_OF(11) SUMS_OF(12)
#define SUMS_LIST(KIND)                                                                   \
    SUMS_LIST_4(KIND), sums_##KIND##_5, sums_##KIND##_6, sums_##KIND##_7, sums_##KIND##_8, \
        sums_##KIND##_9, sums_##KIND##_10, sums_##KIND##_11, sums_##KIND##_12
#elif VECTOR_BYTES == 32
#define SKINNY_ROWS 6
SUMS_OF(5) SUMS_OF(6)
#define SUMS_LIST(KIND) SUMS_LIST_4(KIND), sums_##KIND##_5, sums_##KIND##_6
#else
#define SKINNY_ROWS 4
#define SUMS_LIST SUMS_LIST_4
#endif
typedef void sums_fn(float *, const float *, const void *, ptrdiff_t, float *, size_t, bool,
                     const char *, ptrdiff_t);
static sums_fn *const sums_f32[] = {SUMS_LIST(f32)}, *const sums_f16[] = {SUMS_LIST(f16)};
static sums_fn *const sums_bf16[] = {SUMS_LIST(bf16)}, *const sums_copy[] = {SUMS_LIST(copy)};

void LEVEL_NAME(mlx_skinny_pack)(float *out, const void *x, int dtype, ptrdiff_t row_stride,
                                 ptrdiff_t depth_stride, size_t rows, size_t depth) {
    size_t size = dtype == MLX_F32 ? 4 : 2;
    mlx_pack_fn pack =
        dtype == MLX_F32 ? pack_f32_f32 : dtype == MLX_F16 ? pack_f32_f16 : pack_f32_bf16;
    for (size_t first = 0; first < rows;) {
        size_t group = tile_rows(rows, first, SKINNY_ROWS);
        pack(out + first * depth, (const char *)x + (ptrdiff_t)first * row_stride * (ptrdiff_t)size,
             row_stride, depth_stride, group, depth, group);
        first += group;
    }
}

/// The block of the last columns, widened and padded with zeros.
static void skinny_edge(float *copy, const char *w, int dtype, ptrdiff_t stride, size_t steps,
                        size_t n) {
    size_t size = dtype == MLX_F32 ? 4 : 2;
    memset(copy, 0, steps * SKINNY_WIDTH * sizeof(float));
    for (size_t k = 0; k < steps; k++) {
        const char *row = w + (ptrdiff_t)k * stride * (ptrdiff_t)size;
        float *out = copy + k * SKINNY_WIDTH;
        for (size_t i = 0; i < n; i++) out[i] = skinny_one(row + i * size, dtype);
    }
}

/// One row of x: a tile of four vectors of columns and eight steps reads whole lines of few rows of
/// the matrix at a time.
#define SUM_ROW(NAME, LOAD, SIZE)                                                         \
    static size_t NAME(float *sums, const float *x, const char *w, ptrdiff_t stride, size_t n, \
                       size_t depth) {                                                    \
        enum { WIDTH = 4 * SKINNY_LANES, STEPS = 8 };                                     \
        size_t whole = n / WIDTH * WIDTH;                                                 \
        for (size_t k = 0; k < depth; k += STEPS) {                                       \
            size_t steps = depth - k < STEPS ? depth - k : STEPS;                         \
            for (size_t j = 0; j < whole; j += WIDTH) {                                   \
                const char *p = w + ((ptrdiff_t)k * stride + (ptrdiff_t)j) * SIZE;        \
                VF a[4];                                                                  \
                UNROLL for (int i = 0; i < 4; i++) {                                      \
                    a[i] = k ? *(VF_AT *)(sums + j + (size_t)i * SKINNY_LANES) : (VF)(0.0f); \
                }                                                                         \
                for (size_t t = 0; t < steps; t++, p += stride * SIZE) {                  \
                    VF s = (VF)(x[k + t]);                                                \
                    UNROLL for (int i = 0; i < 4; i++) {                                  \
                        VF v;                                                             \
                        if (i * SKINNY_LANES * SIZE % 64 == 0) {                          \
                            __builtin_prefetch(p + i * SKINNY_LANES * SIZE + SKINNY_AHEAD, 0, 2); \
                        }                                                                 \
                        LOAD(&v, p + i * SKINNY_LANES * SIZE);                            \
                        a[i] = STEP_FLOAT(a[i], s, v);                                    \
                    }                                                                     \
                }                                                                         \
                UNROLL for (int i = 0; i < 4; i++) {                                      \
                    *(VF_AT *)(sums + j + (size_t)i * SKINNY_LANES) = a[i];               \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        return whole;                                                                     \
    }
SUM_ROW(sum_row_f32, skinny_f32, 4)
SUM_ROW(sum_row_f16, skinny_f16, 2)
SUM_ROW(sum_row_bf16, skinny_bf16, 2)

void LEVEL_NAME(mlx_skinny_sums)(float *sums, const float *x, size_t rows, const void *w, int dtype,
                                 ptrdiff_t stride, size_t n, size_t depth) {
    float copy[SKINNY_STEPS * SKINNY_WIDTH] __attribute__((aligned(64)));
    size_t size = dtype == MLX_F32 ? 4 : 2, most = tile_rows(rows, 0, SKINNY_ROWS);
    sums_fn *const *direct =
        dtype == MLX_F32 ? sums_f32 : dtype == MLX_F16 ? sums_f16 : sums_bf16;
    ptrdiff_t row_bytes = stride * (ptrdiff_t)size;
    ptrdiff_t ahead = row_bytes <= SKINNY_AHEAD ? rows_ahead(row_bytes) : SKINNY_AHEAD;
    if (rows == 1) {
        // Tiles of one row lie one after another, as its columns do.
        size_t done = (dtype == MLX_F32 ? sum_row_f32 : dtype == MLX_F16 ? sum_row_f16
                       : sum_row_bf16)(sums, x, w, stride, n, depth);
        sums += done;
        w = (const char *)w + done * size;
        n -= done;
    }
    for (size_t k = 0; k < depth; k += SKINNY_STEPS) {
        size_t steps = depth - k < SKINNY_STEPS ? depth - k : SKINNY_STEPS;
        for (size_t j = 0; j < n; j += SKINNY_WIDTH) {
            ptrdiff_t place = (ptrdiff_t)k * stride + (ptrdiff_t)j;
            const char *p = (const char *)w + place * (ptrdiff_t)size;
            bool is_copied = n - j < SKINNY_WIDTH;
            if (is_copied) skinny_edge(copy, p, dtype, stride, steps, n - j);
            for (size_t first = 0, group; first < rows; first += group) {
                group = tile_rows(rows, first, SKINNY_ROWS);
                float *target = sums + j * rows + first * SKINNY_WIDTH;
                const float *y = x + first * depth + k * group;
                // Each group asks for its share of what comes, so that memory is never idle.
                const char *next = p + ahead + (first ? 64 : 0);
                sums_fn *sum = is_copied ? sums_copy[group] : direct[group];
                const void *from = is_copied ? (const void *)copy : p;
                float *keep = is_copied || rows == most ? NULL : copy;
                sum(target, y, from, is_copied ? SKINNY_WIDTH : stride, keep, steps, k > 0, next,
                    row_bytes);
                is_copied = true;
            }
        }
    }
}

void LEVEL_NAME(mlx_skinny_adds)(float *sums, const float *x, size_t rows, size_t depth,
                                 size_t first, const float *w, size_t n, size_t steps) {
    for (size_t j = 0; j < n; j += SKINNY_WIDTH) {
        for (size_t row = 0, group; row < rows; row += group) {
            group = tile_rows(rows, row, SKINNY_ROWS);
            sums_copy[group](sums + j * rows + row * SKINNY_WIDTH, x + row * depth + first * group,
                             w + j, (ptrdiff_t)n, NULL, steps, first > 0, (const char *)w, 0);
        }
    }
}

void LEVEL_NAME(mlx_skinny_merge)(float *out, ptrdiff_t ldo, const float *sums, size_t part_size,
                                  size_t parts, size_t rows, size_t first, size_t n) {
    for (size_t j = 0; j < n; j += SKINNY_WIDTH) {
        size_t width = n - j < SKINNY_WIDTH ? n - j : SKINNY_WIDTH;
        for (size_t r = 0; r < rows; r++) {
            const float *p = sums + (first + j) * rows + r * SKINNY_WIDTH;
            float total[SKINNY_WIDTH];
            memcpy(total, p, sizeof total);
            for (size_t part = 1; part < parts; part++) {
                LOOP for (int i = 0; i < SKINNY_WIDTH; i++) total[i] += p[part * part_size + i];
            }
            memcpy(out + (ptrdiff_t)r * ldo + j, total, width * sizeof(float));
        }
    }
}

void LEVEL_NAME(mlx_skinny_widen)(float *out, const void *x, int dtype, ptrdiff_t row_stride,
                                  ptrdiff_t depth_stride, size_t rows, size_t depth) {
    size_t size = dtype == MLX_F32 ? 4 : 2, padded = mlx_skinny_stride(depth);
    for (size_t r = 0; r < rows; r++) {
        const char *p = (const char *)x + (ptrdiff_t)r * row_stride * (ptrdiff_t)size;
        float *o = out + r * padded;
        memset(o + depth, 0, (padded - depth) * sizeof(float));
        if (depth_stride == 1 && dtype == MLX_F32) {
            memcpy(o, p, depth * sizeof(float));
        } else if (dtype == MLX_F32) {
            const float *q = (const float *)p;
            for (size_t k = 0; k < depth; k++) o[k] = q[(ptrdiff_t)k * depth_stride];
        } else if (dtype == MLX_F16) {
            for (size_t k = 0; k < depth; k++) {
                o[k] = widen_f16(((const u16 *)p)[(ptrdiff_t)k * depth_stride]);
            }
        } else {
            for (size_t k = 0; k < depth; k++) {
                o[k] = widen_bf16(((const u16 *)p)[(ptrdiff_t)k * depth_stride]);
            }
        }
    }
}

/// One tile of dot products over `steps` vectors of the depth: ROWS rows of x, four of the matrix
/// (those beyond the last are its last again). `copy` as in SUMS, a step's vectors together.
#define DOTS(NAME, ROWS, LOAD, SIZE, AHEAD)                                               \
    static void NAME(VF *lanes, const float *x, ptrdiff_t ldx, const void *const *w_,     \
                     float *copy, size_t steps, bool adds, ptrdiff_t ahead) {             \
        const char *w[4] = {w_[0], w_[1], w_[2], w_[3]};                                  \
        VF a[ROWS][4];                                                                    \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < 4; j++) {                                          \
                a[i][j] = adds ? lanes[4 * i + j] : (VF)(0.0f);                           \
            }                                                                             \
        }                                                                                 \
        for (size_t k = 0; k < steps; k++) {                                              \
            VF v[4];                                                                      \
            UNROLL for (int j = 0; j < 4; j++) {                                          \
                if (AHEAD) {                                                              \
                    LOAD(&v[j], w[j] + k * SKINNY_LANES * SIZE);                          \
                    if (k * SKINNY_LANES * SIZE % 64 == 0) {                              \
                        __builtin_prefetch(w[j] + k * SKINNY_LANES * SIZE + ahead, 0, 2); \
                    }                                                                     \
                    if (copy) *(VF *)(copy + (4 * k + j) * SKINNY_LANES) = v[j];          \
                } else {                                                                  \
                    v[j] = *(const VF *)(copy + (4 * k + j) * SKINNY_LANES);              \
                }                                                                         \
            }                                                                             \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                VF s = *(const VF_AT *)(x + i * ldx + (ptrdiff_t)k * SKINNY_LANES);       \
                UNROLL for (int j = 0; j < 4; j++) a[i][j] = STEP_FLOAT(a[i][j], s, v[j]); \
            }                                                                             \
        }                                                                                 \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < 4; j++) lanes[4 * i + j] = a[i][j];                \
        }                                                                                 \
    }
#define DOTS_OF(ROWS)                                                                     \
    DOTS(dots_f32_##ROWS, ROWS, skinny_f32, 4, 1)                                         \
    DOTS(dots_f16_##ROWS, ROWS, skinny_f16, 2, 1)                                         \
    DOTS(dots_bf16_##ROWS, ROWS, skinny_bf16, 2, 1)                                       \
    DOTS(dots_copy_##ROWS, ROWS, skinny_f32, 4, 0)
DOTS_OF(1) DOTS_OF(2) DOTS_OF(3)
#define DOTS_LIST_3(KIND) NULL, dots_##KIND##_1, dots_##KIND##_2, dots_##KIND##_3
#if VECTOR_BYTES == 64
#define SKINNY_DOTS 6
DOTS_OF(4) DOTS_OF(5) DOTS_OF(6)
#define DOTS_LIST(KIND) DOTS_LIST_3(KIND), dots_##KIND##_4, dots_##KIND##_5, dots_##KIND##_6
#else
#define SKINNY_DOTS 3
#define DOTS_LIST DOTS_LIST_3
#endif
typedef void dots_fn(VF *, const float *, ptrdiff_t, const void *const *, float *, size_t, bool,
                     ptrdiff_t);
static dots_fn *const dots_f32[] = {DOTS_LIST(f32)}, *const dots_f16[] = {DOTS_LIST(f16)};
static dots_fn *const dots_bf16[] = {DOTS_LIST(bf16)}, *const dots_copy[] = {DOTS_LIST(copy)};

INLINE void skinny_totals(float *out, const VF *v) {
    QUARTER q[4];
    for (int i = 0; i < 4; i++) {
        VF x = v[i];
#if VECTOR_BYTES == 64
        q[i] = quarter_sum(x);
#elif VECTOR_BYTES == 32
        QUARTER low = __builtin_shufflevector(x, x, 0, 1, 2, 3);
        q[i] = low + __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
        q[i] = x;
#endif
    }
    store_totals(out, q);
}

/// A block of the depth, at most SKINNY_BLOCK: every group of rows against four of the matrix.
static void dots_block(VF *lanes, const float *x, ptrdiff_t ldx, size_t rows, const void *const *w,
                       int dtype, size_t n, bool adds, float *copy, ptrdiff_t ahead) {
    size_t size = dtype == MLX_F32 ? 4 : 2, steps = n / SKINNY_LANES;
    dots_fn *const *direct =
        dtype == MLX_F32 ? dots_f32 : dtype == MLX_F16 ? dots_f16 : dots_bf16;
    bool is_copied = n % SKINNY_LANES != 0, keeps = rows > tile_rows(rows, 0, SKINNY_DOTS);
    if (is_copied) {
        // The last block, with an end that is no whole vector.
        steps++;
        memset(copy, 0, steps * 4 * VECTOR_BYTES);
        for (size_t k = 0; k < n; k++) {
            for (size_t j = 0; j < 4; j++) {
                copy[(k / SKINNY_LANES * 4 + j) * SKINNY_LANES + k % SKINNY_LANES] =
                    skinny_one((const char *)w[j] + k * size, dtype);
            }
        }
    }
    for (size_t first = 0, group; first < rows; first += group) {
        group = tile_rows(rows, first, SKINNY_DOTS);
        dots_fn *dots = is_copied ? dots_copy[group] : direct[group];
        dots(lanes + 4 * first, x + (ptrdiff_t)first * ldx, ldx, w,
             is_copied || keeps ? copy : NULL, steps, adds, ahead);
        is_copied = is_copied || keeps;
    }
}

void LEVEL_NAME(mlx_skinny_dots)(float *out, ptrdiff_t ldo, const float *x, ptrdiff_t ldx,
                                 size_t rows, const void *w, int dtype, ptrdiff_t stride,
                                 size_t count, size_t depth) {
    float copy[4 * SKINNY_BLOCK] __attribute__((aligned(64)));
    VF lanes[4 * MLX_SKINNY_ROWS];
    size_t size = dtype == MLX_F32 ? 4 : 2, whole = depth / SKINNY_LANES * SKINNY_LANES;
    ptrdiff_t ahead = rows_ahead(stride * (ptrdiff_t)size);
    for (size_t i = 0; i < count; i += 4) {
        size_t n = count - i < 4 ? count - i : 4;
        for (size_t k = 0, block; k < depth; k += block) {
            size_t left = k < whole ? whole - k : depth - k;
            block = left < SKINNY_BLOCK ? left : SKINNY_BLOCK;
            const void *p[4];
            for (size_t j = 0; j < 4; j++) {
                size_t row = i + (j < n ? j : n - 1);
                p[j] = (const char *)w + ((ptrdiff_t)row * stride + (ptrdiff_t)k) * (ptrdiff_t)size;
            }
            dots_block(lanes, x + k, ldx, rows, p, dtype, block, k > 0, copy, ahead);
        }
        for (size_t r = 0; r < rows; r++) {
            float totals[4];
            skinny_totals(totals, &lanes[4 * r]);
            memcpy(out + (ptrdiff_t)r * ldo + (ptrdiff_t)i, totals, n * sizeof(float));
        }
    }
}
const size_t LEVEL_NAME(mlx_skinny_width_of) = SKINNY_WIDTH;
