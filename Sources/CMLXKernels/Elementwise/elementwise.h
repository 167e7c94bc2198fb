// The elementwise table of one level: functions from the rows, then the same rows as a table.
// NUMERICS: no fma anywhere except erfinv, which MLX defines with it; so all levels agree bit for
// bit, and where a level lacks the instruction libm's exact fmaf does it.
#include "math32.h"
#include "math64.h"
#include "scalar.h"

enum { BLOCK = 256 };

// The case of one element comes first: small arrays are all call overhead.
#define U(op, T, R, E) U1(op, T, R, E)
#define B(op, T, R, E) B1(op, T, R, E)
#define U1(op, T, R, E)                                                                   \
    TILE(op##_##T) {                                                                      \
        R *o = out_;                                                                      \
        const T *p = a_;                                                                  \
        if (n == 1) {                                                                     \
            T x = p[0];                                                                   \
            o[0] = (E);                                                                   \
            return;                                                                       \
        }                                                                                 \
        LOOP for (size_t i = 0; i < n; i++) {                                             \
            T x = p[i];                                                                   \
            o[i] = (E);                                                                   \
        }                                                                                 \
    }
#define B1(op, T, R, E)                                                                   \
    TILE(op##_##T) {                                                                      \
        R *o = out_;                                                                      \
        const T *p = a_, *q = b_;                                                         \
        if (n == 1) {                                                                     \
            T x = p[0], y = q[0];                                                         \
            o[0] = (E);                                                                   \
            return;                                                                       \
        }                                                                                 \
        LOOP for (size_t i = 0; i < n; i++) {                                             \
            T x = p[i], y = q[i];                                                         \
            o[i] = (E);                                                                   \
        }                                                                                 \
    }
// Fast form E in vector code, then FIX for the elements where RARE holds. Through a block of its
// own, because the output may overwrite the input that RARE still needs.
#define U_FIX(op, T, E, RARE, FIX)                                                        \
    TILE(op##_##T) {                                                                      \
        T block[BLOCK];                                                                   \
        for (size_t at = 0; at < n; at += BLOCK) {                                        \
            size_t m = n - at < BLOCK ? n - at : BLOCK;                                   \
            const T *p = (const T *)a_ + at;                                              \
            int rare = 0;                                                                 \
            LOOP for (size_t i = 0; i < m; i++) {                                         \
                T x = p[i];                                                               \
                block[i] = (E);                                                           \
                rare |= (RARE);                                                           \
            }                                                                             \
            for (size_t i = 0; rare && i < m; i++) {                                      \
                T x = p[i];                                                               \
                if (RARE) block[i] = (FIX);                                               \
            }                                                                             \
            memcpy((T *)out_ + at, block, m * sizeof(T));                                 \
        }                                                                                 \
    }
#define B_FIX(op, T, E, RARE, FIX)                                                        \
    TILE(op##_##T) {                                                                      \
        T block[BLOCK];                                                                   \
        for (size_t at = 0; at < n; at += BLOCK) {                                        \
            size_t m = n - at < BLOCK ? n - at : BLOCK;                                   \
            const T *p = (const T *)a_ + at, *q = (const T *)b_ + at;                     \
            int rare = 0;                                                                 \
            LOOP for (size_t i = 0; i < m; i++) {                                         \
                T x = p[i], y = q[i];                                                     \
                block[i] = (E);                                                           \
                rare |= (RARE);                                                           \
            }                                                                             \
            for (size_t i = 0; rare && i < m; i++) {                                      \
                T x = p[i], y = q[i];                                                     \
                if (RARE) block[i] = (FIX);                                               \
            }                                                                             \
            memcpy((T *)out_ + at, block, m * sizeof(T));                                 \
        }                                                                                 \
    }
#include "rows.h"
#undef U1
#undef B1
#undef U_FIX
#undef B_FIX

