// Elementwise functions, casts, row reductions and scans at the avx512 level; the sources are
// levels/elementwise.h, casts.h, reduce.h and scan.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx512
#define MLX_LEVEL_F16C 1
#include "levels/common.h"
#include "levels/tables.h"
#include "levels/target.h"
#pragma clang fp contract(off)
TARGET_AVX512
#include "levels/elementwise.h"
#include "levels/casts.h"
#include "levels/reduce.h"
#include "levels/scan.h"
TARGET_END
#endif
