// float64 functions without fma and without branches, for the few that matter; the rest go
// through libm. NUMERICS: exp and log within 1 ULP, sin and cos within 2; most polynomials are
// Taylor series, whose tail vanishes on intervals this short.

INLINE double exp_f64(double x) {
    const double shift = 6755399441055744.0; // 1.5 * 2^52
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double t = x * 1.44269504088896340736 + shift;
    double n = t - shift;
    // ln 2 in two parts, the first with 32 bits, so that its product with n is exact.
    double high = x - n * 6.93147180369123816490e-01;
    double low = n * 1.90821492927058770002e-10;
    double r = high - low;
    double q = 1.0 / 6227020800;
    q = q * r + 1.0 / 479001600;
    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 0.5;
    double y = 1.0 + (high + (r * r * q - low));
    // Two factors, so that results below 2^-1022 round once. The low bits of t hold n.
    i64 k = (i64)(i32)(u32)bits64(t), half = (i64)((i32)(u32)bits64(t) >> 1);
    return y * float64((u64)(half + 1023) << 52) * float64((u64)(k - half + 1023) << 52);
}

INLINE double log_f64(double x) {
    bool tiny = x < 2.2250738585072014e-308;
    double scaled = tiny ? x * 18014398509481984.0 : x;
    u64 b = bits64(scaled);
    u64 k = (b - 0x3fe6a09e667f3bcdull) & 0xfff0000000000000ull;
    double f = float64(b - k) - 1.0;
    // The exponent, sign included, through the top of a float64: no int64 conversion is needed.
    double n = float64(((k >> 52) ^ 0x800) + 0x4330000000000000ull) - 4503599627372544.0;
    n = tiny ? n - 54.0 : n;
    double s = f / (2.0 + f), z = s * s;
    double p = 0.14791944039744475996;
    p = p * z + 0.15314479134313398772;
    p = p * z + 0.18183546180706956083;
    p = p * z + 0.22222198957567990121;
    p = p * z + 0.28571428738164888284;
    p = p * z + 0.39999999999436900773;
    p = p * z + 0.66666666666667302167;
    double h = 0.5 * f * f;
    double low = s * (h + z * p) + n * 1.90821492927058770002e-10;
    double r = n * 6.93147180369123816490e-01 - ((h - low) - f);
    r = x == INFINITY ? x : r;
    r = x == 0.0 ? -INFINITY : r;
    return x < 0.0 || x != x ? NAN : r;
}

/// Below this bound k has 20 bits and pi/2 in parts of 33, 33 and 53 bits reduces exactly enough.
#define TRIG_BOUND_F64 1048576.0

/// sin when `quarter` is 0, cos when it is 1.
INLINE double sincos_f64(double x, u64 quarter) {
    const double shift = 6755399441055744.0;
    double t = x * 0.63661977236758134308 + shift;
    double k = t - shift;
    u64 q = bits64(t) + quarter;
    double a = x - k * 1.57079632673412561417e+00;
    double w = k * 6.07710050630396597660e-11;
    double y = a - w;
    double rest = ((a - y) - w) - k * 2.02226624879595063154e-21;
    double z = y * y;
    double s = 1.0 / 355687428096000;
    s = s * z - 1.0 / 1307674368000;
    s = s * z + 1.0 / 6227020800;
    s = s * z - 1.0 / 39916800;
    s = s * z + 1.0 / 362880;
    s = s * z - 1.0 / 5040;
    s = s * z + 1.0 / 120;
    s = s * z - 1.0 / 6;
    s = y + (y * z * s + rest * (1.0 - 0.5 * z));
    double c = 1.0 / 20922789888000;
    c = c * z - 1.0 / 87178291200;
    c = c * z + 1.0 / 479001600;
    c = c * z - 1.0 / 3628800;
    c = c * z + 1.0 / 40320;
    c = c * z - 1.0 / 720;
    c = c * z + 1.0 / 24;
    double half = 0.5 * z, near = 1.0 - half;
    c = near + (((1.0 - near) - half) + (z * z * c - y * rest));
    double v = q & 1 ? c : s;
    return float64(bits64(v) ^ ((q & 2) << 62));
}

INLINE double sigmoid_f64(double x) {
    double y = 1 / (1 + exp_f64(fabs(x)));
    return x < 0 ? y : 1 - y;
}
