// What surrounds the passes of an FFT at one level: reading lines into blocks and writing them
// back, twiddles between the two halves of a long transform, and the step from complex to real
// transforms. Included after fft.h.

typedef u64 u64x8 __attribute__((ext_vector_type(8)));
typedef u64 u64x8u __attribute__((ext_vector_type(8), aligned(4)));
typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef float f32x16u __attribute__((ext_vector_type(16), aligned(4)));

#define LOW(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
/// Transposes eight rows of eight.
INLINE void transpose8(u64x8 a[8]) {
    u64x8 b[8];
    for (int i = 0; i < 8; i += 2) {
        b[i] = LOW(a[i], a[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[i + 1] = LOW(a[i], a[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    u64x8 c[8];
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            c[i + j] = LOW(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            c[i + j + 2] = LOW(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int j = 0; j < 4; j++) {
        a[j] = LOW(c[j], c[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        a[j + 4] = LOW(c[j], c[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#define EVEN(a, b) LOW(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODD(a, b) LOW(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define FIRST(a, b) LOW(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND(a, b) LOW(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/// True when real and imaginary parts are neighbours, so that eight elements are one vector.
INLINE bool interleaved(const mlx_fft_layout *x) {
    return x->im == x->re + 1 && x->re_count == x->im_count;
}

/// Sixteen lines of contiguous complex numbers, eight elements at a time.
static size_t load_rows(float *re, float *im, const mlx_fft_layout *from, size_t count) {
    size_t j = 0;
    for (; j + 8 <= count; j += 8) {
        u64x8 a[8], b[8];
        for (int w = 0; w < 8; w++) {
            a[w] = *(const u64x8u *)(from->re + w * from->line + 2 * j);
            b[w] = *(const u64x8u *)(from->re + (w + 8) * from->line + 2 * j);
        }
        transpose8(a);
        transpose8(b);
        for (int i = 0; i < 8; i++) {
            f32x16 x = (f32x16)a[i], y = (f32x16)b[i];
            *(f32x16u *)(re + (j + i) * 16) = EVEN(x, y);
            *(f32x16u *)(im + (j + i) * 16) = ODD(x, y);
        }
    }
    return j;
}

static size_t store_rows(const mlx_fft_layout *to, const float *re, const float *im,
                         size_t count, float scale) {
    size_t j = 0;
    for (; j + 8 <= count; j += 8) {
        u64x8 a[8], b[8];
        for (int i = 0; i < 8; i++) {
            f32x16 x = *(const f32x16u *)(re + (j + i) * 16) * scale;
            f32x16 y = *(const f32x16u *)(im + (j + i) * 16) * scale;
            a[i] = (u64x8)FIRST(x, y);
            b[i] = (u64x8)SECOND(x, y);
        }
        transpose8(a);
        transpose8(b);
        for (int w = 0; w < 8; w++) {
            *(u64x8u *)(to->re + w * to->line + 2 * j) = a[w];
            *(u64x8u *)(to->re + (w + 8) * to->line + 2 * j) = b[w];
        }
    }
    return j;
}

static void load_plane(float *plane, size_t s, size_t first, size_t n, const float *from,
                       ptrdiff_t line, ptrdiff_t element, size_t count) {
    size_t end = from ? (count < n ? count : n) : 0;
    for (size_t j = first; j < end; j++) {
        const float *x = from + (ptrdiff_t)j * element;
        if (line == 1) memcpy(plane + j * s, x, s * sizeof(float));
        else for (size_t w = 0; w < s; w++) plane[j * s + w] = x[(ptrdiff_t)w * line];
    }
    if (end < first) end = first;
    memset(plane + end * s, 0, (n - end) * s * sizeof(float));
}

void LEVEL_NAME(mlx_fft_load)(float *re, float *im, size_t s, size_t n,
                              const mlx_fft_layout *from) {
    size_t first = 0, count = from->re_count < n ? from->re_count : n;
    if (interleaved(from) && from->line == 2) {
        // Neighbouring lines: each row is contiguous.
        for (; first < count; first++) {
            const float *x = from->re + (ptrdiff_t)first * from->element;
            float *r = re + first * s, *i = im + first * s;
            LOOP for (size_t w = 0; w < s; w++) {
                r[w] = x[2 * w];
                i[w] = x[2 * w + 1];
            }
        }
    } else if (interleaved(from) && from->element == 2 && s == 16) {
        first = load_rows(re, im, from, count);
    } else if (interleaved(from) && from->element == 2 && s == 1) {
        LOOP for (size_t j = 0; j < count; j++) {
            re[j] = from->re[2 * j];
            im[j] = from->re[2 * j + 1];
        }
        first = count;
    }
    load_plane(re, s, first, n, from->re, from->line, from->element, from->re_count);
    load_plane(im, s, first, n, from->im, from->line, from->element, from->im_count);
}

static void store_plane(float *to, ptrdiff_t line, ptrdiff_t element, size_t count,
                        const float *plane, size_t s, size_t first, size_t n, float scale) {
    if (!to) return;
    for (size_t j = first; j < n && j < count; j++) {
        float *y = to + (ptrdiff_t)j * element;
        const float *x = plane + j * s;
        if (line == 1) {
            LOOP for (size_t w = 0; w < s; w++) y[w] = x[w] * scale;
        } else {
            for (size_t w = 0; w < s; w++) y[(ptrdiff_t)w * line] = x[w] * scale;
        }
    }
}

void LEVEL_NAME(mlx_fft_store)(const mlx_fft_layout *to, const float *re, const float *im,
                               size_t s, size_t n, float scale) {
    size_t first = 0, count = to->re_count < n ? to->re_count : n;
    if (interleaved(to) && to->line == 2) {
        for (; first < count; first++) {
            float *y = to->re + (ptrdiff_t)first * to->element;
            const float *r = re + first * s, *i = im + first * s;
            LOOP for (size_t w = 0; w < s; w++) {
                y[2 * w] = r[w] * scale;
                y[2 * w + 1] = i[w] * scale;
            }
        }
    } else if (interleaved(to) && to->element == 2 && s == 16) {
        first = store_rows(to, re, im, count, scale);
    } else if (interleaved(to) && to->element == 2 && s == 1) {
        LOOP for (size_t j = 0; j < count; j++) {
            to->re[2 * j] = re[j] * scale;
            to->re[2 * j + 1] = im[j] * scale;
        }
        first = count;
    }
    store_plane(to->re, to->line, to->element, to->re_count, re, s, first, n, scale);
    store_plane(to->im, to->line, to->element, to->im_count, im, s, first, n, scale);
}

void LEVEL_NAME(mlx_fft_multiply)(float *re, float *im, size_t s, size_t n, const float *w,
                                  bool conjugate) {
    float sign = conjugate ? -1 : 1;
    if (s == 1) {
        LOOP for (size_t j = 0; j < n; j++) {
            float c = w[2 * j], d = w[2 * j + 1] * sign, r = re[j], i = im[j];
            re[j] = r * c - i * d;
            im[j] = r * d + i * c;
        }
        return;
    }
    for (size_t j = 0; j < n; j++) {
        float c = w[2 * j], d = w[2 * j + 1] * sign, *a = re + j * s, *b = im + j * s;
        LOOP for (size_t q = 0; q < s; q++) {
            float r = a[q], i = b[q];
            a[q] = r * c - i * d;
            b[q] = r * d + i * c;
        }
    }
}

void LEVEL_NAME(mlx_fft_twist)(float *re, float *im, size_t s, size_t n, const float *first,
                               const float *step) {
    const float *steps_im = step + n * MLX_FFT_LINES;
    for (size_t k = 0; k < n; k++) {
        float c = first[2 * k], d = first[2 * k + 1], *a = re + k * s, *b = im + k * s;
        const float *tr = step + k * MLX_FFT_LINES, *ti = steps_im + k * MLX_FFT_LINES;
        LOOP for (size_t q = 0; q < s; q++) {
            float wr = tr[q] * c - ti[q] * d, wi = tr[q] * d + ti[q] * c;
            float r = a[q], i = b[q];
            a[q] = r * wr - i * wi;
            b[q] = r * wi + i * wr;
        }
    }
}

/// Rows k and h - k of a transform of pairs, both ways; `sign` is -1 to untangle, 1 to tangle.
INLINE void entangle(float *re, float *im, size_t s, size_t h, size_t k, const float *w,
                     float half, float sign) {
    float *ar = re + k * s, *ai = im + k * s, *br = re + (h - k) * s, *bi = im + (h - k) * s;
    // exp(sign * i pi k / h) * sign * i, from w = exp(-i pi k / h).
    float c = w[2 * k], d = w[2 * k + 1];
    float tr = d, ti = sign * c;
    LOOP for (size_t q = 0; q < s; q++) {
        float er = (ar[q] + br[q]) * half, ei = (ai[q] - bi[q]) * half;
        float fr = (ar[q] - br[q]) * half, fi = (ai[q] + bi[q]) * half;
        float gr = fr * tr - fi * ti, gi = fr * ti + fi * tr;
        ar[q] = er + gr;
        ai[q] = ei + gi;
        br[q] = er - gr;
        bi[q] = gi - ei;
    }
}

void LEVEL_NAME(mlx_fft_untangle)(float *re, float *im, size_t s, size_t h, const float *w) {
    memcpy(re + h * s, re, s * sizeof(float));
    memcpy(im + h * s, im, s * sizeof(float));
    for (size_t k = 0; 2 * k <= h; k++) entangle(re, im, s, h, k, w, 0.5f, -1);
}

void LEVEL_NAME(mlx_fft_tangle)(float *re, float *im, size_t s, size_t h, const float *w) {
    // The imaginary parts of the two ends mean nothing.
    memset(im, 0, s * sizeof(float));
    memset(im + h * s, 0, s * sizeof(float));
    for (size_t k = 0; 2 * k <= h; k++) entangle(re, im, s, h, k, w, 1, 1);
}
