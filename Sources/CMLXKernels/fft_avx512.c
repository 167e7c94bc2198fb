// Fourier transforms at the avx512 level; the source is levels/fft.h and levels/fft_blocks.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx512
#define VECTOR_BYTES 64
#include "levels/common.h"
#include "levels/target.h"
#include "mlx_fft.h"
#pragma clang fp contract(off)
TARGET_AVX512
#include "levels/fft.h"
#include "levels/fft_blocks.h"
TARGET_END
#endif
