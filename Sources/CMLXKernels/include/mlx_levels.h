// Instruction-set levels. Every inner loop is compiled once per level from one source; the level
// in force is chosen by cpuid at the first use, or forced by the caller. C reads no environment.
#pragma once
#include <stdbool.h>

enum mlx_level {
    MLX_LEVEL_BASELINE = 0, // what the target architecture guarantees
    MLX_LEVEL_AVX2 = 1,     // AVX2, FMA, F16C
    MLX_LEVEL_AVX512 = 2,   // AVX-512 F, BW, DQ, VL
    MLX_LEVEL_COUNT = 3
};

/// The best level this processor has.
int mlx_best_level(void);

/// The level in force.
int mlx_level(void);

/// Forces a level, clamped to the best one; returns the level then in force. Function pointers
/// handed out earlier keep the level they were looked up under.
int mlx_set_level(int level);

/// Forces a level for the calling thread alone, over the one in force; negative ends that. For
/// comparing levels while other threads go on. Returns the level then in force on this thread.
int mlx_override_level(int level);

/// True when the processor has AVX512-VNNI and the level in force is AVX-512.
bool mlx_has_vnni(void);

#include <stddef.h>

/// A 64-byte aligned buffer of this thread, at least `bytes` long, valid until the thread asks
/// again. It grows and is freed with the thread; NULL when memory is short.
void *mlx_thread_scratch(size_t bytes);
