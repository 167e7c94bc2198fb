// Every dtype to every dtype, and rounding in place to the half types.
// Out-of-range floats give the pattern x86 gives (the most negative integer, then wrapping), as an
// explicit selection: C leaves it undefined, and the levels would differ.
#include "../Levels/halves.h"

// Float to integer, truncating, through a signed intermediate that wraps into narrower types.
INLINE i32 to_i32(double x) {
    return x > -2147483649.0 && x < 2147483648.0 ? (i32)x : INT32_MIN;
}
INLINE i32 to_i32f(float x) {
    return x >= -2147483648.0f && x < 2147483648.0f ? (i32)x : INT32_MIN;
}
INLINE i64 to_i64(double x) {
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (i64)x : INT64_MIN;
}
INLINE u64 to_u64(double x) {
    return x >= 9223372036854775808.0
        ? (u64)to_i64(x - 9223372036854775808.0) ^ 0x8000000000000000ull : (u64)to_i64(x);
}

// A source's value V as each destination, by the kind of the source: I integer, F float, D double.
#define I_b8(v) ((v) != 0)
#define I_u8(v) (u8)(v)
#define I_u16(v) (u16)(v)
#define I_u32(v) (u32)(v)
#define I_u64(v) (u64)(v)
#define I_i8(v) (i8)(v)
#define I_i16(v) (i16)(v)
#define I_i32(v) (i32)(v)
#define I_i64(v) (i64)(v)
#define I_f16(v) narrow_f16((float)(v))
#define I_f32(v) (float)(v)
#define I_f64(v) (double)(v)
#define I_bf16(v) narrow_bf16((float)(v))
#define I_c64(v) ((c64){(float)(v), 0})
#define F_b8(v) ((v) != 0)
#define F_u8(v) (u8)to_i32f(v)
#define F_u16(v) (u16)to_i32f(v)
#define F_u32(v) (u32)to_i64(v)
#define F_u64(v) to_u64(v)
#define F_i8(v) (i8)to_i32f(v)
#define F_i16(v) (i16)to_i32f(v)
#define F_i32(v) to_i32f(v)
#define F_i64(v) to_i64(v)
#define F_f16(v) narrow_f16(v)
#define F_f32(v) (v)
#define F_f64(v) (double)(v)
#define F_bf16(v) narrow_bf16(v)
#define F_c64(v) ((c64){(v), 0})
#define D_b8(v) ((v) != 0)
#define D_u8(v) (u8)to_i32(v)
#define D_u16(v) (u16)to_i32(v)
#define D_u32(v) (u32)to_i64(v)
#define D_u64(v) to_u64(v)
#define D_i8(v) (i8)to_i32(v)
#define D_i16(v) (i16)to_i32(v)
#define D_i32(v) to_i32(v)
#define D_i64(v) to_i64(v)
#define D_f16(v) narrow_f16((float)(v))
#define D_f32(v) (float)(v)
#define D_f64(v) (v)
#define D_bf16(v) narrow_bf16((float)(v))
#define D_c64(v) ((c64){(float)(v), 0})

