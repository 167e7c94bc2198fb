// Fourier transforms at the avx512 level; the source is Fourier/fft.h and Fourier/fft_blocks.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx512
#define VECTOR_BYTES 64
#include "../Levels/common.h"
#include "../Levels/target.h"
#include "mlx_fft.h"
#pragma clang fp contract(off)
TARGET_AVX512
#include "fft.h"
#include "fft_blocks.h"
TARGET_END
#endif
