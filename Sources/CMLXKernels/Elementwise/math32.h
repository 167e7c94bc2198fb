// float32 functions without fma, so that every level computes the same bits. All are branch-free
// and vectorise. Polynomials are minimax fits (Remez exchange) to the function named.
// NUMERICS: direct float forms stay within 2 ULP; the rarer functions go through float64 forms
// with about 2^-45 relative error and round once, so they stay within 1 ULP.

INLINE float exp_f32(float x) {
    const float shift = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float t = x * 1.44269504089f + shift;
    i32 k = (i32)(bits32(t) - bits32(shift));
    float n = t - shift;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; // ln 2 in two parts, the first exact
    float q = 0.0013813163939f;
    q = q * r + 0.0083694187899f;
    q = q * r + 0.041668456451f;
    q = q * r + 0.16666514793f;
    q = q * r + 0.49999993052f;
    float p = 1.0f + (r + r * r * q);
    i32 half = k >> 1; // two factors, so that results below 2^-126 round once
    return p * float32((u32)(half + 127) << 23) * float32((u32)(k - half + 127) << 23);
}

/// a * b + c, rounded once where the level has an instruction for it.
INLINE float fused_f32(float a, float b, float c) {
#if defined(MLX_LEVEL_F16C)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/// exp of numbers that are not positive: what is left of a row after its maximum was taken away.
/// Below the normal numbers it is 0. Not an elementwise function of its own: its last bits are
/// the level's.
INLINE float exp_below_f32(float x) {
    const float shift = 12582912.0f;
    x = x < -88.0f ? -88.0f : x; // rounds to the exponent of zero
    float t = fused_f32(x, 1.44269504089f, shift);
    i32 k = (i32)(bits32(t) - bits32(shift));
    float n = t - shift;
    float r = fused_f32(n, 2.12194440e-4f, fused_f32(n, -0.693359375f, x));
    float q = 0.0013813163939f;
    q = fused_f32(q, r, 0.0083694187899f);
    q = fused_f32(q, r, 0.041668456451f);
    q = fused_f32(q, r, 0.16666514793f);
    q = fused_f32(q, r, 0.49999993052f);
    float p = 1.0f + fused_f32(r * r, q, r);
    return p * float32((u32)(k + 127) << 23);
}

INLINE float log_f32(float x) {
    bool tiny = x < 1.17549435e-38f;
    float y = tiny ? x * 8388608.0f : x;
    u32 b = bits32(y);
    i32 k = (i32)(b - 0x3f3504f3u) >> 23; // mantissa in [root(1/2), root(2))
    float f = float32(b - ((u32)k << 23)) - 1.0f;
    float n = (float)(tiny ? k - 23 : k);
    float p = 0.067473055245f;
    p = p * f - 0.11675864585f;
    p = p * f + 0.11887980918f;
    p = p * f - 0.12405542907f;
    p = p * f + 0.14219571061f;
    p = p * f - 0.16667998994f;
    p = p * f + 0.20002117823f;
    p = p * f - 0.25000009534f;
    p = p * f + 0.33333312617f;
    float z = f * f;
    float r = f * z * p - n * 2.12194440e-4f - 0.5f * z;
    r = (f + r) + n * 0.693359375f;
    r = x == INFINITY ? x : r;
    r = x == 0.0f ? -INFINITY : r;
    return x < 0.0f || x != x ? NAN : r;
}

/// Below this bound the two-part reduction of sin and cos is exact enough: k has 20 bits and the
/// first part of pi/2 has 33.
#define TRIG_BOUND 1048576.0f
#define PIO2_HIGH 1.57079632673412561417e+00
#define PIO2_LOW 6.07710050650619224932e-11

/// sin when `quarter` is 0, cos when it is 1.
INLINE float sincos_f32(float x, u32 quarter) {
    const double shift = 6755399441055744.0; // 1.5 * 2^52
    double d = x;
    double t = d * 0.63661977236758134308 + shift;
    double k = t - shift;
    u32 q = (u32)bits64(t) + quarter;
    float r = (float)((d - k * PIO2_HIGH) - k * PIO2_LOW);
    float z = r * r;
    float s = r + r * z * ((-0.00019516690206f * z + 0.008332173861f) * z - 0.1666665488f);
    float c = 1.0f - (0.5f * z -
        z * z * ((2.4437836482e-5f * z - 0.0013887362523f) * z + 0.041666646774f));
    float v = q & 1 ? c : s;
    return float32(bits32(v) ^ ((q & 2) << 30));
}

INLINE float tanh_f32(float x) {
    float a = fabsf(x), z = x * x;
    float p = -0.0057175121773f;
    p = p * z + 0.020651058934f;
    p = p * z - 0.053743665688f;
    p = p * z + 0.13331493718f;
    p = p * z - 0.33333284042f;
    float small = x + x * z * p;
    float large = 1.0f - 2.0f / (exp_f32(a + a) + 1.0f);
    large = float32(bits32(large) | (bits32(x) & 0x80000000u));
    return a < 0.625f ? small : large;
}

INLINE float sigmoid_f32(float x) {
    float y = 1.0f / (1.0f + exp_f32(fabsf(x)));
    return x < 0.0f ? y : 1.0f - y;
}

INLINE float erf_f32(float x) {
    float a = fabsf(x), z = x * x;
    float p = 7.8890612673e-5f;
    p = p * z - 0.00080208234261f;
    p = p * z + 0.0051895332829f;
    p = p * z - 0.026854443502f;
    p = p * z + 0.11283600151f;
    p = p * z - 0.37612627134f;
    p = p * z + 1.1283791659f;
    float m = a > 4.0f ? 4.0f : a; // erf(4) rounds to 1
    float q = 2.1697366042e-5f; // -log(erfc(m))
    q = q * m - 0.00044146951782f;
    q = q * m + 0.0042052681052f;
    q = q * m - 0.025210291532f;
    q = q * m + 0.10842201734f;
    q = q * m + 0.63321647942f;
    q = q * m + 1.1295802663f;
    q = q * m - 0.00018845740736f;
    float large = 1.0f - exp_f32(-q);
    large = float32(bits32(large) | (bits32(x) & 0x80000000u));
    return a < 1.0f ? x * p : x != x ? x : large;
}

// float64 forms for the rarer functions.

INLINE double exp_wide(double x) {
    const double shift = 6755399441055744.0;
    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    double t = x * 1.44269504088896340736 + shift;
    double n = t - shift;
    double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    double q = 2.6058829414666868024e-8;
    q = q * r + 2.7602914872093025222e-7;
    q = q * r + 2.7554846090725281233e-6;
    q = q * r + 2.4801561048992548951e-5;
    q = q * r + 1.9841271867819649513e-4;
    q = q * r + 1.3888888888958944909e-3;
    q = q * r + 8.333333332708231866e-3;
    q = q * r + 4.1666666666691894449e-2;
    q = q * r + 1.6666666666667233183e-1;
    q = q * r + 0.49999999999999971384;
    return (1.0 + (r + r * r * q)) * float64((bits64(t) + 1023) << 52);
}

/// exp(x) - 1 for float32 arguments.
INLINE double expm1_wide(double x) {
    double small = x * (1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24))));
    return fabs(x) < 1e-3 ? small : exp_wide(x) - 1.0;
}

