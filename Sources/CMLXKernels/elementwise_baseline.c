// Elementwise functions, casts and row reductions at the baseline level; the sources are
// levels/elementwise.h, casts.h and reduce.h.
#define MLX_LEVEL baseline
#include "levels/common.h"
#include "levels/tables.h"
#include "levels/target.h"
#pragma clang fp contract(off)
#include "levels/elementwise.h"
#include "levels/casts.h"
#include "levels/reduce.h"
