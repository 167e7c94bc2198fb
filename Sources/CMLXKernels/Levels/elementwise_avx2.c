// Elementwise functions, casts, row reductions and scans at the avx2 level; the sources are
// Elementwise/elementwise.h, casts.h, reduce.h and scan.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx2
#define MLX_LEVEL_F16C 1
#include "common.h"
#include "tables.h"
#include "target.h"
#pragma clang fp contract(off)
TARGET_AVX2
#include "../Elementwise/elementwise.h"
#include "../Elementwise/casts.h"
#include "../Reductions/reduce.h"
#include "../Scans/scan.h"
TARGET_END
#endif
