// Fourier transforms at the avx2 level; the source is Fourier/fft.h and Fourier/fft_blocks.h.
#if defined(__x86_64__)
#define MLX_LEVEL avx2
#define VECTOR_BYTES 32
#include "../Levels/common.h"
#include "../Levels/target.h"
#include "mlx_fft.h"
#pragma clang fp contract(off)
TARGET_AVX2
#include "fft.h"
#include "fft_blocks.h"
TARGET_END
#endif
