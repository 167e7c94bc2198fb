// Softmax and log-sum-exp of complex64 rows, in float64. Shifted by the largest real part, which is
// the logarithm of the largest absolute value; the logarithm is the principal one.

INLINE double largest_real(const c64 *x, size_t n) {
    double largest = -INFINITY;
    for (size_t i = 0; i < n; i++) largest = x[i].re > largest ? x[i].re : largest;
    return largest;
}

static void softmax_c64(void *out_, const void *x_, size_t rows, size_t n, bool stream) {
    (void)stream;
    for (size_t r = 0; r < rows; r++) {
        const c64 *x = (const c64 *)x_ + r * n;
        c64 *out = (c64 *)out_ + r * n;
        double shift = largest_real(x, n);
        zd total = 0;
        for (size_t i = 0; i < n; i++) total += cexp(shifted_zd(x[i], shift));
        for (size_t i = 0; i < n; i++) out[i] = divide_zd(cexp(shifted_zd(x[i], shift)), total);
    }
}

static void log_sum_exp_c64(void *out_, const void *x_, size_t rows, size_t n, bool stream) {
    (void)stream;
    for (size_t r = 0; r < rows; r++) {
        const c64 *x = (const c64 *)x_ + r * n;
        c64 *out = (c64 *)out_ + r;
        double shift = largest_real(x, n);
        // Nothing but zeros, or an infinite one: there is nothing to shift by.
        if (fabs(shift) == INFINITY) shift = 0;
        zd total = 0;
        for (size_t i = 0; i < n; i++) total += cexp(shifted_zd(x[i], shift));
        *out = narrow(log_zd(total, shift));
    }
}
