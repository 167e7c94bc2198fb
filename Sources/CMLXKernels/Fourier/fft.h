// The FFT loops of one level: butterflies on vectors of the level and, for what is left over, on
// single floats. Included once per level; VECTOR_BYTES says how wide. A pass reads points m * s
// apart and writes them next to each other, so the order comes out right without a permutation
// (Stockham; see Van Loan, Computational Frameworks for the FFT, 1992).
#include "mlx_fft.h"

typedef float f1;
typedef float f1u;
typedef float vn __attribute__((ext_vector_type(VECTOR_BYTES / 4)));
typedef float vnu __attribute__((ext_vector_type(VECTOR_BYTES / 4), aligned(4)));

#define AT(T, p) (*(T##u *)(p))
#define CAT(T, p) (*(const T##u *)(p))
enum { FFT_LANES = VECTOR_BYTES / 4 };

/// y = (r + i j) * twiddle number `k`, or as it is in the last pass.
#define PUT(T, k, r, j)                                                                   \
    do {                                                                                  \
        T r_ = (r), j_ = (j);                                                             \
        if (w) {                                                                          \
            float wr = w[2 * (k) - 2], wi = w[2 * (k) - 1];                               \
            AT(T, yr + (k) * sy) = r_ * wr - j_ * wi;                                     \
            AT(T, yi + (k) * sy) = r_ * wi + j_ * wr;                                     \
        } else {                                                                          \
            AT(T, yr + (k) * sy) = r_;                                                    \
            AT(T, yi + (k) * sy) = j_;                                                    \
        }                                                                                 \
    } while (0)
#define PUT0(T, r, j)                                                                     \
    do {                                                                                  \
        AT(T, yr) = (r);                                                                  \
        AT(T, yi) = (j);                                                                  \
    } while (0)
#define GET(T, j) CAT(T, xr + (j) * sx), i##j = CAT(T, xi + (j) * sx)
#define POINTS                                                                            \
    const float *xr, const float *xi, float *yr, float *yi, size_t sx, size_t sy, const float *w

