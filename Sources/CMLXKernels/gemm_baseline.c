// Matrix products at the baseline level; the source is levels/gemm.h. A register tile of MR
// rows and NV vectors leaves room for the operands of one step.
#define MLX_LEVEL baseline
#define VECTOR_BYTES 16
#define MR 4
#define NV 2
#include "levels/common.h"
#include "levels/tables.h"
#include "levels/target.h"
#pragma clang fp contract(off)
#include "levels/halves.h"
#include "levels/gemm.h"
#include "levels/gemm_int8.h"
