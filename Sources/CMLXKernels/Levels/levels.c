// The level in force. Detection runs at the first question and is idempotent, so a race between
// two first questions is harmless.
#include "mlx_levels.h"
#include <stdatomic.h>

static atomic_int forced = -1;
static _Thread_local int overriding = -1;

int mlx_best_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
    return avx512 ? MLX_LEVEL_AVX512 : avx2 ? MLX_LEVEL_AVX2 : MLX_LEVEL_BASELINE;
#else
    return MLX_LEVEL_BASELINE;
#endif
}

int mlx_level(void) {
    if (overriding >= 0) return overriding;
    int level = atomic_load_explicit(&forced, memory_order_relaxed);
    return level >= 0 ? level : mlx_set_level(MLX_LEVEL_COUNT);
}

int mlx_set_level(int level) {
    int best = mlx_best_level();
    int chosen = level < 0 ? 0 : level > best ? best : level;
    atomic_store_explicit(&forced, chosen, memory_order_relaxed);
    return chosen;
}

int mlx_override_level(int level) {
    int best = mlx_best_level();
    overriding = level < 0 ? -1 : level > best ? best : level;
    return mlx_level();
}

bool mlx_has_vnni(void) {
#if defined(__x86_64__)
    return mlx_level() == MLX_LEVEL_AVX512 && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}
