// Keys of every dtype, and radix passes over them: counting, spreading, selecting. Rows of a few
// hundred items are merged instead, which needs no table of digits. Nothing here knows a thread.
#include "mlx_sort.h"
#include "mlx_tape.h"
#include <string.h>

typedef struct {
    uint64_t key, position;
} pair;

enum { SHORTEST_RUN = 16, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

int mlx_sort_key_bits(int dtype) {
    static const uint8_t bits[MLX_DTYPE_COUNT] = {
        [MLX_BOOL] = 8, [MLX_U8] = 8, [MLX_I8] = 8, [MLX_U16] = 16, [MLX_I16] = 16,
        [MLX_F16] = 16, [MLX_BF16] = 16, [MLX_U32] = 32, [MLX_I32] = 32, [MLX_F32] = 32,
        [MLX_U64] = 64, [MLX_I64] = 64, [MLX_F64] = 64, [MLX_C64] = 64,
    };
    return bits[dtype];
}

int mlx_sort_item(int dtype, bool positions) {
    int bits = mlx_sort_key_bits(dtype);
    if (positions || dtype == MLX_C64) return bits == 64 ? MLX_PAIR_64 : MLX_PAIR_32;
    return bits == 8 ? MLX_KEY_8 : bits == 16 ? MLX_KEY_16 : bits == 32 ? MLX_KEY_32 : MLX_KEY_64;
}

size_t mlx_sort_item_size(int item) {
    static const uint8_t sizes[] = {1, 2, 4, 8, 8, 16};
    return sizes[item];
}

// MARK: - Keys

// Negative numbers turn around and come first. A NaN loses its sign and so comes last; with
// `joined`, the negative zero gets the positive one's key.
#define FLOAT_KEY(name, U, TOP, INFINITY_BITS)                                            \
    static inline U name(U b, bool joined) {                                              \
        U magnitude = b & (U)(TOP - 1);                                                   \
        if (magnitude > (U)INFINITY_BITS || (joined && magnitude == 0)) b = magnitude;    \
        return (U)(b & TOP ? ~b : b | TOP);                                               \
    }                                                                                     \
    static inline U name##_back(U k) { return (U)(k & TOP ? k ^ TOP : ~k); }
FLOAT_KEY(key_f16, uint16_t, 0x8000u, 0x7c00u)
FLOAT_KEY(key_bf16, uint16_t, 0x8000u, 0x7f80u)
FLOAT_KEY(key_f32, uint32_t, 0x80000000u, 0x7f800000u)
FLOAT_KEY(key_f64, uint64_t, 0x8000000000000000u, 0x7ff0000000000000u)

#define UNSIGNED_KEY(name, U)                                     \
    static inline U name(U b, bool joined) { return b; }          \
    static inline U name##_back(U k) { return k; }
#define SIGNED_KEY(name, U, TOP)                                  \
    static inline U name(U b, bool joined) { return (U)(b ^ TOP); } \
    static inline U name##_back(U k) { return (U)(k ^ TOP); }
UNSIGNED_KEY(key_u8, uint8_t)
UNSIGNED_KEY(key_u16, uint16_t)
UNSIGNED_KEY(key_u32, uint32_t)
UNSIGNED_KEY(key_u64, uint64_t)
SIGNED_KEY(key_i8, uint8_t, 0x80u)
SIGNED_KEY(key_i16, uint16_t, 0x8000u)
SIGNED_KEY(key_i32, uint32_t, 0x80000000u)
SIGNED_KEY(key_i64, uint64_t, 0x8000000000000000u)

static inline bool is_nan_f32(uint32_t b) { return (b & 0x7fffffffu) > 0x7f800000u; }

/// The real part in the high half: lexicographic order. Numbers with a NaN come last, as in NumPy:
/// those with a NaN as imaginary part, then as real part, then as both, each by the other part.
static inline uint64_t key_c64(uint64_t b, bool joined) {
    uint32_t re = (uint32_t)b, im = (uint32_t)(b >> 32);
    int kind = 2 * is_nan_f32(re) + is_nan_f32(im);
    uint32_t high = kind == 0 ? key_f32(re, joined) : 0xff800000u + kind; // above infinity's key
    uint32_t low = kind == 3 ? 0 : key_f32(kind == 1 ? re : im, joined);
    return (uint64_t)high << 32 | low;
}

#define FOR_DTYPES(ROW)                                                                   \
    ROW(MLX_BOOL, key_u8, uint8_t) ROW(MLX_U8, key_u8, uint8_t) ROW(MLX_I8, key_i8, uint8_t) \
    ROW(MLX_U16, key_u16, uint16_t) ROW(MLX_I16, key_i16, uint16_t)                       \
    ROW(MLX_F16, key_f16, uint16_t) ROW(MLX_BF16, key_bf16, uint16_t)                     \
    ROW(MLX_U32, key_u32, uint32_t) ROW(MLX_I32, key_i32, uint32_t)                       \
    ROW(MLX_F32, key_f32, uint32_t) ROW(MLX_U64, key_u64, uint64_t)                       \
    ROW(MLX_I64, key_i64, uint64_t) ROW(MLX_F64, key_f64, uint64_t)

void mlx_sort_load(void *items, int item, const void *x, int dtype, size_t n, size_t base) {
    switch (dtype) {
#define LOAD(CODE, KEY, U)                                                                \
    case CODE: {                                                                          \
        const U *from = x;                                                                \
        if (item == MLX_PAIR_32) {                                                        \
            uint64_t *to = items;                                                         \
            for (size_t i = 0; i < n; i++)                                                \
                to[i] = (uint64_t)KEY(from[i], true) << 32 | (uint32_t)(base + i);        \
        } else if (item == MLX_PAIR_64) {                                                 \
            pair *to = items;                                                             \
            for (size_t i = 0; i < n; i++) to[i] = (pair){KEY(from[i], true), base + i};  \
        } else {                                                                          \
            U *to = items;                                                                \
            for (size_t i = 0; i < n; i++) to[i] = KEY(from[i], false);                   \
        }                                                                                 \
        break;                                                                            \
    }
    FOR_DTYPES(LOAD)
    case MLX_C64: {
        const uint64_t *from = x;
        pair *to = items;
        for (size_t i = 0; i < n; i++) to[i] = (pair){key_c64(from[i], true), base + i};
    }
    }
}

void mlx_sort_store(void *out, const void *items, int item, int dtype, const void *x, size_t n) {
    if (item == MLX_PAIR_64) {
        for (size_t i = 0; i < n; i++)
            ((uint64_t *)out)[i] = ((const uint64_t *)x)[((const pair *)items)[i].position];
        return;
    }
    switch (dtype) {
#define STORE(CODE, KEY, U)                                                               \
    case CODE:                                                                            \
        for (size_t i = 0; i < n; i++) ((U *)out)[i] = KEY##_back(((const U *)items)[i]); \
        break;
    FOR_DTYPES(STORE)
    }
}

void mlx_sort_positions(uint32_t *out, const void *items, int item, size_t n) {
    if (item == MLX_PAIR_32) {
        for (size_t i = 0; i < n; i++) out[i] = (uint32_t)((const uint64_t *)items)[i];
    } else {
        for (size_t i = 0; i < n; i++) out[i] = (uint32_t)((const pair *)items)[i].position;
    }
}

// MARK: - Passes

#define WORD(v) (v)
#define HIGH(v) ((v) >> 32)
#define FIRST(v) ((v).key)
#define FOR_ITEMS(ROW)                                                                    \
    ROW(MLX_KEY_8, uint8_t, WORD, key8) ROW(MLX_KEY_16, uint16_t, WORD, key16)            \
    ROW(MLX_KEY_32, uint32_t, WORD, key32) ROW(MLX_KEY_64, uint64_t, WORD, key64)         \
    ROW(MLX_PAIR_32, uint64_t, HIGH, pair32) ROW(MLX_PAIR_64, pair, FIRST, pair64)

#define PASSES(ITEM, T, KEY, NAME)                                                        \
    static void count_##NAME(size_t *counts, const T *items, int shift, size_t mask,      \
                             size_t n) {                                                  \
        for (size_t i = 0; i < n; i++) counts[(size_t)(KEY(items[i]) >> shift) & mask]++; \
    }                                                                                     \
    static void spread_##NAME(T *out, const T *items, int shift, size_t mask, size_t n,   \
                              size_t *places) {                                           \
        for (size_t i = 0; i < n; i++)                                                    \
            out[places[(size_t)(KEY(items[i]) >> shift) & mask]++] = items[i];            \
    }                                                                                     \
    static void part_##NAME(T *out, const T *items, int shift, size_t mask, size_t n,     \
                            size_t digit, size_t *places) {                               \
        for (size_t i = 0; i < n; i++) {                                                  \
            size_t own = (size_t)(KEY(items[i]) >> shift) & mask;                         \
            out[places[(own >= digit) + (own > digit)]++] = items[i];                     \
        }                                                                                 \
    }                                                                                     \
    static void insert_##NAME(T *items, size_t n) {                                       \
        for (size_t i = 1; i < n; i++) {                                                  \
            T own = items[i];                                                             \
            size_t j = i;                                                                 \
            for (; j > 0 && KEY(own) < KEY(items[j - 1]); j--) items[j] = items[j - 1];   \
            items[j] = own;                                                               \
        }                                                                                 \
    }                                                                                     \
    static void merge_##NAME(T *items, T *other, size_t n) {                              \
        for (size_t at = 0; at < n; at += SHORTEST_RUN)                                   \
            insert_##NAME(items + at, n - at < SHORTEST_RUN ? n - at : SHORTEST_RUN);     \
        T *from = items, *to = other;                                                     \
        for (size_t run = SHORTEST_RUN; run < n; run *= 2) {                              \
            for (size_t at = 0; at < n; at += 2 * run) {                                  \
                size_t middle = n - at < run ? n : at + run;                              \
                size_t end = n - at < 2 * run ? n : at + 2 * run;                         \
                size_t a = at, b = middle, o = at;                                        \
                while (a < middle && b < end) {                                           \
                    bool second = KEY(from[b]) < KEY(from[a]);                            \
                    to[o++] = from[second ? b : a];                                       \
                    b += second;                                                          \
                    a += !second;                                                         \
                }                                                                         \
                memcpy(to + o, from + a, (middle - a) * sizeof(T));                       \
                o += middle - a;                                                          \
                memcpy(to + o, from + b, (end - b) * sizeof(T));                          \
            }                                                                             \
            T *swap = from;                                                               \
            from = to;                                                                    \
            to = swap;                                                                    \
        }                                                                                 \
        if (from != items) memcpy(items, from, n * sizeof(T));                            \
    }
