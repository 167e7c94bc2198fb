// Fourier transforms at the baseline level; the source is Fourier/fft.h and Fourier/fft_blocks.h.
#define MLX_LEVEL baseline
#define VECTOR_BYTES 16
#include "../Levels/common.h"
#include "../Levels/target.h"
#include "mlx_fft.h"
#pragma clang fp contract(off)
#include "fft.h"
#include "fft_blocks.h"
