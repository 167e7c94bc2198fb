// Instruction-set levels. Every inner loop is compiled once per level from one source; the level
// in force is chosen by cpuid at the first use, or forced by the caller. C reads no environment.
#pragma once
#include <stdbool.h>

enum mlx_level {
    MLX_LEVEL_BASELINE = 0, // what the target architecture guarantees
    MLX_LEVEL_AVX2 = 1,     // AVX2, FMA, F16C
    MLX_LEVEL_AVX512 = 2,   // AVX-512 F, BW, DQ, VL
    // The levels above have other products of bfloat16; all else is that of AVX-512.
    MLX_LEVEL_AVX512BF16 = 3, // AVX512-BF16: pairs of products
    MLX_LEVEL_AMX = 4,        // AMX tiles of bfloat16, if the system lets the process have them
    MLX_LEVEL_COUNT = 5
};

/// The best level this processor has. The first question asks the system for the tiles.
int mlx_best_level(void);

/// What people call a level.
const char *mlx_level_name(int level);

/// The level in force.
int mlx_level(void);

/// Forces a level, clamped to the best one; returns the level then in force. Function pointers
/// handed out earlier keep the level they were looked up under.
int mlx_set_level(int level);

/// Forces a level for the calling thread alone, over the one in force; negative ends that. For
/// comparing levels while other threads go on. Returns the level then in force on this thread.
int mlx_override_level(int level);

/// True when the processor has AVX512-VNNI and the level in force is AVX-512 or above.
bool mlx_has_vnni(void);

/// True when the processor has AMX's int8 tiles and the level in force is AMX.
bool mlx_has_int8_tiles(void);

#include <stddef.h>

/// A 64-byte aligned buffer of this thread, at least `bytes` long, valid until the thread asks
/// again. It grows and is freed with the thread; NULL when memory is short.
void *mlx_thread_scratch(size_t bytes);