FOR_ITEMS(PASSES)

void mlx_sort_count(size_t *counts, const void *items, int item, int shift, int bits, size_t n) {
    size_t mask = ((size_t)1 << bits) - 1;
    switch (item) {
#define COUNT(ITEM, T, KEY, NAME) case ITEM: count_##NAME(counts, items, shift, mask, n); break;
    FOR_ITEMS(COUNT)
    }
}

void mlx_sort_spread(void *out, const void *items, int item, int shift, int bits, size_t n,
                     size_t *places) {
    size_t mask = ((size_t)1 << bits) - 1;
    switch (item) {
#define SPREAD(ITEM, T, KEY, NAME) \
    case ITEM: spread_##NAME(out, items, shift, mask, n, places); break;
    FOR_ITEMS(SPREAD)
    }
}

void mlx_sort_part(void *out, const void *items, int item, int shift, int bits, size_t n,
                   size_t digit, size_t places[3]) {
    size_t mask = ((size_t)1 << bits) - 1;
    switch (item) {
#define PART(ITEM, T, KEY, NAME) \
    case ITEM: part_##NAME(out, items, shift, mask, n, digit, places); break;
    FOR_ITEMS(PART)
    }
}

// MARK: - Rows

static void merge_row(void *items, void *other, int item, size_t n) {
    switch (item) {
#define MERGE(ITEM, T, KEY, NAME) case ITEM: merge_##NAME(items, other, n); break;
    FOR_ITEMS(MERGE)
    }
}

