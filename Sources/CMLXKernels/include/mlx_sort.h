// Sorting by radix. Elements of any dtype become unsigned keys whose order is the dtype's, NaN
// after everything; where positions are wanted, a key carries its position along. Passes are
// separate functions, so that the caller can spread a long row over a team. All are stable.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A bare key keeps the bits of its element, but for the sign of NaN. In a pair the two zeros
/// have one key.
enum mlx_sort_item {
    MLX_KEY_8, MLX_KEY_16, MLX_KEY_32, MLX_KEY_64,
    MLX_PAIR_32, // key in the high half of a word, position in the low one
    MLX_PAIR_64  // two words
};

/// How the items of a dtype look; complex64 has no bare keys and always gives pairs.
int mlx_sort_item(int dtype, bool positions);
size_t mlx_sort_item_size(int item);
/// Bits of a key of the dtype.
int mlx_sort_key_bits(int dtype);

/// Items of `n` contiguous elements, the first of which has position `base`.
void mlx_sort_load(void *items, int item, const void *x, int dtype, size_t n, size_t base);
/// Back to elements. Pairs pick from `x`, the row they were made of.
void mlx_sort_store(void *out, const void *items, int item, int dtype, const void *x, size_t n);
/// The positions of pairs.
void mlx_sort_positions(uint32_t *out, const void *items, int item, size_t n);

/// Adds up how often each digit of `bits` bits from `shift` occurs.
void mlx_sort_count(size_t *counts, const void *items, int item, int shift, int bits, size_t n);
/// Moves each item to the place of its digit, and the place on by one.
void mlx_sort_spread(void *out, const void *items, int item, int shift, int bits, size_t n,
                     size_t *places);
/// Moves items to three places: those with a smaller digit, with this one, with a larger one.
void mlx_sort_part(void *out, const void *items, int item, int shift, int bits, size_t n,
                   size_t digit, size_t places[3]);

/// Sorts on this thread; the items end up where they were. `other` is as large.
void mlx_sort_row(void *items, void *other, int item, int key_bits, size_t n);
/// Moves the item of rank `kth` to its place, smaller ones before it and larger ones after it;
/// `key_bits` are those that may differ.
void mlx_select_row(void *items, void *other, int item, int key_bits, size_t n, size_t kth);

/// Gives zeros in a sorted row the signs they had in `x`, in their order there.
void mlx_sort_zeros(void *out, const void *x, int dtype, size_t n);

/// Keys of one width for all dtypes, in which equal elements are equal.
void mlx_search_keys(uint64_t *keys, const void *x, int dtype, size_t n);
/// Positions among `n` sorted keys where `m` wanted ones belong: before equal ones, or after them
/// with `after`.
void mlx_search_sorted(uint32_t *out, const uint64_t *keys, size_t n, const uint64_t *wanted,
                       size_t m, bool after);
