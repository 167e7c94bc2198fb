// Products of int8 rows at the baseline level; sources are int8_dots.h and int8_codes.h.
#define MLX_LEVEL baseline
#define VECTOR_BYTES 16
#include "../Levels/common.h"
#include "../Levels/target.h"
#include "micro.h"
#include "int8_dots.h"
#include "int8_codes.h"