/// MLX's single-precision erfinv: log through libm and fma, so that random normals agree.
TILE(MLX_ERFINV_f32) {
    float t[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t m = n - at < BLOCK ? n - at : BLOCK;
        const float *p = (const float *)a_ + at;
        float *o = (float *)out_ + at;
        for (size_t i = 0; i < m; i++) t[i] = logf(__builtin_fmaf(p[i], -p[i], 1.0f));
        LOOP for (size_t i = 0; i < m; i++) {
            float w = t[i], l = 3.03697567e-10f, s = 5.43877832e-9f;
#define STEP(v, c) v = __builtin_fmaf(v, w, c)
            STEP(l, 2.93243101e-8f); STEP(l, 1.22150334e-6f); STEP(l, 2.84108955e-5f);
            STEP(l, 3.93552968e-4f); STEP(l, 3.02698812e-3f); STEP(l, 4.83185798e-3f);
            STEP(l, -2.64646143e-1f); STEP(l, 8.40016484e-1f);
            STEP(s, 1.43285448e-7f); STEP(s, 1.22774793e-6f); STEP(s, 1.12963626e-7f);
            STEP(s, -5.61530760e-5f); STEP(s, -1.47697632e-4f); STEP(s, 2.31468678e-3f);
            STEP(s, 1.15392581e-2f); STEP(s, -2.32015476e-1f); STEP(s, 8.86226892e-1f);
#undef STEP
            float x = p[i];
            float r = x * (fabsf(w) > 6.125f ? l : s);
            r = fabsf(x) == 1.0f ? x * INFINITY : r;
            o[i] = fabsf(x) <= 1.0f ? r : NAN;
        }
    }
}

#define BY_SIZE(bytes, T)                                                                 \
    TILE(copy##bytes) {                                                                   \
        if (out_ != a_) memcpy(out_, a_, n * bytes);                                      \
    }                                                                                     \
    TILE(select##bytes) {                                                                 \
        T *o = out_;                                                                      \
        const u8 *p = a_;                                                                 \
        const T *q = b_, *r = c_;                                                         \
        LOOP for (size_t i = 0; i < n; i++) {                                             \
            T x = q[i], y = r[i];                                                         \
            o[i] = p[i] ? x : y;                                                          \
        }                                                                                 \
    }
BY_SIZE(1, u8)
BY_SIZE(2, u16)
BY_SIZE(4, u32)
BY_SIZE(8, u64)

TILE(all_false) { memset(out_, 0, n); }
TILE(all_true) { memset(out_, 1, n); }

#define EXACT(op, s1, s2, s4, s8)                                                         \
    [op] = {[MLX_BOOL] = s1, [MLX_U8] = s1, [MLX_I8] = s1, [MLX_U16] = s2, [MLX_I16] = s2, \
            [MLX_U32] = s4, [MLX_I32] = s4, [MLX_U64] = s8, [MLX_I64] = s8}
#define COPIES(op) EXACT(op, copy1, copy2, copy4, copy8)

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides" // rows after the defaults below
const mlx_tile_fn LEVEL_NAME(mlx_elementwise_table)[MLX_ELEMENTWISE_COUNT][MLX_DTYPE_COUNT] = {
    COPIES(MLX_COPY), COPIES(MLX_FLOOR), COPIES(MLX_CEIL), COPIES(MLX_ROUND),
    COPIES(MLX_CONJUGATE), COPIES(MLX_REAL),
    EXACT(MLX_SELECT, select1, select2, select4, select8),
    EXACT(MLX_ISNAN, all_false, all_false, all_false, all_false),
    EXACT(MLX_ISINF, all_false, all_false, all_false, all_false),
    EXACT(MLX_ISFINITE, all_true, all_true, all_true, all_true),
    [MLX_COPY][MLX_F16] = copy2, [MLX_COPY][MLX_BF16] = copy2, [MLX_COPY][MLX_F32] = copy4,
    [MLX_COPY][MLX_F64] = copy8, [MLX_COPY][MLX_C64] = copy8,
    [MLX_SELECT][MLX_F16] = select2, [MLX_SELECT][MLX_BF16] = select2,
    [MLX_SELECT][MLX_F32] = select4, [MLX_SELECT][MLX_F64] = select8,
    [MLX_SELECT][MLX_C64] = select8,
    [MLX_ABS][MLX_BOOL] = copy1, [MLX_SIGN][MLX_BOOL] = copy1, [MLX_SQUARE][MLX_BOOL] = copy1,
    [MLX_CONJUGATE][MLX_F32] = copy4, [MLX_CONJUGATE][MLX_F64] = copy8,
    [MLX_REAL][MLX_F32] = copy4, [MLX_REAL][MLX_F64] = copy8,
    [MLX_ERFINV][MLX_F32] = MLX_ERFINV_f32,
#define U1(op, T, R, E) [op][CODE_##T] = op##_##T,
#define B1(op, T, R, E) [op][CODE_##T] = op##_##T,
#define U_FIX(op, T, E, RARE, FIX) [op][CODE_##T] = op##_##T,
#define B_FIX(op, T, E, RARE, FIX) [op][CODE_##T] = op##_##T,
#include "rows.h"
};
#pragma clang diagnostic pop
