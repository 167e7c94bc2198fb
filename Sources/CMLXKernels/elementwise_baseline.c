// Elementwise functions, casts, row reductions and scans at the baseline level; the sources are
// levels/elementwise.h, casts.h, reduce.h and scan.h.
#define MLX_LEVEL baseline
#include "levels/common.h"
#include "levels/tables.h"
#include "levels/target.h"
#pragma clang fp contract(off)
#include "levels/elementwise.h"
#include "levels/casts.h"
#include "levels/reduce.h"
#include "levels/scan.h"
