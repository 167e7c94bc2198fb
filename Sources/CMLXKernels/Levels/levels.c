// The level in force. Detection runs at the first question and is idempotent, so a race between
// two first questions is harmless.
#define _GNU_SOURCE
#include "mlx_levels.h"
#include <stdatomic.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static atomic_int best = -1;
static atomic_int forced = -1;
static _Thread_local int overriding = -1;

#if defined(__x86_64__)
/// Tiles: the processor has them, the system saves them, and this process may use them. Children
/// of a fork inherit the permission.
static bool may_use_tiles(void) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const unsigned bf16 = 1u << 22, tiles = 1u << 24;
    if ((d & (bf16 | tiles)) != (bf16 | tiles)) return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low >> 17 & 3) != 3) return false;
    const long ask_for_state = 0x1023, tile_data = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, ask_for_state, tile_data) == 0;
}
#endif

static int detected(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
    if (!avx512) return avx2 ? MLX_LEVEL_AVX2 : MLX_LEVEL_BASELINE;
    if (!__builtin_cpu_supports("avx512bf16")) return MLX_LEVEL_AVX512;
    return may_use_tiles() ? MLX_LEVEL_AMX : MLX_LEVEL_AVX512BF16;
#else
    return MLX_LEVEL_BASELINE;
#endif
}

int mlx_best_level(void) {
    int known = atomic_load_explicit(&best, memory_order_relaxed);
    if (known >= 0) return known;
    known = detected();
    atomic_store_explicit(&best, known, memory_order_relaxed);
    return known;
}

const char *mlx_level_name(int level) {
    static const char *const names[] = {"baseline", "avx2", "avx512", "avx512bf16", "amx"};
    return level >= 0 && level < MLX_LEVEL_COUNT ? names[level] : "";
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
    return mlx_level() >= MLX_LEVEL_AVX512 && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

bool mlx_has_int8_tiles(void) {
#if defined(__x86_64__)
    // Asked once: in a virtual machine the question itself leaves the machine.
    static atomic_int known = -1;
    if (mlx_level() < MLX_LEVEL_AMX) return false;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer < 0) {
        unsigned a, b, c, d;
        answer = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 25 & 1);
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer;
#else
    return false;
#endif
}
