// Matrix products at the baseline level; the source is Products/gemm.h. A register tile of MR
// rows and NV vectors leaves room for the operands of one step.
#define MLX_LEVEL baseline
#define VECTOR_BYTES 16
#define MR 4
#define NV 2
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "../Levels/target.h"
#include "mlx_skinny.h"
#pragma clang fp contract(off)
#include "../Levels/halves.h"
#include "gemm.h"
#include "skinny.h"
#include "small.h"
