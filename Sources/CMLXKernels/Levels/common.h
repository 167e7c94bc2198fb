// What every level source shares: element types by the names the row macros paste, loop pragmas,
// bit casts. No function with external linkage.
#pragma once
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "mlx_tape.h"

#pragma clang diagnostic ignored "-Wpass-failed" // loops over libm stay scalar, knowingly
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang fp contract(off)

typedef uint8_t b8;
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef float f32;
typedef double f64;
typedef struct { float re, im; } c64;
typedef double _Complex zd;

#define CODE_b8 MLX_BOOL
#define CODE_u8 MLX_U8
#define CODE_u16 MLX_U16
#define CODE_u32 MLX_U32
#define CODE_u64 MLX_U64
#define CODE_i8 MLX_I8
#define CODE_i16 MLX_I16
#define CODE_i32 MLX_I32
#define CODE_i64 MLX_I64
#define CODE_f16 MLX_F16
#define CODE_f32 MLX_F32
#define CODE_f64 MLX_F64
#define CODE_bf16 MLX_BF16
#define CODE_c64 MLX_C64

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
/// A name of this level.
#define LEVEL_NAME(name) PASTE(name, MLX_LEVEL)

// Outputs may be exactly an input: iterations stay independent, so vectorising is safe although
// the compiler cannot prove it.
/// The load of a dtype that is its own compute type.
#define SAME(v) (v)
#define LOOP _Pragma("clang loop vectorize(assume_safety)")
#define INLINE static inline __attribute__((always_inline))
/// How far ahead rows of a matrix are asked for that lie one after another and are read side by
/// side, a few at a time, which the processor does not foresee: whole rows, of 32 KB or more; of
/// 8 KB where they are as short as the keys of a head, of which there are few.
INLINE ptrdiff_t rows_ahead(ptrdiff_t row_bytes) {
    const ptrdiff_t bytes = row_bytes <= 512 ? 1 << 13 : 1 << 15, least = 4;
    ptrdiff_t rows = row_bytes > 0 ? (bytes + row_bytes - 1) / row_bytes : 0;
    return (rows > least ? rows : least) * row_bytes;
}
/// After stores past the caches: whoever is told that they are done sees them.
INLINE void fence_streams(void) {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}
#define TILE(name)                                                                        \
    static __attribute__((noinline)) void name(                                           \
        void *out_, const void *a_, const void *b_, const void *c_, size_t n)

INLINE u32 bits32(float x) { u32 r; memcpy(&r, &x, 4); return r; }
INLINE float float32(u32 x) { float r; memcpy(&r, &x, 4); return r; }
INLINE u64 bits64(double x) { u64 r; memcpy(&r, &x, 8); return r; }
INLINE double float64(u64 x) { double r; memcpy(&r, &x, 8); return r; }
/// sqrt without errno, so that loops over it vectorise.
INLINE double root(double x) { return __builtin_elementwise_sqrt(x); }
