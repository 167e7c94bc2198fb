// Scalar pieces behind the rows that do not vectorise: integer division and powers, float64 and
// complex64 forms.

#define INTEGER_SCALARS(T, UT, SIGNED)                                                    \
    INLINE T floor_divide_##T(T x, T y) {                                                 \
        if (y == 0) return 0;                                                             \
        if (SIGNED && y == (T)-1) return (T)(0 - (UT)x);                                  \
        T q = (T)(x / y);                                                                 \
        return SIGNED && x % y != 0 && (x < 0) != (y < 0) ? (T)(q - 1) : q;               \
    }                                                                                     \
    INLINE T remainder_##T(T x, T y) {                                                    \
        if (y == 0) return x;                                                             \
        if (SIGNED && y == (T)-1) return 0;                                               \
        T r = (T)(x % y);                                                                 \
        return SIGNED && r != 0 && (r < 0) != (y < 0) ? (T)(r + y) : r;                   \
    }                                                                                     \
    INLINE T power_##T(T x, T y) {                                                        \
        if (SIGNED && y < 0) return 0;                                                    \
        UT result = 1, factor = (UT)x;                                                    \
        for (UT e = (UT)y; e; e >>= 1) {                                                  \
            if (e & 1) result *= factor;                                                  \
            factor *= factor;                                                             \
        }                                                                                 \
        return (T)result;                                                                 \
    }
INTEGER_SCALARS(u8, u32, 0)
INTEGER_SCALARS(u16, u32, 0)
INTEGER_SCALARS(u32, u32, 0)
INTEGER_SCALARS(u64, u64, 0)
INTEGER_SCALARS(i8, u32, 1)
INTEGER_SCALARS(i16, u32, 1)
INTEGER_SCALARS(i32, u32, 1)
INTEGER_SCALARS(i64, u64, 1)

INLINE double remainder_f64(double x, double y) {
    double r = fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

INLINE double logaddexp_f64(double x, double y) {
    if (x != x || y != y) return NAN;
    double high = x > y ? x : y, low = x > y ? y : x;
    if (low == -INFINITY || high == INFINITY) return high;
    return high + log1p(exp(low - high));
}

/// Winitzki's closed form as a start, then Halley steps on erf (on erfc in the tails).
INLINE double erfinv_f64(double x) {
    double a = fabs(x);
    if (!(a < 1)) return a == 1 ? copysign(INFINITY, x) : NAN;
    double w = -log1p(-a * a), l = 2 / (3.14159265358979323846 * 0.147) - 0.5 * w;
    double y = sqrt(sqrt(l * l + w / 0.147) - l);
    for (int i = 0; i < 3; i++) {
        double e = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y);
        double step = e / (1.12837916709551257390 * exp(-y * y));
        y -= step / (1 + y * step);
    }
    return a < 1e-12 ? x * 0.88622692545275801365 : copysign(y, x);
}

INLINE zd widen(c64 x) {
    zd z;
    __real__ z = x.re;
    __imag__ z = x.im;
    return z;
}
INLINE c64 narrow(zd z) { return (c64){(float)creal(z), (float)cimag(z)}; }
INLINE c64 scale_zd(zd z, double s) {
    return (c64){(float)(creal(z) * s), (float)(cimag(z) * s)};
}
INLINE c64 multiply_c64(c64 x, c64 y) {
    return (c64){x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}
/// Quotients that come out as NaN in both parts: by zero, by infinity, of infinity. C's annex G:
/// what is not zero by zero is infinite, what is finite by infinity is zero.
INLINE c64 divide_unusual(double a, double b, double c, double d) {
    bool finite_x = isfinite(a) && isfinite(b), finite_y = isfinite(c) && isfinite(d);
    double factor = INFINITY;
    if (c == 0 && d == 0) {
        double infinity = copysign(INFINITY, c);
        return (c64){(float)(infinity * a), (float)(infinity * b)};
    }
    if ((isinf(a) || isinf(b)) && finite_y) {
        a = copysign(isinf(a), a), b = copysign(isinf(b), b);
    } else if ((isinf(c) || isinf(d)) && finite_x) {
        c = copysign(isinf(c), c), d = copysign(isinf(d), d), factor = 0;
    } else {
        return (c64){NAN, NAN};
    }
    return (c64){(float)(factor * (a * c + b * d)), (float)(factor * (b * c - a * d))};
}
INLINE c64 divide_zd(zd x, zd y) {
    // float32 parts squared cannot leave float64's range, so no scaling is needed.
    double a = creal(x), b = cimag(x), c = creal(y), d = cimag(y), s = c * c + d * d;
    double re = (a * c + b * d) / s, im = (b * c - a * d) / s;
    if (re != re && im != im) return divide_unusual(a, b, c, d);
    return (c64){(float)re, (float)im};
}
INLINE float abs_c64(c64 x) {
    if (fabsf(x.re) == INFINITY || fabsf(x.im) == INFINITY) return INFINITY;
    return (float)root((double)x.re * x.re + (double)x.im * x.im);
}
INLINE zd shifted_zd(c64 x, double shift) {
    zd z = widen(x);
    __real__ z -= shift;
    return z;
}
/// ln z + shift
INLINE zd log_zd(zd z, double shift) {
    z = clog(z);
    __real__ z += shift;
    return z;
}
INLINE zd log1p_zd(zd z) {
    // |1 + z|² - 1 without cancellation near 0.
    double a = creal(z), b = cimag(z), excess = a * (2 + a) + b * b;
    if (!(fabs(excess) < 0.5)) return clog(1 + z);
    zd result;
    __real__ result = 0.5 * log1p(excess);
    __imag__ result = atan2(b, 1 + a);
    return result;
}
INLINE c64 sign_c64(c64 x) {
    double m = root((double)x.re * x.re + (double)x.im * x.im);
    return m == 0 ? (c64){0, 0} : (c64){(float)(x.re / m), (float)(x.im / m)};
}
INLINE bool is_nan_c64(c64 x) { return x.re != x.re || x.im != x.im; }
INLINE bool less_c64(c64 x, c64 y) { return (x.re < y.re) | ((x.re == y.re) & (x.im < y.im)); }
INLINE c64 power_c64(c64 x, c64 y) {
    if (y.re == 0 && y.im == 0) return (c64){1, 0};
    if (x.re == 0 && x.im == 0) {
        return y.re > 0 ? (c64){0, 0} : y.re < 0 ? (c64){INFINITY, NAN} : (c64){NAN, NAN};
    }
    return narrow(cpow(widen(x), widen(y)));
}
INLINE c64 logaddexp_c64(c64 x, c64 y) {
    if (is_nan_c64(x) || is_nan_c64(y)) return (c64){NAN, NAN};
    c64 high = less_c64(y, x) ? x : y, low = less_c64(y, x) ? y : x;
    if (low.re == -INFINITY || high.re == INFINITY) return high;
    zd sum = cexp(shifted_zd(high, high.re)) + cexp(shifted_zd(low, high.re));
    return narrow(log_zd(sum, high.re));
}
