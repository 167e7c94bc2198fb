// Kernels of fused functions (quantized products, norms, rotary positions, attention) at the
// avx2 level; the sources are in levels/.
#if defined(__x86_64__)
#define MLX_LEVEL avx2
#define MLX_LEVEL_F16C 1
#define MLX_LEVEL_VECTOR_BYTES 32
#include "levels/common.h"
#include "levels/tables.h"
#include "levels/target.h"
#include "mlx_quantized.h"
#include "mlx_fast.h"
#pragma clang fp contract(off)
TARGET_AVX2
#include "levels/halves.h"
#include "levels/math32.h"
#include "levels/math64.h"
#include "levels/quantized.h"
#include "levels/encode.h"
#include "levels/norms.h"
#include "levels/depthwise.h"
#include "levels/attention.h"
TARGET_END
#endif
