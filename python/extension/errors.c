/* From failures of the C interface to exceptions. */
#include "engine.h"

/* Both what MLX's documentation promises and what scripts catch: an axis is a value and an index,
 * a file's failure is the system's and the runtime's, what an operation has not is a wrong value
 * and a failure at run time. */
static PyObject *axis_error;
static PyObject *unsupported_error;
static PyObject *file_error;

PyObject *raise_failure(void) {
    if (PyErr_Occurred()) return NULL;
    PyObject *type = PyExc_RuntimeError;
    switch (cmlx_error_kind()) {
    case CMLX_ERROR_ARGUMENT:
        type = PyExc_ValueError;
        break;
    case CMLX_ERROR_AXIS:
        type = axis_error;
        break;
    case CMLX_ERROR_UNSUPPORTED:
        type = unsupported_error;
        break;
    case CMLX_ERROR_INDEX:
        type = PyExc_IndexError;
        break;
    case CMLX_ERROR_MEMORY:
        type = PyExc_MemoryError;
        break;
    case CMLX_ERROR_FILE:
        type = file_error;
        break;
    default:
        break;
    }
    const char *message = cmlx_error_message();
    PyErr_SetString(type, message ? message : "unknown failure");
    return NULL;
}

static PyObject *make(PyObject *module, const char *name, PyObject *first, PyObject *second) {
    PyObject *bases = PyTuple_Pack(2, first, second);
    if (!bases) return NULL;
    char full[64];
    PyOS_snprintf(full, sizeof full, "mlx.core.%s", name);
    PyObject *type = PyErr_NewException(full, bases, NULL);
    Py_DECREF(bases);
    if (type && PyModule_AddObjectRef(module, name, type) < 0) Py_CLEAR(type);
    return type;
}

int errors_add(PyObject *module) {
    axis_error = make(module, "AxisError", PyExc_ValueError, PyExc_IndexError);
    file_error = make(module, "FileError", PyExc_OSError, PyExc_RuntimeError);
    unsupported_error = make(module, "UnsupportedError", PyExc_ValueError, PyExc_RuntimeError);
    return axis_error && file_error && unsupported_error ? 0 : -1;
}
