// Fourier transforms at the avx2 level; the source is levels/fft.h and levels/fft_blocks.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx2
#define VECTOR_BYTES 32
#include "levels/common.h"
#include "levels/target.h"
#include "mlx_fft.h"
#pragma clang fp contract(off)
TARGET_AVX2
#include "levels/fft.h"
#include "levels/fft_blocks.h"
TARGET_END
#endif
