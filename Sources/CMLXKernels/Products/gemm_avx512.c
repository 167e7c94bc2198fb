// Matrix products at the avx512 level; the source is Products/gemm.h. A register tile of MR
// rows and NV vectors leaves room for the operands of one step.
#if defined(__x86_64__)
#define MLX_LEVEL avx512
#define MLX_LEVEL_F16C 1
#define VECTOR_BYTES 64
#define MR 6
#define NV 4
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "../Levels/target.h"
#include "mlx_skinny.h"
#pragma clang fp contract(off)
TARGET_AVX512
#include "../Levels/halves.h"
#include "gemm.h"
#include "skinny.h"
#include "small.h"
TARGET_END
#endif
