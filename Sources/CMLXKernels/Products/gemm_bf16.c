// Products of bfloat16 without widening, at the levels avx512bf16 (pairs of products) and amx
// (tiles of 16 rows of 32 terms).
// NUMERICS: pairs of terms are added to a float32 sum in the order of the depth, in blocks of the
// depth; subnormal numbers count as zero. How a pair is rounded is the processor's business.
#if defined(__x86_64__)
#define MLX_LEVEL pairs
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "../Levels/target.h"
#include "mlx_skinny.h"
#define VECTOR_BYTES 64
#define MLX_LEVEL_F16C 1
TARGET_AVX512BF16
#define SUM_PAIRS(acc, a, b) \
    ((VF)_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(a), (__m512bh)(b)))
#include "gemm_bf16.h"
#include "micro.h"
MICRO(micro_pairs, float, VF, SUM_PAIRS)

static void pack_pairs(void *out, const void *in, ptrdiff_t ws, ptrdiff_t ds, size_t width,
                       size_t depth, size_t panel) {
    pair_panels(out, in, ws, ds, width, depth, panel, 1);
}
TARGET_END

const mlx_gemm mlx_gemm_bf16_pairs = {
    6, 64, 16, 2, 4, micro_pairs, {[MLX_BF16] = pack_pairs}, NULL,
};

TARGET_AMX
#include "tiles.h"
#include "skinny_tiles.h"
TARGET_END

const mlx_gemm mlx_gemm_bf16_tiles = {
    32, 32, 16, 32, 64, micro_tiles, {[MLX_BF16] = pack_tiles_right}, pack_tiles_left,
};
#endif
