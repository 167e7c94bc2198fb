// Products of int8 rows at the avx2 level; sources are int8_dots.h and int8_codes.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx2
#define MLX_LEVEL_F16C 1
#define VECTOR_BYTES 32
#include "../Levels/common.h"
#include "../Levels/target.h"
TARGET_AVX2
#include "micro.h"
#include "int8_dots.h"
#include "int8_codes.h"
TARGET_END
#endif
