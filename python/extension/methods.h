/* Functions of the table that are methods of arrays too, where the array is the first argument. */
#ifndef MLX_METHODS_H
#define MLX_METHODS_H

#include "engine.h"

#define TABLE_METHODS(M) \
    M(abs) \
    M(all) M(any) M(argmax) M(argmin) M(conj) M(cos) M(cummax) M(cummin) M(cumprod) M(cumsum) \
        M(diag) M(diagonal) M(exp) M(flatten) M(log) M(log10) M(log1p) M(log2) M(logcumsumexp) \
            M(logsumexp) M(max) M(mean) M(min) M(moveaxis) M(prod) M(reciprocal) M(round) M(rsqrt) \
                M(sin) M(split) M(sqrt) M(square) M(squeeze) M(sum) M(swapaxes)
/* And those whose arguments are their own: see `methods.c`. */
#define OWN_METHODS(M) M(astype) M(view) M(reshape) M(transpose) M(var) M(std)
#define ARRAY_METHODS(M) TABLE_METHODS(M) OWN_METHODS(M)

#define DECLARE(name) \
    PyObject *method_##name(PyObject *self, PyObject *const *args, Py_ssize_t count, \
                            PyObject *names);
ARRAY_METHODS(DECLARE)
#undef DECLARE

#endif