/// log for positive normal float64 arguments; others give garbage that the callers replace.
INLINE double log_wide(double x) {
    u64 b = bits64(x);
    i64 k = (i64)(b - 0x3fe6a09e667f3bcdull) >> 52;
    double f = float64(b - ((u64)k << 52)) - 1.0;
    // Adding and subtracting 1.5 * 2^52 converts k without an int64 conversion instruction.
    double n = float64((u64)(k + 0x4338000000000000ll)) - 6755399441055744.0;
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
    return n * 6.93147180369123816490e-01 - ((h - low) - f);
}

/// log(1 + x) for float32 arguments > -1.
INLINE double log1p_wide(double x) {
    double small = x * (1.0 - x * (0.5 - x * (1.0 / 3 - x * 0.25)));
    return fabs(x) < 1e-3 ? small : log_wide(1.0 + x);
}

/// The logarithm's special arguments, around a value `v` for positive ones.
INLINE float log_edges(float x, double v) {
    float r = (float)v;
    r = x == INFINITY ? x : r;
    r = x == 0.0f ? -INFINITY : r;
    return x < 0.0f || x != x ? NAN : r;
}

INLINE float log2_f32(float x) {
    u64 b = bits64((double)x);
    i64 k = (i64)(b - 0x3fe6a09e667f3bcdull) >> 52;
    double m = float64(b - ((u64)k << 52));
    double n = float64((u64)(k + 0x4338000000000000ll)) - 6755399441055744.0;
    return log_edges(x, n + log_wide(m) * 1.44269504088896340736);
}

