// Transposes of planes. They are bound by memory, so one compilation serves all levels.
#include "../Levels/common.h"
#include "mlx_kernels.h"
#include "mlx_levels.h"

// Squares of 16 x 16 through a block of their own: each input line is read once and each output
// line written whole, also where rows lie a power of two apart and share cache sets.
#define GATHER_SQUARE(T)                                                                  \
    INLINE void gather_##T(T *block, ptrdiff_t sb, const T *p, ptrdiff_t si) {            \
        for (ptrdiff_t c = 0; c < 16; c++) {                                              \
            for (ptrdiff_t r = 0; r < 16; r++) block[r * sb + c] = p[c * si + r];        \
        }                                                                                 \
    }
GATHER_SQUARE(u8)
GATHER_SQUARE(u16)
GATHER_SQUARE(u64)

typedef u32 quad __attribute__((ext_vector_type(4)));
typedef quad unaligned_quad __attribute__((aligned(4)));
/// A part of a line, whatever its elements are.
typedef quad line_part __attribute__((may_alias));

INLINE void gather_u32(u32 *block, ptrdiff_t sb, const u32 *p, ptrdiff_t si) {
    for (ptrdiff_t c = 0; c < 16; c += 4) {
        for (ptrdiff_t r = 0; r < 16; r += 4) {
            const u32 *q = p + c * si + r;
            quad x0 = *(const unaligned_quad *)q, x1 = *(const unaligned_quad *)(q + si);
            quad x2 = *(const unaligned_quad *)(q + 2 * si);
            quad x3 = *(const unaligned_quad *)(q + 3 * si);
            quad a = __builtin_shufflevector(x0, x1, 0, 4, 1, 5);
            quad b = __builtin_shufflevector(x2, x3, 0, 4, 1, 5);
            quad d = __builtin_shufflevector(x0, x1, 2, 6, 3, 7);
            quad e = __builtin_shufflevector(x2, x3, 2, 6, 3, 7);
            u32 *o = block + r * sb + c;
            *(unaligned_quad *)o = __builtin_shufflevector(a, b, 0, 1, 4, 5);
            *(unaligned_quad *)(o + sb) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
            *(unaligned_quad *)(o + 2 * sb) = __builtin_shufflevector(d, e, 0, 1, 4, 5);
            *(unaligned_quad *)(o + 3 * sb) = __builtin_shufflevector(d, e, 2, 3, 6, 7);
        }
    }
}

#define TRANSPOSE(T)                                                                      \
    static void transpose_##T(T *out, const T *in, size_t rows, size_t columns,           \
                              ptrdiff_t so, ptrdiff_t si) {                               \
        enum { SIDE = 16 };                                                               \
        T block[SIDE * SIDE];                                                             \
        for (size_t c0 = 0; c0 < columns; c0 += SIDE) {                                   \
            size_t cn = columns - c0 < SIDE ? columns - c0 : SIDE;                        \
            for (size_t r0 = 0; r0 < rows; r0 += SIDE) {                                  \
                size_t rn = rows - r0 < SIDE ? rows - r0 : SIDE;                          \
                T *o = out + (ptrdiff_t)r0 * so + c0;                                     \
                const T *p = in + r0 + (ptrdiff_t)c0 * si;                                \
                if (rn == SIDE && cn == SIDE) {                                           \
                    gather_##T(block, SIDE, p, si);                                       \
                    for (ptrdiff_t r = 0; r < SIDE; r++) {                                \
                        memcpy(o + r * so, block + r * SIDE, SIDE * sizeof(T));           \
                    }                                                                     \
                    continue;                                                             \
                }                                                                         \
                for (ptrdiff_t r = 0; r < (ptrdiff_t)rn; r++) {                           \
                    for (ptrdiff_t c = 0; c < (ptrdiff_t)cn; c++) {                       \
                        o[r * so + c] = p[c * si + r];                                    \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    }
TRANSPOSE(u8)
TRANSPOSE(u16)
TRANSPOSE(u32)
TRANSPOSE(u64)

// Planes larger than the caches. What such a transpose costs is pages: each input row lies on pages
// of its own, so a tile takes two kilobytes from each; and output lines that share a cache set,
// so a tile is gathered in scratch and leaves past the caches, two lines of each row at a time.
enum { TILE_ROWS = 512, TILE_BYTES = 128 };

#define STREAM_TILES(T)                                                                   \
    static void stream_##T(T *out, const T *in, size_t rows, size_t columns,              \
                           ptrdiff_t so, ptrdiff_t si) {                                  \
        enum { WIDE = TILE_BYTES / sizeof(T) };                                           \
        T *tile = mlx_thread_scratch(TILE_ROWS * TILE_BYTES);                             \
        size_t evenRows = tile ? rows / 16 * 16 : 0, evenColumns = columns / WIDE * WIDE; \
        for (size_t r0 = 0; r0 < evenRows; r0 += TILE_ROWS) {                             \
            size_t rn = evenRows - r0 < TILE_ROWS ? evenRows - r0 : TILE_ROWS;            \
            for (size_t c0 = 0; c0 < evenColumns; c0 += WIDE) {                           \
                for (size_t c = 0; c < WIDE; c += 16) {                                   \
                    const T *p = in + r0 + (ptrdiff_t)(c0 + c) * si;                      \
                    for (size_t r = 0; r < rn; r += 16) {                                 \
                        gather_##T(tile + r * WIDE + c, WIDE, p + r, si);                 \
                    }                                                                     \
                }                                                                         \
                for (size_t r = 0; r < rn; r++) {                                         \
                    line_part *o = (void *)(out + (ptrdiff_t)(r0 + r) * so + c0);         \
                    const line_part *t = (const void *)(tile + r * WIDE);                 \
                    for (size_t i = 0; i < TILE_BYTES / sizeof(line_part); i++) {         \
                        __builtin_nontemporal_store(t[i], o + i);                         \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
        fence_streams();                                                                  \
        transpose_##T(out + evenColumns, in + (ptrdiff_t)evenColumns * si, evenRows,      \
                      columns - evenColumns, so, si);                                     \
        transpose_##T(out + (ptrdiff_t)evenRows * so, in + evenRows, rows - evenRows,     \
                      columns, so, si);                                                   \
    }
STREAM_TILES(u8)
STREAM_TILES(u16)
STREAM_TILES(u32)
STREAM_TILES(u64)

void mlx_transpose_plane(char *out, const char *in, int item_size, size_t rows, size_t columns,
                         ptrdiff_t so, ptrdiff_t si, bool stream) {
    // Whole lines only: half a line past the caches costs as much as two.
    bool lines = ((uintptr_t)out | (size_t)(so * item_size)) % 64 == 0;
#define PLANE(T)                                                                          \
    if (stream && lines) stream_##T((T *)out, (const T *)in, rows, columns, so, si);      \
    else transpose_##T((T *)out, (const T *)in, rows, columns, so, si);
    switch (item_size) {
    case 1: PLANE(u8) break;
    case 2: PLANE(u16) break;
    case 4: PLANE(u32) break;
    default: PLANE(u64)
    }
#undef PLANE
}
