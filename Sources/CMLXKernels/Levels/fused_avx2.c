// Kernels of fused functions (quantized products, norms, rotary positions, attention) at the
// avx2 level; the sources are in the folders of the families.
#if defined(__x86_64__)
#define MLX_LEVEL avx2
#define MLX_LEVEL_F16C 1
#define MLX_LEVEL_VECTOR_BYTES 32
#include "common.h"
#include "tables.h"
#include "target.h"
#include "mlx_quantized.h"
#include "mlx_fast.h"
#pragma clang fp contract(off)
TARGET_AVX2
#include "halves.h"
#include "../Elementwise/math32.h"
#include "../Elementwise/math64.h"
#include "../Quantized/quantized.h"
#include "../Quantized/dots.h"
#include "../Quantized/columns.h"
#include "../Quantized/encode.h"
#include "../Norms/norms.h"
#include "../Convolution/depthwise.h"
#include "../Attention/attention.h"
#include "../Recurrent/cells.h"
TARGET_END
#endif
