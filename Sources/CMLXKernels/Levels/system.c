#define _GNU_SOURCE
#include "mlx_system.h"
#include <dlfcn.h>
#include <execinfo.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <link.h>
#include <unistd.h>

_Thread_local mlx_thread_words mlx_thread_storage;

// 2^18 chunks of 2^14 rows, 2^8 lanes of two cache lines: see GraphStore.swift.
_Alignas(128) char mlx_graph_chunk_storage[sizeof(void *) << 18];
_Alignas(128) char mlx_graph_lane_storage[128 << 8];

int mlx_fork(void) { return fork(); }

int mlx_backtrace(uintptr_t *frames, int capacity) {
    // One frame more than asked for: the first is this function's own.
    void *found[64];
    int wanted = capacity + 1 < 64 ? capacity + 1 : 64;
    int count = backtrace(found, wanted) - 1;
    if (count < 0) count = 0;
    for (int i = 0; i < count; i++) frames[i] = (uintptr_t)found[i + 1];
    return count;
}

const char *mlx_symbol(uintptr_t address, uintptr_t *base) {
    Dl_info info;
    if (!dladdr((void *)address, &info) || !info.dli_sname) return NULL;
    *base = (uintptr_t)info.dli_saddr;
    return info.dli_sname;
}

const char *mlx_object(uintptr_t address, uintptr_t *bias) {
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return NULL;
    *bias = map->l_addr;
    // The linker names the program itself by an empty string.
    return map->l_name[0] ? map->l_name : "/proc/self/exe";
}

int mlx_has_steady_cycles(void) {
#if defined(__x86_64__)
    // CPUID leaf 0x80000007, EDX bit 8: invariant time-stamp counter.
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
#elif defined(__aarch64__)
    return 1;
#else
    return 0;
#endif
}
