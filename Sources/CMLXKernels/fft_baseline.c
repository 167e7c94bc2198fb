// Fourier transforms at the baseline level; the source is levels/fft.h and levels/fft_blocks.h.
#define MLX_LEVEL baseline
#define VECTOR_BYTES 16
#include "levels/common.h"
#include "levels/target.h"
#include "mlx_fft.h"
#pragma clang fp contract(off)
#include "levels/fft.h"
#include "levels/fft_blocks.h"
