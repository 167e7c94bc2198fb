// Elementwise functions, casts, row reductions and scans at the baseline level; the sources are
// Elementwise/elementwise.h, casts.h, reduce.h and scan.h.
#define MLX_LEVEL baseline
#include "common.h"
#include "tables.h"
#include "target.h"
#pragma clang fp contract(off)
#include "../Elementwise/elementwise.h"
#include "../Elementwise/casts.h"
#include "../Reductions/reduce.h"
#include "../Scans/scan.h"
