// Every elementwise function: its name, and a row for each dtype it takes. A row is (op, input
// dtype, result dtype, expression in x and y). Included once for the names, once with macros that
// define functions and once with macros that fill the table, so a row exists in both or in neither.
#ifdef MLX_LIST_NAMES
// The names, in the order of their numbers.
// Unary.
NAME(MLX_COPY)
NAME(MLX_NEGATIVE)
NAME(MLX_ABS)  // complex64 gives float32
NAME(MLX_SIGN)
NAME(MLX_SQUARE)
NAME(MLX_SQRT)
NAME(MLX_RSQRT)
NAME(MLX_RECIPROCAL)
NAME(MLX_EXP)
NAME(MLX_EXPM1)
NAME(MLX_LOG)
NAME(MLX_LOG2)
NAME(MLX_LOG10)
NAME(MLX_LOG1P)
NAME(MLX_SIN)
NAME(MLX_COS)
NAME(MLX_TAN)
NAME(MLX_ASIN)
NAME(MLX_ACOS)
NAME(MLX_ATAN)
NAME(MLX_SINH)
NAME(MLX_COSH)
NAME(MLX_TANH)
NAME(MLX_ASINH)
NAME(MLX_ACOSH)
NAME(MLX_ATANH)
NAME(MLX_SIGMOID)
NAME(MLX_ERF)
NAME(MLX_ERFINV)
NAME(MLX_FLOOR)
NAME(MLX_CEIL)
NAME(MLX_ROUND)  // half to even
NAME(MLX_CONJUGATE)
NAME(MLX_REAL)  // complex64 gives float32
NAME(MLX_IMAG)  // complex64 gives float32; zero otherwise
NAME(MLX_BITWISE_NOT)
// Unary, bool result.
NAME(MLX_LOGICAL_NOT)
NAME(MLX_ISNAN)
NAME(MLX_ISINF)
NAME(MLX_ISFINITE)
// Binary.
NAME(MLX_ADD)
NAME(MLX_SUBTRACT)
NAME(MLX_MULTIPLY)
NAME(MLX_DIVIDE)  // inexact dtypes only
NAME(MLX_FLOOR_DIVIDE)
NAME(MLX_REMAINDER)
NAME(MLX_POWER)
NAME(MLX_MAXIMUM)
NAME(MLX_MINIMUM)
NAME(MLX_LOGADDEXP)
NAME(MLX_ARCTAN2)
NAME(MLX_MULTIPLY_OR_ZERO)  // 0 where either is 0, whatever the other is
NAME(MLX_DIVIDE_OR_ZERO)  // inexact dtypes only; 0 where the first is 0
NAME(MLX_AND)
NAME(MLX_OR)
NAME(MLX_XOR)
NAME(MLX_SHL)
NAME(MLX_SHR)
// Binary, bool result.
NAME(MLX_EQUAL)
NAME(MLX_NOT_EQUAL)
NAME(MLX_LESS)
NAME(MLX_LESS_EQUAL)
NAME(MLX_GREATER)
NAME(MLX_GREATER_EQUAL)
NAME(MLX_LOGICAL_AND)
NAME(MLX_LOGICAL_OR)
// Ternary: a is bool, b and c have the dtype (any of the 14).
NAME(MLX_SELECT)
#else
#define COMPARISONS(T)                                                                    \
    B(MLX_EQUAL, T, b8, x == y)                                                           \
    B(MLX_NOT_EQUAL, T, b8, x != y)                                                       \
    B(MLX_LESS, T, b8, x < y)                                                             \
    B(MLX_LESS_EQUAL, T, b8, x <= y)                                                      \
    B(MLX_GREATER, T, b8, x > y)                                                          \
    B(MLX_GREATER_EQUAL, T, b8, x >= y)                                                   \
    B(MLX_LOGICAL_AND, T, b8, (x != 0) & (y != 0))                                        \
    B(MLX_LOGICAL_OR, T, b8, (x != 0) | (y != 0))

// bool: + is or, * is and, - is exclusive or.
U(MLX_IMAG, b8, b8, 0 * x)
U(MLX_BITWISE_NOT, b8, b8, x == 0)
U(MLX_LOGICAL_NOT, b8, b8, x == 0)
B(MLX_ADD, b8, b8, x | y)
B(MLX_SUBTRACT, b8, b8, x ^ y)
B(MLX_MULTIPLY, b8, b8, x & y)
B(MLX_MULTIPLY_OR_ZERO, b8, b8, x & y)
B(MLX_FLOOR_DIVIDE, b8, b8, x & y)
B(MLX_REMAINDER, b8, b8, x & (y ^ 1))
B(MLX_POWER, b8, b8, x | (y ^ 1))
B(MLX_MAXIMUM, b8, b8, x | y)
B(MLX_MINIMUM, b8, b8, x & y)
B(MLX_AND, b8, b8, x & y)
B(MLX_OR, b8, b8, x | y)
B(MLX_XOR, b8, b8, x ^ y)
COMPARISONS(b8)

