// Kernels of fused functions (quantized products, norms, rotary positions, attention) at the
// baseline level; the sources are in the folders of the families.
#define MLX_LEVEL baseline
#define MLX_LEVEL_VECTOR_BYTES 16
#include "common.h"
#include "tables.h"
#include "target.h"
#include "mlx_quantized.h"
#include "mlx_fast.h"
#pragma clang fp contract(off)
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
