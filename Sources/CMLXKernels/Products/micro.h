// The register tile of a matrix product: ROWS rows and some vectors of columns. Six rows fit one
// set of a first-level cache wherever they lie, so they need not be packed. STEP multiplies and
// adds; what the tile has too many at an edge is not stored.
#pragma once

typedef float VF __attribute__((ext_vector_type(VECTOR_BYTES / 4)));
typedef double VD __attribute__((ext_vector_type(VECTOR_BYTES / 8)));
typedef i32 VI __attribute__((ext_vector_type(VECTOR_BYTES / 4)));
#define UNROLL _Pragma("clang loop unroll(full)")

/// How many rows a group of tiles has from row `first` on: as equal as they can be.
INLINE size_t tile_rows(size_t rows, size_t first, size_t most) {
    size_t groups = (rows + most - 1) / most, base = rows / groups, more = rows % groups;
    return first < more * (base + 1) ? base + 1 : base;
}

/// Terms of a sum so few that waiting for where they go takes a share of the time, and so many that
/// asking for it before does not: tiles of the first layers of images gain an eighth.
enum { MICRO_SHORT = 192, MICRO_SHORTEST = 128 };

#define MICRO_OF(NAME, T, V, ROWS, VECTORS, STEP)                                         \
    static void NAME##_##ROWS##_##VECTORS(size_t depth, size_t runs, const mlx_panels *x, \
                                          const mlx_panels *y, void *c_, ptrdiff_t ldc,   \
                                          size_t n, bool accumulate) {                    \
        enum { LANES = sizeof(V) / sizeof(T), WIDTH = VECTORS * LANES };                  \
        typedef V VU __attribute__((aligned(sizeof(T))));                                 \
        const char *rows[ROWS], *a = x->base, *b = y->base;                               \
        ptrdiff_t row = x->row, step = x->step, jump = x->jump, b_step = y->step;         \
        T *c = c_;                                                                        \
        V acc[ROWS][VECTORS];                                                             \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            rows[i] = a + row * i;                                                        \
            UNROLL for (int j = 0; j < VECTORS; j++) acc[i][j] = (V)(0);                  \
        }                                                                                 \
        if (runs * depth >= MICRO_SHORTEST && runs * depth <= MICRO_SHORT) {              \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                UNROLL for (int j = 0; j < VECTORS * (int)sizeof(V); j += 64) {           \
                    __builtin_prefetch((const char *)(c + i * ldc) + j, 0, 2);            \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        for (size_t r = 0; r < runs; r++) {                                               \
            ptrdiff_t at = (ptrdiff_t)r * jump;                                           \
            for (size_t k = 0; k < depth; k++, at += step, b += b_step) {                 \
                V bv[VECTORS];                                                            \
                UNROLL for (int j = 0; j < VECTORS; j++) {                                \
                    bv[j] = *(const VU *)(b + j * (int)sizeof(V));                        \
                }                                                                         \
                UNROLL for (int i = 0; i < ROWS; i++) {                                   \
                    V av = (V)(*(const T *)(rows[i] + at));                               \
                    UNROLL for (int j = 0; j < VECTORS; j++) {                            \
                        acc[i][j] = STEP(acc[i][j], av, bv[j]);                           \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        if (n == WIDTH) {                                                                 \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                UNROLL for (int j = 0; j < VECTORS; j++) {                                \
                    VU *p = (VU *)(c + i * ldc + j * LANES);                              \
                    *p = accumulate ? *p + acc[i][j] : acc[i][j];                         \
                }                                                                         \
            }                                                                             \
            return;                                                                       \
        }                                                                                 \
        T tile[ROWS][WIDTH];                                                              \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < VECTORS; j++) {                                    \
                *(VU *)(tile[i] + j * LANES) = acc[i][j];                                 \
            }                                                                             \
        }                                                                                 \
        for (size_t i = 0; i < ROWS; i++) {                                               \
            for (size_t j = 0; j < n; j++) {                                              \
                T *p = c + (ptrdiff_t)i * ldc + j;                                        \
                *p = accumulate ? *p + tile[i][j] : tile[i][j];                           \
            }                                                                             \
        }                                                                                 \
    }

#if VECTOR_BYTES == 64
#define MICRO_ROWS(NAME, T, V, ROWS, STEP)                                   \
    MICRO_OF(NAME, T, V, ROWS, 1, STEP) MICRO_OF(NAME, T, V, ROWS, 2, STEP)  \
    MICRO_OF(NAME, T, V, ROWS, 3, STEP) MICRO_OF(NAME, T, V, ROWS, 4, STEP)
#define MICRO_LIST(NAME, ROWS) \
    {NAME##_##ROWS##_1, NAME##_##ROWS##_2, NAME##_##ROWS##_3, NAME##_##ROWS##_4}
#else
#define MICRO_ROWS(NAME, T, V, ROWS, STEP) \
    MICRO_OF(NAME, T, V, ROWS, 1, STEP) MICRO_OF(NAME, T, V, ROWS, 2, STEP)
#define MICRO_LIST(NAME, ROWS) {NAME##_##ROWS##_1, NAME##_##ROWS##_2}
#endif
#if VECTOR_BYTES >= 32
#define MICRO_MORE(NAME, T, V, STEP) \
    MICRO_ROWS(NAME, T, V, 5, STEP) MICRO_ROWS(NAME, T, V, 6, STEP)
#define MICRO_MORE_LISTS(NAME) , MICRO_LIST(NAME, 5), MICRO_LIST(NAME, 6)
#else
#define MICRO_MORE(NAME, T, V, STEP)
#define MICRO_MORE_LISTS(NAME)
#endif

/// Register tiles of one row and one vector of columns up to what the level has room for.
#define MICRO(NAME, T, V, STEP)                                                           \
    MICRO_ROWS(NAME, T, V, 1, STEP) MICRO_ROWS(NAME, T, V, 2, STEP)                       \
    MICRO_ROWS(NAME, T, V, 3, STEP) MICRO_ROWS(NAME, T, V, 4, STEP)                       \
    MICRO_MORE(NAME, T, V, STEP)                                                          \
    static void NAME(size_t depth, size_t runs, mlx_panels a, mlx_panels b, void *c,      \
                     ptrdiff_t ldc, size_t m, size_t n, bool accumulate) {                \
        enum { LANES = sizeof(V) / sizeof(T) };                                           \
        typedef void tile_fn(size_t, size_t, const mlx_panels *, const mlx_panels *, void *, \
                             ptrdiff_t, size_t, bool);                                    \
        static tile_fn *const tiles[][VECTOR_BYTES == 64 ? 4 : 2] = {                     \
            MICRO_LIST(NAME, 1), MICRO_LIST(NAME, 2), MICRO_LIST(NAME, 3),                \
            MICRO_LIST(NAME, 4) MICRO_MORE_LISTS(NAME)};                                  \
        tiles[m - 1][(n - 1) / LANES](depth, runs, &a, &b, c, ldc, n, accumulate);        \
    }
