// Kernels of fused functions (quantized products, norms, rotary positions, attention) at the
// baseline level; the sources are in levels/.
#define MLX_LEVEL baseline
#define MLX_LEVEL_VECTOR_BYTES 16
#include "levels/common.h"
#include "levels/tables.h"
#include "levels/target.h"
#include "mlx_quantized.h"
#include "mlx_fast.h"
#pragma clang fp contract(off)
#include "levels/halves.h"
#include "levels/math32.h"
#include "levels/math64.h"
#include "levels/quantized.h"
#include "levels/encode.h"
#include "levels/norms.h"
#include "levels/depthwise.h"
#include "levels/attention.h"