#define BUTTERFLIES(T)                                                                    \
    INLINE void fly2_##T(POINTS) {                                                        \
        T r0 = GET(T, 0), r1 = GET(T, 1);                                                 \
        PUT0(T, r0 + r1, i0 + i1);                                                        \
        PUT(T, 1, r0 - r1, i0 - i1);                                                      \
    }                                                                                     \
    INLINE void fly3_##T(POINTS) {                                                        \
        T r0 = GET(T, 0), r1 = GET(T, 1), r2 = GET(T, 2);                                 \
        const float c = -0.5f, s = 0.866025403784438646763723170752936183f;               \
        T pr = r1 + r2, pi = i1 + i2, dr = (r1 - r2) * s, di = (i1 - i2) * s;             \
        T tr = r0 + pr * c, ti = i0 + pi * c;                                             \
        PUT0(T, r0 + pr, i0 + pi);                                                        \
        PUT(T, 1, tr + di, ti - dr);                                                      \
        PUT(T, 2, tr - di, ti + dr);                                                      \
    }                                                                                     \
    INLINE void fly4_##T(POINTS) {                                                        \
        T r0 = GET(T, 0), r1 = GET(T, 1), r2 = GET(T, 2), r3 = GET(T, 3);                 \
        T ar = r0 + r2, ai = i0 + i2, br = r0 - r2, bi = i0 - i2;                         \
        T cr = r1 + r3, ci = i1 + i3, dr = r1 - r3, di = i1 - i3;                         \
        PUT0(T, ar + cr, ai + ci);                                                        \
        PUT(T, 1, br + di, bi - dr);                                                      \
        PUT(T, 2, ar - cr, ai - ci);                                                      \
        PUT(T, 3, br - di, bi + dr);                                                      \
    }                                                                                     \
    INLINE void fly5_##T(POINTS) {                                                        \
        T r0 = GET(T, 0), r1 = GET(T, 1), r2 = GET(T, 2), r3 = GET(T, 3), r4 = GET(T, 4); \
        const float c1 = 0.309016994374947424102293417182819059f;                         \
        const float c2 = -0.809016994374947424102293417182819059f;                        \
        const float s1 = 0.951056516295153572116439333379382143f;                         \
        const float s2 = 0.587785252292473129168705954639072769f;                         \
        T ar = r1 + r4, ai = i1 + i4, br = r1 - r4, bi = i1 - i4;                         \
        T cr = r2 + r3, ci = i2 + i3, dr = r2 - r3, di = i2 - i3;                         \
        T pr = r0 + ar * c1 + cr * c2, pi = i0 + ai * c1 + ci * c2;                       \
        T qr = r0 + ar * c2 + cr * c1, qi = i0 + ai * c2 + ci * c1;                       \
        T er = br * s1 + dr * s2, ei = bi * s1 + di * s2;                                 \
        T fr = br * s2 - dr * s1, fi = bi * s2 - di * s1;                                 \
        PUT0(T, r0 + ar + cr, i0 + ai + ci);                                              \
        PUT(T, 1, pr + ei, pi - er);                                                      \
        PUT(T, 2, qr + fi, qi - fr);                                                      \
        PUT(T, 3, qr - fi, qi + fr);                                                      \
        PUT(T, 4, pr - ei, pi + er);                                                      \
    }                                                                                     \
    INLINE void fly8_##T(POINTS) {                                                        \
        T r0 = GET(T, 0), r1 = GET(T, 1), r2 = GET(T, 2), r3 = GET(T, 3);                 \
        T r4 = GET(T, 4), r5 = GET(T, 5), r6 = GET(T, 6), r7 = GET(T, 7);                 \
        const float h = 0.707106781186547524400844362104849039f;                          \
        T ar = r0 + r4, ai = i0 + i4, br = r0 - r4, bi = i0 - i4;                         \
        T cr = r2 + r6, ci = i2 + i6, dr = r2 - r6, di = i2 - i6;                         \
        T er = r1 + r5, ei = i1 + i5, fr = r1 - r5, fi = i1 - i5;                         \
        T gr = r3 + r7, gi = i3 + i7, kr = r3 - r7, ki = i3 - i7;                         \
        T e0r = ar + cr, e0i = ai + ci, e2r = ar - cr, e2i = ai - ci;                     \
        T e1r = br + di, e1i = bi - dr, e3r = br - di, e3i = bi + dr;                     \
        T o0r = er + gr, o0i = ei + gi, o2r = ei - gi, o2i = gr - er;                     \
        T ur = fr + ki, ui = fi - kr, vr = fr - ki, vi = fi + kr;                         \
        T o1r = (ur + ui) * h, o1i = (ui - ur) * h;                                       \
        T o3r = (vi - vr) * h, o3i = (-vr - vi) * h;                                      \
        PUT0(T, e0r + o0r, e0i + o0i);                                                    \
        PUT(T, 1, e1r + o1r, e1i + o1i);                                                  \
        PUT(T, 2, e2r + o2r, e2i + o2i);                                                  \
        PUT(T, 3, e3r + o3r, e3i + o3i);                                                  \
        PUT(T, 4, e0r - o0r, e0i - o0i);                                                  \
        PUT(T, 5, e1r - o1r, e1i - o1i);                                                  \
        PUT(T, 6, e2r - o2r, e2i - o2i);                                                  \
        PUT(T, 7, e3r - o3r, e3i - o3i);                                                  \
    }                                                                                     \
    /* Any odd radix, by the definition with the symmetry of the cosines used. */         \
    static void fly_odd_##T(POINTS, size_t radix, const float *roots) {                   \
        enum { HALF = MLX_FFT_LARGEST_RADIX / 2 };                                        \
        T pr[HALF], pi[HALF], dr[HALF], di[HALF];                                         \
        T r0 = GET(T, 0), sr = r0, si = i0;                                               \
        size_t half = radix / 2;                                                          \
        for (size_t j = 0; j < half; j++) {                                               \
            T ar = CAT(T, xr + (j + 1) * sx), ai = CAT(T, xi + (j + 1) * sx);             \
            T br = CAT(T, xr + (radix - 1 - j) * sx), bi = CAT(T, xi + (radix - 1 - j) * sx); \
            pr[j] = ar + br, pi[j] = ai + bi, dr[j] = ar - br, di[j] = ai - bi;           \
            sr += pr[j], si += pi[j];                                                     \
        }                                                                                 \
        PUT0(T, sr, si);                                                                  \
        for (size_t k = 1; k <= half; k++) {                                              \
            T cr = r0, ci = i0, er = r0 - r0, ei = er;                                    \
            for (size_t j = 0, at = 0; j < half; j++) {                                   \
                at += k;                                                                  \
                if (at >= radix) at -= radix;                                             \
                float c = roots[2 * at], s = roots[2 * at + 1];                           \
                cr += pr[j] * c, ci += pi[j] * c, er += dr[j] * s, ei += di[j] * s;       \
            }                                                                             \
            PUT(T, k, cr + ei, ci - er);                                                  \
            PUT(T, radix - k, cr - ei, ci + er);                                          \
        }                                                                                 \
    }
