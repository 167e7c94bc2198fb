// Lookup of the fused functions' kernels by level, and what is the same on all of them.
#include "common.h"
#include "tables.h"
#include "mlx_fast.h"
#include "mlx_quantized.h"

typedef size_t code_stride(size_t, int);
typedef void code_arrange(float *, const float *, size_t, int);
typedef void code_dots(float *, ptrdiff_t, const u8 *, size_t, size_t, const float *, const float *,
                       ptrdiff_t, size_t, size_t, size_t, int);
typedef void code_columns(float *, size_t, const u8 *, size_t, size_t, const float *, const float *,
                          size_t, size_t, size_t, int);
typedef void code_decode(float *, const u8 *, const float *, const float *, size_t, size_t, int,
                         int);
typedef void group_sums(float *, const float *, size_t, size_t);
typedef void encode_affine(u8 *, float *, float *, const float *, size_t, size_t, int);
typedef void encode_float(u8 *, u8 *, const float *, size_t, size_t, int, float);
typedef void decode_scales(float *, const u8 *, size_t, bool, float);
typedef void to_e4m3(u8 *, const float *, size_t);
typedef void from_e4m3(float *, const u8 *, size_t);
typedef const mlx_norm_rows norm_table[2];
typedef const mlx_norm_gradient_rows norm_gradient_table[2];
typedef const mlx_rotate_row rotate_table[2];
typedef const mlx_depthwise_pixel depthwise_table[2];
typedef const mlx_softmax_block softmax_block_table[2];
typedef const mlx_scale_rows scale_rows_table[2];
typedef const mlx_units_fn units_table[2][2];

#define DECLARE_FUSED(level)                                                              \
    code_stride mlx_code_stride_##level;                                                  \
    code_arrange mlx_code_arrange_##level;                                                \
    code_dots mlx_code_dots_##level;                                                      \
    code_columns mlx_code_columns_##level;                                                \
    code_decode mlx_code_decode_##level;                                                  \
    group_sums mlx_group_sums_##level;                                                    \
    encode_affine mlx_encode_affine_##level;                                              \
    encode_float mlx_encode_float_##level;                                                \
    decode_scales mlx_decode_scales_##level;                                              \
    to_e4m3 mlx_to_e4m3_##level;                                                          \
    from_e4m3 mlx_from_e4m3_##level;                                                      \
    extern norm_table mlx_norm_table_##level;                                             \
    extern norm_gradient_table mlx_norm_gradient_table_##level;                           \
    extern rotate_table mlx_rotate_table_##level;                                         \
    extern depthwise_table mlx_depthwise_table_##level;                                   \
    extern softmax_block_table mlx_softmax_block_table_##level;                           \
    extern scale_rows_table mlx_scale_rows_table_##level;                                 \
    extern units_table mlx_units_table_##level;
DECLARE_FUSED(baseline)
#if defined(__x86_64__)
DECLARE_FUSED(avx2)
DECLARE_FUSED(avx512)
#endif

#define TABLE(type, name) static type *const name##_levels[] = BY_LEVEL(name);
TABLE(code_stride, mlx_code_stride)
TABLE(code_arrange, mlx_code_arrange)
TABLE(code_dots, mlx_code_dots)
TABLE(code_columns, mlx_code_columns)
TABLE(code_decode, mlx_code_decode)
TABLE(group_sums, mlx_group_sums)
TABLE(encode_affine, mlx_encode_affine)
TABLE(encode_float, mlx_encode_float)
TABLE(decode_scales, mlx_decode_scales)
TABLE(to_e4m3, mlx_to_e4m3)
TABLE(from_e4m3, mlx_from_e4m3)
TABLE(norm_table, mlx_norm_table)
TABLE(norm_gradient_table, mlx_norm_gradient_table)
TABLE(rotate_table, mlx_rotate_table)
TABLE(depthwise_table, mlx_depthwise_table)
TABLE(softmax_block_table, mlx_softmax_block_table)
TABLE(scale_rows_table, mlx_scale_rows_table)
TABLE(units_table, mlx_units_table)
#define HERE(name) name##_levels[mlx_level()]

size_t mlx_code_stride(size_t n, int kind) { return HERE(mlx_code_stride)(n, kind); }
void mlx_code_arrange(float *out, const float *x, size_t n, int kind) {
    HERE(mlx_code_arrange)(out, x, n, kind);
}
void mlx_code_dots(float *out, ptrdiff_t ldo, const u8 *w, size_t row_bytes, size_t count,
                   const float *scales, const float *x, ptrdiff_t ldx, size_t rows, size_t n,
                   size_t group, int kind) {
    HERE(mlx_code_dots)(out, ldo, w, row_bytes, count, scales, x, ldx, rows, n, group, kind);
}
void mlx_code_columns(float *out, size_t ldo, const u8 *w, size_t row_bytes, size_t count,
                      const float *scales, const float *biases, size_t groups, size_t n,
                      size_t group, int kind) {
    HERE(mlx_code_columns)(out, ldo, w, row_bytes, count, scales, biases, groups, n, group, kind);
}
void mlx_code_decode(float *out, const u8 *w, const float *scales, const float *biases, size_t n,
                     size_t group, int kind, int round_to) {
    HERE(mlx_code_decode)(out, w, scales, biases, n, group, kind, round_to);
}
void mlx_group_sums(float *sums, const float *x, size_t n, size_t group) {
    HERE(mlx_group_sums)(sums, x, n, group);
}
void mlx_encode_affine(u8 *out, float *scales, float *biases, const float *x, size_t n,
                       size_t group, int bits) {
    HERE(mlx_encode_affine)(out, scales, biases, x, n, group, bits);
}
void mlx_encode_float(u8 *out, u8 *scales, const float *x, size_t n, size_t group, int kind,
                      float global) {
    HERE(mlx_encode_float)(out, scales, x, n, group, kind, global);
}
void mlx_decode_scales(float *out, const u8 *scales, size_t n, bool e8m0, float global) {
    HERE(mlx_decode_scales)(out, scales, n, e8m0, global);
}
void mlx_to_e4m3(u8 *out, const float *x, size_t n) { HERE(mlx_to_e4m3)(out, x, n); }
void mlx_from_e4m3(float *out, const u8 *x, size_t n) { HERE(mlx_from_e4m3)(out, x, n); }

mlx_norm_rows mlx_norm_fn(int dtype) { return (*HERE(mlx_norm_table))[dtype == MLX_F64]; }
mlx_norm_gradient_rows mlx_norm_gradient_fn(int dtype) {
    return (*HERE(mlx_norm_gradient_table))[dtype == MLX_F64];
}
mlx_rotate_row mlx_rotate_fn(int dtype) { return (*HERE(mlx_rotate_table))[dtype == MLX_F64]; }
mlx_depthwise_pixel mlx_depthwise_fn(int dtype) {
    return (*HERE(mlx_depthwise_table))[dtype == MLX_F64];
}
mlx_softmax_block mlx_softmax_block_fn(int dtype) {
    return (*HERE(mlx_softmax_block_table))[dtype == MLX_F64];
}
mlx_scale_rows mlx_scale_rows_fn(int dtype) {
    return (*HERE(mlx_scale_rows_table))[dtype == MLX_F64];
}
mlx_units_fn mlx_lstm_units_fn(int dtype) { return (*HERE(mlx_units_table))[0][dtype == MLX_F64]; }
mlx_units_fn mlx_gru_units_fn(int dtype) { return (*HERE(mlx_units_table))[1][dtype == MLX_F64]; }
