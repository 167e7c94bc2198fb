// What a processor can do at best: arithmetic that stays in registers, and streams through memory
// that compute next to nothing. They measure the machine; nothing is computed with them.
#pragma once
#include <stddef.h>

/// A loop of independent multiplications and additions.
typedef struct {
    const char *dtype; // of the factors: "f32", "bf16" or "i8"
    const char *means; // the level or extension: "baseline", "avx2", "avx512", "vnni", ...
    double operations; // of one round; a multiplication and an addition are two
    void (*run)(size_t rounds);
} mlx_peak;

/// The loops of this processor, one after the other, whatever level is in force; NULL after the
/// last.
const mlx_peak *mlx_peak_at(size_t index);

/// A walk through memory. Arrays are aligned to 64 bytes and hold `count` floats each; those that
/// the walk does not need are not touched.
/// Returns how many floats of each array it needs it has walked over: all but a few.
typedef size_t (*mlx_stream_fn)(float *out, const float *a, const float *b, size_t count);

typedef struct {
    const char *name; // "read", "write", "copy", "triad"; those past the caches end in "_past"
    int arrays;       // how many the walk reads and writes
    int streams;      // how many places of each array it goes through side by side
    mlx_stream_fn run;
} mlx_stream;

/// The walks with the widest vectors of this processor; NULL after the last.
const mlx_stream *mlx_stream_at(size_t index);
