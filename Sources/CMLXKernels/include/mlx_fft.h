// Inner loops of the fast Fourier transform. A block is `s` lines side by side in two planes,
// real and imaginary parts: element j of line w lies at j * s + w of each plane. All loops are
// forward transforms; the caller swaps the planes for inverse ones. No plans and no memory here.
#pragma once
#include <stdbool.h>
#include <stddef.h>

/// Lines that a full block has: one vector of the widest level.
enum { MLX_FFT_LINES = 16, MLX_FFT_LARGEST_RADIX = 61 };

/// One pass of Stockham's autosort: `m` groups of `radix` points each.
typedef struct {
    int radix;
    size_t m;
    /// (radix - 1) * m twiddles as pairs; NULL in the last pass, where all are one.
    const float *twiddles;
    /// Radices without code of their own: cos and sin of 2 pi k / radix as pairs, else NULL.
    const float *roots;
} mlx_fft_pass;

/// How a block lies in memory, in floats: element j of line w has its real part at
/// re + w * line + j * element and its imaginary part at im; a NULL `im` is zero. Elements from
/// `re_count` and `im_count` on are zero (read) or beyond the memory (written).
typedef struct {
    float *re, *im;
    ptrdiff_t line, element;
    size_t re_count, im_count;
} mlx_fft_layout;

/// w[2 i], w[2 i + 1] = cos, -sin of 2 pi (first + i step) / n, rounded once from double.
void mlx_fft_roots(float *w, size_t n, size_t first, size_t step, size_t count);
/// The same in double.
void mlx_fft_roots_f64(double *w, size_t n, size_t first, size_t step, size_t count);

/// Runs all passes over blocks of `s` lines; the planes a and b take turns, b being scratch.
/// @returns whether the result is in b.
bool mlx_fft_run(const mlx_fft_pass *passes, size_t pass_count, size_t s, float *are,
                 float *aim, float *bre, float *bim);

/// Fills `n` rows of a block from memory, or writes `n` rows times `scale` to memory.
void mlx_fft_load(float *re, float *im, size_t s, size_t n, const mlx_fft_layout *from);
void mlx_fft_store(const mlx_fft_layout *to, const float *re, const float *im, size_t s, size_t n,
                   float scale);

/// Multiplies row j by the complex w[j], or its conjugate.
void mlx_fft_multiply(float *re, float *im, size_t s, size_t n, const float *w, bool conjugate);
/// Multiplies element w of row k by first[k] * step[k * MLX_FFT_LINES + w].
/// `step` is two planes of n * MLX_FFT_LINES values.
void mlx_fft_twist(float *re, float *im, size_t s, size_t n, const float *first,
                   const float *step);

/// From the transform of h complex numbers made of pairs of real ones to the h + 1 numbers of
/// the real transform, in place; w holds exp(-i pi k / h) for k to h / 2.
void mlx_fft_untangle(float *re, float *im, size_t s, size_t h, const float *w);
/// The way back, up to a factor of two that unnormalised inverse transforms want.
void mlx_fft_tangle(float *re, float *im, size_t s, size_t h, const float *w);