#define DESTINATIONS(X, S, ST, VT, K, LOAD)                                               \
    X(S, ST, VT, b8, b8, K##_b8, LOAD) X(S, ST, VT, u8, u8, K##_u8, LOAD)                 \
    X(S, ST, VT, u16, u16, K##_u16, LOAD) X(S, ST, VT, u32, u32, K##_u32, LOAD)           \
    X(S, ST, VT, u64, u64, K##_u64, LOAD) X(S, ST, VT, i8, i8, K##_i8, LOAD)              \
    X(S, ST, VT, i16, i16, K##_i16, LOAD) X(S, ST, VT, i32, i32, K##_i32, LOAD)           \
    X(S, ST, VT, i64, i64, K##_i64, LOAD) X(S, ST, VT, f16, u16, K##_f16, LOAD)           \
    X(S, ST, VT, f32, f32, K##_f32, LOAD) X(S, ST, VT, f64, f64, K##_f64, LOAD)           \
    X(S, ST, VT, bf16, u16, K##_bf16, LOAD) X(S, ST, VT, c64, c64, K##_c64, LOAD)
#define SOURCES(X)                                                                        \
    DESTINATIONS(X, b8, b8, b8, I, SAME) DESTINATIONS(X, u8, u8, u8, I, SAME)             \
    DESTINATIONS(X, u16, u16, u16, I, SAME) DESTINATIONS(X, u32, u32, u32, I, SAME)       \
    DESTINATIONS(X, u64, u64, u64, I, SAME) DESTINATIONS(X, i8, i8, i8, I, SAME)          \
    DESTINATIONS(X, i16, i16, i16, I, SAME) DESTINATIONS(X, i32, i32, i32, I, SAME)       \
    DESTINATIONS(X, i64, i64, i64, I, SAME) DESTINATIONS(X, f16, u16, f32, F, widen_f16)  \
    DESTINATIONS(X, f32, f32, f32, F, SAME) DESTINATIONS(X, f64, f64, f64, D, SAME)       \
    DESTINATIONS(X, bf16, u16, f32, F, widen_bf16)

#define CAST(S, ST, VT, D, DT, CONVERT, LOAD)                                             \
    TILE(cast_##S##_##D) {                                                                \
        const ST *p = a_;                                                                 \
        DT *o = out_;                                                                     \
        LOOP for (size_t i = 0; i < n; i++) {                                             \
            VT v = LOAD(p[i]);                                                            \
            o[i] = CONVERT(v);                                                            \
        }                                                                                 \
    }
SOURCES(CAST)
// Complex sources drop the imaginary part, except to bool.
#define CAST_COMPLEX(S, ST, VT, D, DT, CONVERT, LOAD)                                     \
    TILE(cast_##S##_##D) {                                                                \
        const c64 *p = a_;                                                                \
        DT *o = out_;                                                                     \
        LOOP for (size_t i = 0; i < n; i++) {                                             \
            VT v = p[i].re;                                                               \
            o[i] = CONVERT(v);                                                            \
        }                                                                                 \
    }
DESTINATIONS(CAST_COMPLEX, c64, c64, f32, F, SAME)
TILE(cast_truth_c64) {
    const c64 *p = a_;
    u8 *o = out_;
    LOOP for (size_t i = 0; i < n; i++) o[i] = (p[i].re != 0) | (p[i].im != 0);
}

TILE(round_f16) {
    const float *p = a_;
    float *o = out_;
    LOOP for (size_t i = 0; i < n; i++) o[i] = widen_f16(narrow_f16(p[i]));
}
TILE(round_bf16) {
    const float *p = a_;
    float *o = out_;
    LOOP for (size_t i = 0; i < n; i++) o[i] = widen_bf16(narrow_bf16(p[i]));
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides" // same-dtype casts are copies
#define CAST_ENTRY(S, ST, VT, D, DT, CONVERT, LOAD) [CODE_##S][CODE_##D] = cast_##S##_##D,
const mlx_tile_fn LEVEL_NAME(mlx_cast_table)[MLX_DTYPE_COUNT][MLX_DTYPE_COUNT] = {
    SOURCES(CAST_ENTRY)
    DESTINATIONS(CAST_ENTRY, c64, c64, f32, F, SAME)
    [MLX_C64][MLX_BOOL] = cast_truth_c64,
    [MLX_C64][MLX_C64] = copy8, [MLX_F16][MLX_F16] = copy2, [MLX_BF16][MLX_BF16] = copy2,
    [MLX_F32][MLX_F32] = copy4, [MLX_F64][MLX_F64] = copy8, [MLX_BOOL][MLX_BOOL] = copy1,
};
#pragma clang diagnostic pop
const mlx_tile_fn LEVEL_NAME(mlx_round_table)[2] = {round_f16, round_bf16};