#define FLOATS(T, F)                                                                      \
    U(MLX_NEGATIVE, T, T, -x)                                                             \
    U(MLX_ABS, T, T, fabs##F(x))                                                          \
    U(MLX_SIGN, T, T, (T)((x > 0) - (x < 0)))                                             \
    U(MLX_SQUARE, T, T, x * x)                                                            \
    U(MLX_SQRT, T, T, __builtin_elementwise_sqrt(x))                                      \
    U(MLX_RSQRT, T, T, 1 / __builtin_elementwise_sqrt(x))                                 \
    U(MLX_RECIPROCAL, T, T, 1 / x)                                                        \
    U(MLX_FLOOR, T, T, floor##F(x))                                                       \
    U(MLX_CEIL, T, T, ceil##F(x))                                                         \
    U(MLX_ROUND, T, T, rint##F(x))                                                        \
    U(MLX_IMAG, T, T, x * 0 == 0 ? 0 : 0)                                                 \
    U(MLX_LOGICAL_NOT, T, b8, x == 0)                                                     \
    U(MLX_ISNAN, T, b8, x != x)                                                           \
    U(MLX_ISINF, T, b8, fabs##F(x) == INFINITY)                                           \
    U(MLX_ISFINITE, T, b8, fabs##F(x) < INFINITY)                                         \
    B(MLX_ADD, T, T, x + y)                                                               \
    B(MLX_SUBTRACT, T, T, x - y)                                                          \
    B(MLX_MULTIPLY, T, T, x * y)                                                          \
    B(MLX_DIVIDE, T, T, x / y)                                                            \
    B(MLX_MULTIPLY_OR_ZERO, T, T, ((x == 0) | (y == 0)) ? 0 : x * y)                      \
    B(MLX_DIVIDE_OR_ZERO, T, T, x == 0 ? 0 : x / y)                                       \
    B(MLX_FLOOR_DIVIDE, T, T, floor##F(x / y))                                            \
    B(MLX_MAXIMUM, T, T, ((x != x) | (x > y)) ? x : y)                                      \
    B(MLX_MINIMUM, T, T, ((x != x) | (x < y)) ? x : y)                                      \
    COMPARISONS(T)
FLOATS(f32, f)
FLOATS(f64, )

U(MLX_EXP, f32, f32, exp_f32(x))
U(MLX_EXPM1, f32, f32, expm1_f32(x))
U(MLX_LOG, f32, f32, log_f32(x))
U(MLX_LOG2, f32, f32, log2_f32(x))
U(MLX_LOG10, f32, f32, log10_f32(x))
U(MLX_LOG1P, f32, f32, log1p_f32(x))
U_FIX(MLX_SIN, f32, sincos_f32(x, 0), !(fabsf(x) <= TRIG_BOUND), (float)sin((double)x))
U_FIX(MLX_COS, f32, sincos_f32(x, 1), !(fabsf(x) <= TRIG_BOUND), (float)cos((double)x))
U_FIX(MLX_TAN, f32, tan_f32(x), !(fabsf(x) <= TRIG_BOUND), (float)tan((double)x))
U(MLX_ASIN, f32, f32, asin_f32(x))
U(MLX_ACOS, f32, f32, acos_f32(x))
U(MLX_ATAN, f32, f32, atan_f32(x))
U(MLX_SINH, f32, f32, sinh_f32(x))
U(MLX_COSH, f32, f32, cosh_f32(x))
U(MLX_TANH, f32, f32, tanh_f32(x))
U(MLX_ASINH, f32, f32, asinh_f32(x))
U(MLX_ACOSH, f32, f32, acosh_f32(x))
U(MLX_ATANH, f32, f32, atanh_f32(x))
U(MLX_SIGMOID, f32, f32, sigmoid_f32(x))
U(MLX_ERF, f32, f32, erf_f32(x))
B_FIX(MLX_REMAINDER, f32, remainder_f32(x, y), remainder_is_rare(x, y), remainder_slow(x, y))
B_FIX(MLX_POWER, f32, pow_f32(x, y), pow_is_rare(x, y), powf(x, y))
B(MLX_LOGADDEXP, f32, f32, logaddexp_f32(x, y))
B(MLX_ARCTAN2, f32, f32, arctan2_f32(x, y))

// float64: full precision; through libm where no vector form is at hand.
U(MLX_EXP, f64, f64, exp_f64(x))
U(MLX_EXPM1, f64, f64, expm1(x))
U(MLX_LOG, f64, f64, log_f64(x))
U(MLX_LOG2, f64, f64, log2(x))
U(MLX_LOG10, f64, f64, log10(x))
U(MLX_LOG1P, f64, f64, log1p(x))
U_FIX(MLX_SIN, f64, sincos_f64(x, 0), !(fabs(x) <= TRIG_BOUND_F64), sin(x))
U_FIX(MLX_COS, f64, sincos_f64(x, 1), !(fabs(x) <= TRIG_BOUND_F64), cos(x))
U(MLX_TAN, f64, f64, tan(x))
U(MLX_ASIN, f64, f64, asin(x))
U(MLX_ACOS, f64, f64, acos(x))
U(MLX_ATAN, f64, f64, atan(x))
U(MLX_SINH, f64, f64, sinh(x))
U(MLX_COSH, f64, f64, cosh(x))
U(MLX_TANH, f64, f64, tanh(x))
U(MLX_ASINH, f64, f64, asinh(x))
U(MLX_ACOSH, f64, f64, acosh(x))
U(MLX_ATANH, f64, f64, atanh(x))
U(MLX_SIGMOID, f64, f64, sigmoid_f64(x))
U(MLX_ERF, f64, f64, erf(x))
U(MLX_ERFINV, f64, f64, erfinv_f64(x))
B(MLX_REMAINDER, f64, f64, remainder_f64(x, y))
B(MLX_POWER, f64, f64, pow(x, y))
B(MLX_LOGADDEXP, f64, f64, logaddexp_f64(x, y))
B(MLX_ARCTAN2, f64, f64, atan2(x, y))

// complex64: in float64, rounded once.
U(MLX_NEGATIVE, c64, c64, ((c64){-x.re, -x.im}))
U(MLX_ABS, c64, f32, abs_c64(x))
U(MLX_SIGN, c64, c64, sign_c64(x))
U(MLX_SQUARE, c64, c64, multiply_c64(x, x))
U(MLX_SQRT, c64, c64, narrow(csqrt(widen(x))))
U(MLX_RSQRT, c64, c64, divide_zd(1, csqrt(widen(x))))
U(MLX_RECIPROCAL, c64, c64, divide_zd(1, widen(x)))
U(MLX_EXP, c64, c64, narrow(cexp(widen(x))))
U(MLX_LOG, c64, c64, narrow(clog(widen(x))))
U(MLX_LOG2, c64, c64, scale_zd(clog(widen(x)), 1.44269504088896340736))
U(MLX_LOG10, c64, c64, scale_zd(clog(widen(x)), 0.43429448190325182765))
U(MLX_LOG1P, c64, c64, narrow(log1p_zd(widen(x))))
U(MLX_SIN, c64, c64, narrow(csin(widen(x))))
U(MLX_COS, c64, c64, narrow(ccos(widen(x))))
U(MLX_TAN, c64, c64, narrow(ctan(widen(x))))
U(MLX_ASIN, c64, c64, narrow(casin(widen(x))))
U(MLX_ACOS, c64, c64, narrow(cacos(widen(x))))
U(MLX_ATAN, c64, c64, narrow(catan(widen(x))))
U(MLX_SINH, c64, c64, narrow(csinh(widen(x))))
U(MLX_COSH, c64, c64, narrow(ccosh(widen(x))))
U(MLX_TANH, c64, c64, narrow(ctanh(widen(x))))
U(MLX_ASINH, c64, c64, narrow(casinh(widen(x))))
U(MLX_ACOSH, c64, c64, narrow(cacosh(widen(x))))
U(MLX_ATANH, c64, c64, narrow(catanh(widen(x))))
U(MLX_ROUND, c64, c64, ((c64){rintf(x.re), rintf(x.im)}))
U(MLX_CONJUGATE, c64, c64, ((c64){x.re, -x.im}))
U(MLX_REAL, c64, f32, x.re)
U(MLX_IMAG, c64, f32, x.im)
U(MLX_LOGICAL_NOT, c64, b8, (x.re == 0) & (x.im == 0))
U(MLX_ISNAN, c64, b8, (x.re != x.re) | (x.im != x.im))
U(MLX_ISINF, c64, b8, (fabsf(x.re) == INFINITY) | (fabsf(x.im) == INFINITY))
U(MLX_ISFINITE, c64, b8, (fabsf(x.re) < INFINITY) & (fabsf(x.im) < INFINITY))
B(MLX_ADD, c64, c64, ((c64){x.re + y.re, x.im + y.im}))
B(MLX_SUBTRACT, c64, c64, ((c64){x.re - y.re, x.im - y.im}))
B(MLX_MULTIPLY, c64, c64, multiply_c64(x, y))
B(MLX_DIVIDE, c64, c64, divide_zd(widen(x), widen(y)))
B(MLX_MULTIPLY_OR_ZERO, c64, c64,
    ((x.re == 0) & (x.im == 0)) | ((y.re == 0) & (y.im == 0)) ? ((c64){0, 0})
                                                              : multiply_c64(x, y))
B(MLX_DIVIDE_OR_ZERO, c64, c64,
    (x.re == 0) & (x.im == 0) ? ((c64){0, 0}) : divide_zd(widen(x), widen(y)))
B(MLX_POWER, c64, c64, power_c64(x, y))
B(MLX_MAXIMUM, c64, c64, is_nan_c64(x) || less_c64(y, x) ? x : y)
B(MLX_MINIMUM, c64, c64, is_nan_c64(x) || less_c64(x, y) ? x : y)
B(MLX_LOGADDEXP, c64, c64, logaddexp_c64(x, y))
B(MLX_EQUAL, c64, b8, (x.re == y.re) & (x.im == y.im))
B(MLX_NOT_EQUAL, c64, b8, (x.re != y.re) | (x.im != y.im))
B(MLX_LESS, c64, b8, less_c64(x, y))
B(MLX_LESS_EQUAL, c64, b8, less_c64(x, y) | ((x.re == y.re) & (x.im == y.im)))
B(MLX_GREATER, c64, b8, less_c64(y, x))
B(MLX_GREATER_EQUAL, c64, b8, less_c64(y, x) | ((x.re == y.re) & (x.im == y.im)))
B(MLX_LOGICAL_AND, c64, b8, ((x.re != 0) | (x.im != 0)) & ((y.re != 0) | (y.im != 0)))
B(MLX_LOGICAL_OR, c64, b8, (x.re != 0) | (x.im != 0) | (y.re != 0) | (y.im != 0))

// WRAP is the unsigned type that the arithmetic of T wraps in, SIGNED is 0 or 1.
#define INTEGERS(T, WRAP, SIGNED, SHIFT_MASK)                                             \
    U(MLX_NEGATIVE, T, T, (T)(0 - (WRAP)x))                                               \
    U(MLX_ABS, T, T, (T)(SIGNED && x < 0 ? (T)(0 - (WRAP)x) : x))                         \
    U(MLX_SIGN, T, T, (T)((x > 0) - (SIGNED && x < 0)))                                   \
    U(MLX_SQUARE, T, T, (T)((WRAP)x * (WRAP)x))                                           \
    U(MLX_IMAG, T, T, (T)(0 * x))                                                         \
    U(MLX_BITWISE_NOT, T, T, (T)~x)                                                       \
    U(MLX_LOGICAL_NOT, T, b8, x == 0)                                                     \
    B(MLX_ADD, T, T, (T)((WRAP)x + (WRAP)y))                                              \
    B(MLX_SUBTRACT, T, T, (T)((WRAP)x - (WRAP)y))                                         \
    B(MLX_MULTIPLY, T, T, (T)((WRAP)x * (WRAP)y))                                         \
    B(MLX_MULTIPLY_OR_ZERO, T, T, (T)((WRAP)x * (WRAP)y))                                 \
    B(MLX_FLOOR_DIVIDE, T, T, floor_divide_##T(x, y))                                     \
    B(MLX_REMAINDER, T, T, remainder_##T(x, y))                                           \
    B(MLX_POWER, T, T, power_##T(x, y))                                                   \
    B(MLX_MAXIMUM, T, T, x > y ? x : y)                                                   \
    B(MLX_MINIMUM, T, T, x < y ? x : y)                                                   \
    B(MLX_AND, T, T, (T)(x & y))                                                          \
    B(MLX_OR, T, T, (T)(x | y))                                                           \
    B(MLX_XOR, T, T, (T)(x ^ y))                                                          \
    B(MLX_SHL, T, T, (T)((WRAP)x << ((WRAP)y & SHIFT_MASK)))                              \
    B(MLX_SHR, T, T, (T)(x >> ((WRAP)y & SHIFT_MASK)))                                    \
    COMPARISONS(T)
INTEGERS(u8, u32, 0, 7)
INTEGERS(u16, u32, 0, 15)
INTEGERS(u32, u32, 0, 31)
INTEGERS(u64, u64, 0, 63)
INTEGERS(i8, u32, 1, 7)
INTEGERS(i16, u32, 1, 15)
INTEGERS(i32, u32, 1, 31)
INTEGERS(i64, u64, 1, 63)
#undef INTEGERS
#undef FLOATS
#undef COMPARISONS
#endif
