/* Methods whose arguments differ from those of the functions. */
#include "functions.h"

PyObject *method_astype(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    /* dtype, stream; the function has the stream by name only. */
    if (count == 2) count = check_stream(args[1]) < 0 ? -1 : names ? count : 1;
    if (count < 0) return NULL;
    if (count == 0 && names && PyTuple_Size(names) == 1)
        if (!PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), "dtype"))
            return function_row("astype", self, args, 1, NULL);
    return function_row("astype", self, args, count, names);
}

PyObject *method_view(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return function_row("view", self, args, count, names);
}

/* Numbers one by one, or a sequence of them. */
static PyObject *spread(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t count,
                        PyObject *names) {
    if (count == 0 || (count == 1 && !PyIndex_Check(args[0])))
        return function_row(name, self, args, count, names);
    PyObject *numbers = PyTuple_New(count);
    for (Py_ssize_t index = 0; numbers && index < count; index++)
        PyTuple_SetItem(numbers, index, Py_NewRef(args[index]));
    if (!numbers) return NULL;
    Py_ssize_t named = names ? PyTuple_Size(names) : 0;
    PyObject *all[4] = {numbers};
    for (Py_ssize_t index = 0; index < named && index < 3; index++)
        all[1 + index] = args[count + index];
    PyObject *result = function_row(name, self, all, 1, names);
    Py_DECREF(numbers);
    return result;
}

PyObject *method_reshape(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    if (!names) {
        PyObject *result = function_reshape_directly(self, args, count);
        if (result || PyErr_Occurred()) return result;
    }
    if (count == 0 && !names) {
        PyObject *empty = PyTuple_New(0);
        PyObject *result = empty ? function_row("reshape", self, &empty, 1, NULL) : NULL;
        Py_XDECREF(empty);
        return result;
    }
    return spread("reshape", self, args, count, names);
}

PyObject *method_transpose(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *names) {
    return spread("transpose", self, args, count, names);
}

/* `correction` is the array API's name of ddof. */
static PyObject *spread_correction(const char *name, PyObject *self, PyObject *const *args,
                                   Py_ssize_t count, PyObject *names) {
    Py_ssize_t named = names ? PyTuple_Size(names) : 0;
    PyObject *renamed = PyTuple_New(named);
    for (Py_ssize_t index = 0; renamed && index < named; index++) {
        PyObject *key = PyTuple_GetItem(names, index);
        int is_other = !PyUnicode_CompareWithASCIIString(key, "correction");
        PyTuple_SetItem(renamed, index,
                        is_other ? PyUnicode_InternFromString("ddof") : Py_NewRef(key));
    }
    if (!renamed) return NULL;
    PyObject *result = function_row(name, self, args, count, renamed);
    Py_DECREF(renamed);
    return result;
}

PyObject *method_var(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return spread_correction("var", self, args, count, names);
}

PyObject *method_std(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return spread_correction("std", self, args, count, names);
}
