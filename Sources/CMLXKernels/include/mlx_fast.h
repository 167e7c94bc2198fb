// Inner loops of fused functions: norms of rows, rotary positions, blocks of attention. float32 and
// float64; the half types are widened by the caller. Shapes, threads and scratch are the caller's.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// out = weight (x - mean) / sqrt(variance + eps) + bias for contiguous rows of n, the variance
/// over n; with `is_rms` there is no mean and the mean square stands for the variance. weight and
/// bias may be NULL; `out` may be `x`.
typedef void (*mlx_norm_rows)(void *out, const void *x, const void *weight, const void *bias,
                              size_t rows, size_t n, double eps, bool is_rms);
/// The derivative of the norm by x in the direction of weight * cotangent (weight may be NULL).
typedef void (*mlx_norm_gradient_rows)(void *out, const void *x, const void *cotangent,
                                       const void *weight, size_t rows, size_t n, double eps,
                                       bool is_rms);
/// dtype is float32 or float64.
mlx_norm_rows mlx_norm_fn(int dtype);
mlx_norm_gradient_rows mlx_norm_gradient_fn(int dtype);

/// Rotates pairs of one row of 2 * half features by angles given as cosines and sines: (2i, 2i + 1)
/// when `traditional`, else (i, i + half). `out` may be `x`.
typedef void (*mlx_rotate_row)(void *out, const void *x, const void *cosines, const void *sines,
                               size_t half, bool traditional);
mlx_rotate_row mlx_rotate_fn(int dtype);

/// One output pixel of a convolution with a window for each channel: out[c] = sum over taps t of
/// in[offsets[t] + c] * weight[t * channels + c]. A negative offset lies outside the image.
typedef void (*mlx_depthwise_pixel)(void *out, const void *in, const void *weight,
                                    const ptrdiff_t *offsets, size_t taps, size_t channels);
/// dtype is float32 or float64.
mlx_depthwise_pixel mlx_depthwise_fn(int dtype);

/// One block of scores joins a running softmax: scores become exp(score - maximum), `maximum` and
/// `sum` of each row are brought up to date, `decay` is what earlier sums must be multiplied by.
typedef void (*mlx_softmax_block)(void *scores, ptrdiff_t stride, size_t rows, size_t n,
                                  void *maximum, void *sum, void *decay);
mlx_softmax_block mlx_softmax_block_fn(int dtype);

/// out[r * stride + i] *= factor[r]
typedef void (*mlx_scale_rows)(void *out, ptrdiff_t stride, size_t rows, size_t n,
                               const void *factor);
mlx_scale_rows mlx_scale_rows_fn(int dtype);

/// Some units of a recurrent layer of `width` units, in rows. Strides are in elements: the gates of
/// the input and of the bias lie `width` apart, those of the state's product `product_gate`.
typedef struct {
    void *out;
    const void *input, *bias, *product, *inner_bias, *old;
    ptrdiff_t out_stride, input_stride, product_stride, product_gate, old_stride;
    size_t width;
} mlx_units;
/// One step of n units of so many rows.
typedef void (*mlx_units_fn)(const mlx_units *units, size_t rows, size_t n);
/// Gates i, f, g, o; `old` is the cell, and the new one goes `width` after the state. dtype is
/// float32 or float64.
mlx_units_fn mlx_lstm_units_fn(int dtype);
/// Gates r, z, n; `old` is the state, and `inner_bias` is within the reset.
mlx_units_fn mlx_gru_units_fn(int dtype);
