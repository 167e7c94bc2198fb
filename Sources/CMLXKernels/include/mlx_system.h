// What Swift cannot reach by itself on Linux: return addresses, symbol names, thread-local words.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Up to `capacity` return addresses of the caller's callers; returns how many.
int mlx_backtrace(uintptr_t *frames, int capacity);

/// The name of the symbol that holds `address` and where it starts; NULL when unknown.
const char *mlx_symbol(uintptr_t address, uintptr_t *base);

/// The file that holds the code at `address` and how far it was moved when loaded. The program's
/// own file is "/proc/self/exe". NULL when no file holds it.
const char *mlx_object(uintptr_t address, uintptr_t *bias);

/// The Swift runtime's demangler: a string to be freed, or NULL when `name` is not mangled.
char *swift_demangle(
    const char *name, size_t length, char *buffer, size_t *buffer_size, uint32_t flags);

/// Per-thread words of the runtime. Read through the pointer at each use: a Swift task may
/// continue on another thread after any suspension.
typedef struct {
    uint32_t lane;        // graph-store lane + 1, 0 = none yet
    uint32_t engineDepth; // > 0 while the engine is on this thread's stack
    const void *team;     // the team whose token this thread holds
    void *cores;          // what the thread keeps for each engine it has evaluated on
    const void *defaults; // what this thread has entered, see Defaults+Thread.swift
} mlx_thread_words;

extern _Thread_local mlx_thread_words mlx_thread_storage;

/// Whether the processor's cycle counter runs at one rate on all cores, asleep or not.
int mlx_has_steady_cycles(void);

/// The cycle counter.
static inline uint64_t mlx_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    return 0;
#endif
}

/// Tells the core that the thread is spinning.
static inline void mlx_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline mlx_thread_words *mlx_thread(void) { return &mlx_thread_storage; }

/// `fork`, which Swift does not offer.
int mlx_fork(void);

/// The tables of the graph store, zeroed at first: pointers to chunks of rows, and lanes.
extern char mlx_graph_chunk_storage[];
extern char mlx_graph_lane_storage[];
static inline void *mlx_graph_chunks(void) { return mlx_graph_chunk_storage; }
static inline void *mlx_graph_lanes(void) { return mlx_graph_lane_storage; }
