// The tables each level source defines, and the arrays of them the dispatchers index by level.
#pragma once
#include "mlx_tape.h"

typedef const mlx_tile_fn mlx_elementwise_table[MLX_ELEMENTWISE_COUNT][MLX_DTYPE_COUNT];
typedef const mlx_tile_fn mlx_cast_table[MLX_DTYPE_COUNT][MLX_DTYPE_COUNT];
typedef const mlx_tile_fn mlx_round_table[2];

extern mlx_elementwise_table mlx_elementwise_table_baseline;
extern mlx_cast_table mlx_cast_table_baseline;
extern mlx_round_table mlx_round_table_baseline;
#if defined(__x86_64__)
extern mlx_elementwise_table mlx_elementwise_table_avx2, mlx_elementwise_table_avx512;
extern mlx_cast_table mlx_cast_table_avx2, mlx_cast_table_avx512;
extern mlx_round_table mlx_round_table_avx2, mlx_round_table_avx512;
#define BY_LEVEL(name) {&name##_baseline, &name##_avx2, &name##_avx512}
#else
#define BY_LEVEL(name) {&name##_baseline, &name##_baseline, &name##_baseline}
#endif
