/* Arrays as text, as MLX prints them: nested brackets, at most six elements of an axis. */
#include "engine.h"

#include <math.h>
#include <stdio.h>

static int precision = -1;

typedef struct {
    char *bytes;
    size_t count, room;
    int failed;
} Text;

static void put(Text *text, const char *piece) {
    size_t count = strlen(piece);
    if (text->count + count + 1 > text->room) {
        size_t room = 2 * (text->count + count) + 64;
        char *more = realloc(text->bytes, room);
        if (!more) {
            text->failed = 1;
            return;
        }
        text->bytes = more;
        text->room = room;
    }
    memcpy(text->bytes + text->count, piece, count + 1);
    text->count += count;
}

static void put_float(Text *text, double value) {
    char piece[400];
    if (isnan(value))
        snprintf(piece, sizeof piece, "nan");
    else
        /* Six digits that matter, or as many behind the point as were asked for. */
        snprintf(piece, sizeof piece, precision < 0 ? "%.*g" : "%.*f",
                 precision < 0 ? 6 : precision, value);
    put(text, piece);
}

static void put_element(Text *text, const char *bytes, int dtype) {
    PyObject *value = element(bytes, dtype);
    if (!value) {
        text->failed = 1;
        return;
    }
    if (PyFloat_Check(value))
        put_float(text, PyFloat_AsDouble(value));
    else if (PyComplex_Check(value)) {
        double imaginary = PyComplex_ImagAsDouble(value);
        put_float(text, PyComplex_RealAsDouble(value));
        put(text, signbit(imaginary) ? "-" : "+");
        put_float(text, fabs(imaginary));
        put(text, "j");
    } else {
        PyObject *words = PyObject_Str(value);
        const char *piece = words ? PyUnicode_AsUTF8AndSize(words, NULL) : NULL;
        if (piece)
            put(text, piece);
        else
            text->failed = 1;
        Py_XDECREF(words);
    }
    Py_DECREF(value);
}

static void put_axis(Text *text, const cmlx_contents *contents, const char *bytes, int axis) {
    if (axis == contents->rank) {
        put_element(text, bytes, contents->dtype);
        return;
    }
    int64_t count = contents->shape[axis], shown = count > 6 ? 7 : count;
    int64_t step = contents->strides[axis] * cmlx_dtype_size(contents->dtype);
    put(text, "[");
    for (int64_t index = 0; index < shown; index++) {
        if (index && axis == contents->rank - 1)
            put(text, ", ");
        else if (index) {
            put(text, ",\n       ");
            for (int outer = 0; outer < axis; outer++)
                put(text, " ");
        }
        if (count > 6 && index == 3) {
            put(text, "...");
            continue;
        }
        int64_t position = count > 6 && index > 3 ? count - 7 + index : index;
        put_axis(text, contents, bytes + position * step, axis + 1);
    }
    put(text, "]");
}

PyObject *array_repr(PyObject *self) {
    cmlx_array handle = HANDLE(self);
    cmlx_retain(handle);
    PyObject *result = NULL;
    cmlx_contents contents;
    if (evaluate_one(handle) == 0) {
        if (cmlx_read(handle, &contents) < 0)
            raise_failure();
        else {
            Text text = {0};
            put(&text, "array(");
            put_axis(&text, &contents, contents.bytes, 0);
            put(&text, ", dtype=");
            put(&text, cmlx_dtype_name(contents.dtype));
            put(&text, ")");
            if (!text.failed)
                result = PyUnicode_FromStringAndSize(text.bytes, (Py_ssize_t)text.count);
            else if (!PyErr_Occurred())
                PyErr_NoMemory();
            free(text.bytes);
        }
    }
    cmlx_release(handle);
    return result;
}

static PyObject *get_precision(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyLong_FromLong(precision);
}

static PyObject *set_precision(PyObject *module, PyObject *value) {
    (void)module;
    long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) return NULL;
    precision = number < -1 ? -1 : number > 40 ? 40 : (int)number;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"_get_precision", get_precision, METH_NOARGS, NULL},
    {"_set_precision", set_precision, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int print_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }
