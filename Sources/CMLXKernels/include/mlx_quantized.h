// Groups of small codes along rows, as MLX packs them: a row is one little-endian bit stream, so
// code j lies at bits [j * width, (j + 1) * width). Rows are whole groups, a group is a multiple of
// 16 codes. Scales (and offsets) are float32 here whatever they are stored in; nothing allocates.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a code stands for. Integer codes are named by their width in bits.
enum mlx_code_kind {
    MLX_CODE_2 = 2, MLX_CODE_3 = 3, MLX_CODE_4 = 4, MLX_CODE_5 = 5, MLX_CODE_6 = 6, MLX_CODE_8 = 8,
    MLX_CODE_E2M1 = 20, // 4 bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and a sign
    MLX_CODE_E4M3 = 24  // 8 bits: OCP float8, without NaN
};

/// Bits of one code.
static inline int mlx_code_bits(int kind) {
    return kind == MLX_CODE_E2M1 ? 4 : kind == MLX_CODE_E4M3 ? 8 : kind;
}

/// Floats that a row of n takes when it is arranged.
size_t mlx_code_stride(size_t n, int kind);
/// x in the order and scale that mlx_code_dots wants, which depend on the level and the kind.
void mlx_code_arrange(float *out, const float *x, size_t n, int kind);

/// At most this many rows of x are taken by one call of mlx_code_dots.
#define MLX_CODE_DOT_ROWS 2

/// out[r * ldo + i] = sum over k of scales[i * groups + k / group] * value(w[i][k]) * x[r][k], for
/// `count` rows of codes, row_bytes apart, and `rows` arranged rows of x, ldx apart.
void mlx_code_dots(float *out, ptrdiff_t ldo, const uint8_t *w, size_t row_bytes, size_t count,
                   const float *scales, const float *x, ptrdiff_t ldx, size_t rows, size_t n,
                   size_t group, int kind);

/// Codes that one call of mlx_code_columns takes at most.
#define MLX_CODE_COLUMNS 128

/// out[k * ldo + i] = scales[i * groups + k / group] * value(w[i][k]) + biases[...], for n codes,
/// whole groups, of `count` rows, at most 16; columns beyond are filled with anything finite.
/// Without offsets when biases is NULL.
void mlx_code_columns(float *out, size_t ldo, const uint8_t *w, size_t row_bytes, size_t count,
                      const float *scales, const float *biases, size_t groups, size_t n,
                      size_t group, int kind);

/// out[k] = scale[k / group] * value(w[k]) + bias[k / group]; without offsets when biases is NULL.
/// With round_to (a half dtype's code) the product is rounded before the offset is added.
void mlx_code_decode(float *out, const uint8_t *w, const float *scales, const float *biases,
                     size_t n, size_t group, int kind, int round_to);

/// The sums of groups of x, for offsets: sums[g] = sum of x[g * group ...].
void mlx_group_sums(float *sums, const float *x, size_t n, size_t group);

/// Affine codes of n numbers, and one scale and offset for each group.
void mlx_encode_affine(uint8_t *out, float *scales, float *biases, const float *x, size_t n,
                       size_t group, int bits);
/// Floating-point codes and the byte of each group's scale: a power of two (E8M0) or, for groups
/// of 16, E4M3 times global / 2688; a global scale of 0 means none.
void mlx_encode_float(uint8_t *out, uint8_t *scales, const float *x, size_t n, size_t group,
                      int kind, float global);
/// The numbers that scale bytes stand for.
void mlx_decode_scales(float *out, const uint8_t *scales, size_t n, bool e8m0, float global);

/// OCP float8 E4M3, rounded to nearest even, saturating at 448 (NaN too); 0x7F and 0xFF are NaN.
void mlx_to_e4m3(uint8_t *out, const float *x, size_t n);
void mlx_from_e4m3(float *out, const uint8_t *x, size_t n);