INLINE float log10_f32(float x) {
    return log_edges(x, log_wide(x) * 0.43429448190325182765);
}

INLINE float log1p_f32(float x) {
    float r = (float)log1p_wide(x);
    r = x == INFINITY || x == 0.0f ? x : r;
    r = x == -1.0f ? -INFINITY : r;
    return x < -1.0f || x != x ? NAN : r;
}

INLINE float expm1_f32(float x) {
    float r = (float)expm1_wide(x);
    return x == 0.0f || x != x ? x : r;
}

INLINE float sinh_f32(float x) {
    double d = x, a = fabs(d), z = d * d;
    double e = exp_wide(a);
    double large = 0.5 * (e - 1.0 / e);
    double small = a * (1.0 + z * (1.0 / 6 + z * (1.0 / 120)));
    float r = (float)(a < 0.02 ? small : large);
    return x != x ? x : float32(bits32(r) | (bits32(x) & 0x80000000u));
}

INLINE float cosh_f32(float x) {
    double e = exp_wide(fabs((double)x));
    return x != x ? x : (float)(0.5 * (e + 1.0 / e));
}

INLINE float tan_f32(float x) {
    const double shift = 6755399441055744.0;
    double d = x;
    double t = d * 0.63661977236758134308 + shift;
    double k = t - shift;
    double r = (d - k * PIO2_HIGH) - k * PIO2_LOW;
    double z = r * r;
    double s = 2.7557313664056104613e-6 - z * 2.5050753539207158671e-8;
    s = s * z - 1.9841269829731947206e-4;
    s = s * z + 8.3333333333223254326e-3;
    s = r + r * z * (s * z - 0.16666666666666631706);
    double c = 2.4801576944372605127e-5 - z * 2.7554455960901925813e-7;
    c = c * z - 1.3888888871509691104e-3;
    c = 1.0 - (0.5 * z - z * z * (c * z + 4.1666666666561233635e-2));
    bool odd = bits64(t) & 1;
    return (float)((odd ? -c : s) / (odd ? s : c));
}

/// atan2 for finite or infinite float32 arguments, NaN excluded.
INLINE double atan2_wide(double y, double x) {
    double ay = fabs(y), ax = fabs(x);
    bool swap = ay > ax;
    double num = swap ? ax : ay, den = swap ? ay : ax;
    double t = num / den;
    t = den == 0.0 ? 0.0 : t;
    t = num == INFINITY ? 1.0 : t;
    bool upper = t > 0.41421356237309504880; // tan(pi/8)
    double u = upper ? (t - 1.0) / (t + 1.0) : t;
    double z = u * u;
    double p = 0.050394496989370322313 - z * 0.025499980347598044753;
    p = p * z - 0.065109152363761514634;
    p = p * z + 0.07674437066961275056;
    p = p * z - 0.090896273123005598964;
    p = p * z + 0.11111055153873929128;
    p = p * z - 0.14285712898235475856;
    p = p * z + 0.19999999983109767299;
    p = p * z - 0.33333333333262646036;
    double v = u + u * z * p;
    v = upper ? v + 0.78539816339744830962 : v;
    v = swap ? 1.57079632679489661923 - v : v;
    v = bits64(x) >> 63 ? 3.14159265358979323846 - v : v;
    return float64(bits64(v) | (bits64(y) & 0x8000000000000000ull));
}