/// Digits of a pass: wide ones are worth their tables in long rows only.
static int digit_bits(int key_bits, size_t n) {
    return key_bits > 16 && n >= 4096 ? DIGIT_BITS : 8;
}

void mlx_sort_row(void *items, void *other, int item, int key_bits, size_t n) {
    if (n < (size_t)key_bits * 8) return merge_row(items, other, item, n);
    size_t counts[DIGITS];
    int bits = digit_bits(key_bits, n);
    char *from = items, *to = other;
    for (int shift = 0; shift < key_bits; shift += bits) {
        int own = key_bits - shift < bits ? key_bits - shift : bits;
        size_t digits = (size_t)1 << own, place = 0;
        memset(counts, 0, digits * sizeof(size_t));
        mlx_sort_count(counts, from, item, shift, own, n);
        bool is_alone = false;
        for (size_t d = 0; d < digits; d++) {
            size_t count = counts[d];
            is_alone |= count == n;
            counts[d] = place;
            place += count;
        }
        if (is_alone) continue;
        mlx_sort_spread(to, from, item, shift, own, n, counts);
        char *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, n * mlx_sort_item_size(item));
}

void mlx_select_row(void *items, void *other, int item, int key_bits, size_t n, size_t kth) {
    size_t size = mlx_sort_item_size(item), counts[DIGITS];
    char *row = items;
    while (key_bits > 0 && n > 1) {
        if (n < (size_t)key_bits * 8) return merge_row(row, other, item, n);
        int bits = digit_bits(key_bits, n);
        if (bits > key_bits) bits = key_bits;
        int shift = key_bits - bits;
        memset(counts, 0, sizeof(size_t) << bits);
        mlx_sort_count(counts, row, item, shift, bits, n);
        size_t digit = 0, before = 0;
        while (before + counts[digit] <= kth) before += counts[digit++];
        size_t equal = counts[digit];
        key_bits = shift;
        if (equal == n) continue;
        size_t places[3] = {0, before, before + equal};
        mlx_sort_part(other, row, item, shift, bits, n, digit, places);
        memcpy(row, other, n * size);
        row += before * size;
        n = equal;
        kth -= before;
    }
}

