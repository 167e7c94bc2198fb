// Fast Walsh-Hadamard transforms: k rounds of sums and differences, then the small matrix across
// the m parts. Bits of the small matrices are signs, the first column highest; they are those of
// MLX, so that weights that were rotated with one can be read with the other.
#include "mlx_hadamard.h"
#include <stdint.h>
#include <string.h>

#pragma clang fp contract(off)

static const uint32_t order_12[12] = {
    0xbff, 0x2aa, 0xec3, 0x896, 0xfb0, 0xa25, 0xcec, 0x989, 0xc3b, 0x962, 0xf0e, 0xa58,
};
static const uint32_t order_20[20] = {
    0x83cc9, 0x45c74, 0x26e2a, 0x17705, 0x0f992, 0x842c6, 0x42163, 0x212b1, 0x10b58, 0x085ac,
    0xca610, 0xe5108, 0x72884, 0x39442, 0x9c821, 0xb65f0, 0x5f2e8, 0xabb64, 0xd1fa2, 0x6cfc1,
};
static const uint32_t order_28[28] = {
    0x80796b3, 0x403eb59, 0x211d5ec, 0x118eab6, 0x09c751b, 0x05e1acd, 0x02f2d66,
    0xc30262d, 0xe081356, 0x70409ab, 0x38224d5, 0x1c1326a, 0x0e09935, 0x8604cda,
    0xa4ce061, 0x5365070, 0xa9b0838, 0x54d841c, 0x2a6c20e, 0x9534107, 0x4b980c3,
    0x9948f40, 0x4ca47a0, 0x2752390, 0x92ab188, 0xc857884, 0x652bc02, 0x3295e01,
};

size_t mlx_hadamard_factor(size_t n) {
    if (n == 0) return 0;
    size_t odd = n >> __builtin_ctzll(n);
    switch (odd) {
    case 1: return 1;
    case 3: return n % 12 ? 0 : 12;
    case 5: return n % 20 ? 0 : 20;
    case 7: return n % 28 ? 0 : 28;
    default: return 0;
    }
}

/// Whether element `to` takes element `from` with a minus.
static bool is_negative(size_t m, size_t from, size_t to) {
    const uint32_t *rows = m == 12 ? order_12 : m == 20 ? order_20 : order_28;
    return !(rows[from] >> (m - 1 - to) & 1);
}

#define HADAMARD(T, NAME)                                                                 \
    static void rounds_##NAME(T *row, size_t n, size_t length) {                          \
        for (size_t h = 1; h < length; h *= 2) {                                          \
            for (size_t at = 0; at < n; at += 2 * h) {                                    \
                T *restrict a = row + at, *restrict b = row + at + h;                     \
                for (size_t j = 0; j < h; j++) {                                          \
                    T x = a[j], y = b[j];                                                 \
                    a[j] = x + y;                                                         \
                    b[j] = x - y;                                                         \
                }                                                                         \
            }                                                                             \
        }                                                                                 \
    }                                                                                     \
    void mlx_hadamard_##NAME(T *row, T *other, size_t n, bool transposed, double scale) { \
        size_t m = mlx_hadamard_factor(n), length = n / m;                                \
        rounds_##NAME(row, n, length);                                                    \
        if (m > 1) {                                                                      \
            memset(other, 0, n * sizeof(T));                                              \
            for (size_t to = 0; to < m; to++) {                                           \
                T *restrict y = other + to * length;                                      \
                for (size_t from = 0; from < m; from++) {                                 \
                    const T *restrict x = row + from * length;                            \
                    bool minus = transposed ? is_negative(m, to, from)                    \
                                            : is_negative(m, from, to);                   \
                    if (minus) {                                                          \
                        for (size_t j = 0; j < length; j++) y[j] -= x[j];                 \
                    } else {                                                              \
                        for (size_t j = 0; j < length; j++) y[j] += x[j];                 \
                    }                                                                     \
                }                                                                         \
            }                                                                             \
            memcpy(row, other, n * sizeof(T));                                            \
        }                                                                                 \
        T factor = (T)scale;                                                              \
        for (size_t j = 0; j < n; j++) row[j] *= factor;                                  \
    }
HADAMARD(float, f32)
HADAMARD(double, f64)