BUTTERFLIES(f1)
BUTTERFLIES(vn)

#define PASS(name, radix, vector, single)                                                 \
    static void name(const mlx_fft_pass *pass, size_t s, const float *xr, const float *xi, \
                     float *yr, float *yi) {                                              \
        size_t m = pass->m, r = (size_t)(radix), sx = m * s;                              \
        for (size_t p = 0; p < m; p++) {                                                  \
            const float *w = pass->twiddles ? pass->twiddles + 2 * p * (r - 1) : NULL;    \
            const float *ar = xr + p * s, *ai = xi + p * s;                               \
            float *br = yr + p * s * r, *bi = yi + p * s * r;                             \
            size_t q = 0;                                                                 \
            if (w) {                                                                      \
                for (; q + FFT_LANES <= s; q += FFT_LANES) vector(w);                     \
                for (; q < s; q++) single(w);                                             \
            } else {                                                                      \
                for (; q + FFT_LANES <= s; q += FFT_LANES) vector((const float *)NULL);   \
                for (; q < s; q++) single((const float *)NULL);                           \
            }                                                                             \
        }                                                                                 \
    }
#define FIXED(k)                                                                          \
    PASS(pass##k, k, VECTOR##k, SINGLE##k)
#define VECTOR2(w) fly2_vn(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define SINGLE2(w) fly2_f1(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define VECTOR3(w) fly3_vn(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define SINGLE3(w) fly3_f1(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define VECTOR4(w) fly4_vn(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define SINGLE4(w) fly4_f1(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define VECTOR5(w) fly5_vn(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define SINGLE5(w) fly5_f1(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define VECTOR8(w) fly8_vn(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define SINGLE8(w) fly8_f1(ar + q, ai + q, br + q, bi + q, sx, s, w)
#define VECTOR_ODD(w) fly_odd_vn(ar + q, ai + q, br + q, bi + q, sx, s, w, r, pass->roots)
#define SINGLE_ODD(w) fly_odd_f1(ar + q, ai + q, br + q, bi + q, sx, s, w, r, pass->roots)
FIXED(2)
FIXED(3)
FIXED(4)
FIXED(5)
FIXED(8)
PASS(pass_odd, pass->radix, VECTOR_ODD, SINGLE_ODD)

bool LEVEL_NAME(mlx_fft_run)(const mlx_fft_pass *passes, size_t pass_count, size_t s,
                             float *are, float *aim, float *bre, float *bim) {
    bool flipped = false;
    for (size_t i = 0; i < pass_count; i++) {
        const mlx_fft_pass *pass = &passes[i];
        const float *xr = flipped ? bre : are, *xi = flipped ? bim : aim;
        float *yr = flipped ? are : bre, *yi = flipped ? aim : bim;
        switch (pass->radix) {
        case 2: pass2(pass, s, xr, xi, yr, yi); break;
        case 3: pass3(pass, s, xr, xi, yr, yi); break;
        case 4: pass4(pass, s, xr, xi, yr, yi); break;
        case 5: pass5(pass, s, xr, xi, yr, yi); break;
        case 8: pass8(pass, s, xr, xi, yr, yi); break;
        default: pass_odd(pass, s, xr, xi, yr, yi);
        }
        s *= (size_t)pass->radix;
        flipped = !flipped;
    }
    return flipped;
}