// MARK: - Zeros

#define ZEROS(NAME, U, TOP)                                                               \
    static void zeros_##NAME(U *out, const U *x, size_t n) {                              \
        size_t first = 0, end = n;                                                        \
        while (first < end) {                                                             \
            size_t middle = first + (end - first) / 2;                                    \
            if (NAME(out[middle], false) < (U)(TOP - 1)) first = middle + 1; else end = middle; \
        }                                                                                 \
        if (first == n || out[first] != TOP) return;                                      \
        size_t negatives = first;                                                         \
        while (negatives < n && out[negatives] == TOP) negatives++;                       \
        if (negatives == n || out[negatives] != 0) return;                                \
        for (size_t i = 0; i < n; i++)                                                    \
            if ((U)(x[i] << 1) == 0) out[first++] = x[i];                                 \
    }
ZEROS(key_f16, uint16_t, 0x8000u)
ZEROS(key_bf16, uint16_t, 0x8000u)
ZEROS(key_f32, uint32_t, 0x80000000u)
ZEROS(key_f64, uint64_t, 0x8000000000000000u)

void mlx_sort_zeros(void *out, const void *x, int dtype, size_t n) {
    switch (dtype) {
    case MLX_F16: zeros_key_f16(out, x, n); break;
    case MLX_BF16: zeros_key_bf16(out, x, n); break;
    case MLX_F32: zeros_key_f32(out, x, n); break;
    case MLX_F64: zeros_key_f64(out, x, n); break;
    }
}

// MARK: - Searching

void mlx_search_keys(uint64_t *keys, const void *x, int dtype, size_t n) {
    switch (dtype) {
#define WIDE(CODE, KEY, U) \
    case CODE: for (size_t i = 0; i < n; i++) keys[i] = KEY(((const U *)x)[i], true); break;
    FOR_DTYPES(WIDE)
    case MLX_C64:
        for (size_t i = 0; i < n; i++) keys[i] = key_c64(((const uint64_t *)x)[i], true);
    }
}

enum { SEARCHES = 16 };

void mlx_search_sorted(uint32_t *out, const uint64_t *keys, size_t n, const uint64_t *wanted,
                       size_t m, bool after) {
    for (size_t at = 0; at < m; at += SEARCHES) {
        size_t count = m - at < SEARCHES ? m - at : SEARCHES, first[SEARCHES] = {0};
        // All searches of a group halve together, so that they wait for memory together. Those
        // that stay have half - 1 candidates left and those that go on have rest - half, which is
        // never less: the larger number serves both.
        for (size_t rest = n; rest > 0;) {
            size_t half = (rest + 1) / 2;
            for (size_t j = 0; j < count; j++) {
                uint64_t own = keys[first[j] + half - 1], key = wanted[at + j];
                bool goes = after ? own <= key : own < key;
                first[j] += goes ? half : 0;
            }
            rest = rest == 1 ? 0 : rest - half;
        }
        for (size_t j = 0; j < count; j++) out[at + j] = (uint32_t)first[j];
    }
}
