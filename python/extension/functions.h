/* What the files about functions share. */
#ifndef MLX_FUNCTIONS_H
#define MLX_FUNCTIONS_H

#include "engine.h"
#include "methods.h"
#include "table.h"

/* Calls a row by name. */
PyObject *function_row(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t count,
                       PyObject *names);
/* A reshape of an array to plain integers, or to a tuple or list of such, which goes to the engine
 * at once; NULL without an exception for arguments of other kinds. */
PyObject *function_reshape_directly(PyObject *x, PyObject *const *args, Py_ssize_t count);
/* module.c: the next key of the random state; 0 with an exception. */
cmlx_array next_key(void);

#endif
