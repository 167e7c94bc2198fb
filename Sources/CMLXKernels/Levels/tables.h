// The tables each level source defines, and the arrays of them the dispatchers index by level.
#pragma once
#include "mlx_gemm.h"
#include "mlx_kernels.h"
#include "mlx_levels.h"
#include "mlx_scan.h"
#include "mlx_tape.h"

typedef const mlx_tile_fn mlx_elementwise_table[MLX_ELEMENTWISE_COUNT][MLX_DTYPE_COUNT];
typedef const mlx_tile_fn mlx_cast_table[MLX_DTYPE_COUNT][MLX_DTYPE_COUNT];
typedef const mlx_tile_fn mlx_round_table[2];
typedef const mlx_reduce_rows mlx_reduce_table[MLX_REDUCTION_COUNT][MLX_DTYPE_COUNT];
typedef const mlx_arg_rows mlx_arg_table[2][MLX_DTYPE_COUNT];
typedef const mlx_softmax_rows mlx_softmax_table[6];
typedef const mlx_scan mlx_scan_table[MLX_REDUCTION_COUNT][MLX_DTYPE_COUNT];
typedef const mlx_log_sums mlx_log_sums_table[2];
typedef void mlx_random_words_fn(uint32_t *, uint32_t, uint32_t, size_t, size_t, size_t);

#define DECLARE_LEVEL(level)                                  \
    extern mlx_elementwise_table mlx_elementwise_table_##level; \
    extern mlx_cast_table mlx_cast_table_##level;             \
    extern mlx_round_table mlx_round_table_##level;           \
    extern mlx_reduce_table mlx_reduce_table_##level;         \
    extern mlx_arg_table mlx_arg_table_##level;               \
    extern mlx_softmax_table mlx_softmax_table_##level;       \
    extern mlx_scan_table mlx_scan_table_##level;             \
    extern mlx_log_sums_table mlx_log_sums_table_##level;     \
    extern mlx_random_words_fn mlx_random_words_##level;      \
    extern const mlx_gemm mlx_gemm_f32_##level, mlx_gemm_f64_##level;         \
    void mlx_dot_rows_f64_##level(double *, ptrdiff_t, const double *, ptrdiff_t, size_t,  \
                                  const double *, size_t);                                 \
    void mlx_combine_rows_f64_##level(double *, const double *, ptrdiff_t, size_t,         \
                                      const double *, ptrdiff_t, size_t);
DECLARE_LEVEL(baseline)
#if defined(__x86_64__)
DECLARE_LEVEL(avx2)
DECLARE_LEVEL(avx512)
extern const mlx_gemm mlx_gemm_bf16_pairs, mlx_gemm_bf16_tiles;
// What has nothing of its own above AVX-512 is there what it is at AVX-512.
#define BY_LEVEL(name) \
    {&name##_baseline, &name##_avx2, &name##_avx512, &name##_avx512, &name##_avx512}
#else
#define BY_LEVEL(name) {[0 ... MLX_LEVEL_COUNT - 1] = &name##_baseline}
#endif