INLINE float arctan2_f32(float y, float x) {
    return x != x || y != y ? NAN : (float)atan2_wide(y, x);
}

INLINE float atan_f32(float x) { return x != x ? x : (float)atan2_wide(x, 1.0); }

INLINE float asin_f32(float x) {
    double d = x, a = fabs(d);
    float r = (float)atan2_wide(d, root((1.0 - a) * (1.0 + a)));
    return a <= 1.0 ? r : NAN;
}

INLINE float acos_f32(float x) {
    double d = x, a = fabs(d);
    float r = (float)atan2_wide(root((1.0 - a) * (1.0 + a)), d);
    return a <= 1.0 ? r : NAN;
}

INLINE float asinh_f32(float x) {
    double d = x, a = fabs(d), z = d * d;
    double large = log_wide(a + root(z + 1.0));
    double small = a * (1.0 - z * (1.0 / 6 - z * (3.0 / 40)));
    float r = a == INFINITY ? INFINITY : (float)(a < 0.02 ? small : large);
    return x != x ? x : float32(bits32(r) | (bits32(x) & 0x80000000u));
}

INLINE float acosh_f32(float x) {
    double d = x;
    float r = (float)log_wide(d + root((d - 1.0) * (d + 1.0)));
    r = x == INFINITY ? x : r;
    return x >= 1.0f ? r : NAN;
}

INLINE float atanh_f32(float x) {
    double a = fabs((double)x), z = a * a;
    double large = 0.5 * log_wide((1.0 + a) / (1.0 - a));
    double small = a * (1.0 + z * (1.0 / 3 + z * 0.2));
    float r = a == 1.0 ? INFINITY : (float)(a < 0.02 ? small : large);
    return a <= 1.0 ? float32(bits32(r) | (bits32(x) & 0x80000000u)) : NAN;
}

INLINE float logaddexp_f32(float x, float y) {
    float high = x > y ? x : y, low = x > y ? y : x;
    float r = (float)((double)high + log1p_wide(exp_wide((double)low - (double)high)));
    r = low == -INFINITY || high == INFINITY ? high : r;
    return x != x || y != y ? NAN : r;
}

/// power for 0 < x finite and y finite; the rest goes through libm.
INLINE float pow_f32(float x, float y) { return (float)exp_wide((double)y * log_wide(x)); }
INLINE bool pow_is_rare(float x, float y) {
    return !(x > 0.0f && x < INFINITY && fabsf(y) < INFINITY);
}

/// The remainder with the divisor's sign, exact while the quotient has at most 29 bits.
INLINE float remainder_f32(float x, float y) {
    double dx = x, dy = y;
    double r = dx - trunc(dx / dy) * dy;
    // The division may have rounded up to the next integer: r is then off by one divisor.
    r = r != 0.0 && (r < 0.0) != (dx < 0.0) ? r + copysign(dy, dx) : r;
    r = r == 0.0 ? copysign(0.0, dx) : r;
    return (float)(r != 0.0 && (r < 0.0) != (dy < 0.0) ? r + dy : r);
}
INLINE bool remainder_is_rare(float x, float y) {
    return !(fabs((double)x / (double)y) < 536870912.0) || fabsf(y) == INFINITY;
}
INLINE float remainder_slow(float x, float y) {
    float r = fmodf(x, y);
    return r != 0.0f && (r < 0.0f) != (y < 0.0f) ? r + y : r;
}
