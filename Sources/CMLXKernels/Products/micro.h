// The register tile of a matrix product: ROWS rows and COLUMN_VECTORS vectors of columns, from
// packed panels. STEP multiplies and adds; what the tile has too many at an edge is not stored.
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

#define MICRO(NAME, T, V, ROWS, COLUMN_VECTORS, STEP)                                     \
    static void NAME(size_t depth, const void *a_, const void *b_, void *c_, ptrdiff_t ldc, \
                     size_t m, size_t n, bool accumulate) {                               \
        enum { LANE_COUNT = sizeof(V) / sizeof(T), WIDTH = COLUMN_VECTORS * LANE_COUNT }; \
        typedef V VU __attribute__((aligned(sizeof(T))));                                 \
        const T *a = a_, *b = b_;                                                         \
        T *c = c_;                                                                        \
        V acc[ROWS][COLUMN_VECTORS];                                                      \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < COLUMN_VECTORS; j++) acc[i][j] = (V)(0);           \
        }                                                                                 \
        for (size_t k = 0; k < depth; k++) {                                              \
            V bv[COLUMN_VECTORS];                                                         \
            UNROLL for (int j = 0; j < COLUMN_VECTORS; j++) {                             \
                bv[j] = *(const VU *)(b + j * LANE_COUNT);                                \
            }                                                                             \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                V av = (V)(a[i]);                                                         \
                UNROLL for (int j = 0; j < COLUMN_VECTORS; j++) {                         \
                    acc[i][j] = STEP(acc[i][j], av, bv[j]);                               \
                }                                                                         \
            }                                                                             \
            a += ROWS;                                                                    \
            b += WIDTH;                                                                   \
        }                                                                                 \
        if (m == ROWS && n == WIDTH) {                                                    \
            UNROLL for (int i = 0; i < ROWS; i++) {                                       \
                UNROLL for (int j = 0; j < COLUMN_VECTORS; j++) {                         \
                    VU *p = (VU *)(c + i * ldc + j * LANE_COUNT);                         \
                    *p = accumulate ? *p + acc[i][j] : acc[i][j];                         \
                }                                                                         \
            }                                                                             \
            return;                                                                       \
        }                                                                                 \
        T tile[ROWS][WIDTH];                                                              \
        UNROLL for (int i = 0; i < ROWS; i++) {                                           \
            UNROLL for (int j = 0; j < COLUMN_VECTORS; j++) {                             \
                *(VU *)(tile[i] + j * LANE_COUNT) = acc[i][j];                            \
            }                                                                             \
        }                                                                                 \
        for (size_t i = 0; i < m; i++) {                                                  \
            for (size_t j = 0; j < n; j++) {                                              \
                T *p = c + (ptrdiff_t)i * ldc + j;                                        \
                *p = accumulate ? *p + tile[i][j] : tile[i][j];                           \
            }                                                                             \
        }                                                                                 \
    }
