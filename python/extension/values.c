/* From arrays to Python's numbers and lists. */
#include "engine.h"

static double half(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31, rest = bits & 1023;
    union {
        uint32_t bits;
        float value;
    } result;
    if (exponent == 31)
        result.bits = sign | 0x7F800000u | rest << 13;
    else if (exponent)
        result.bits = sign | (exponent + 112) << 23 | rest << 13;
    else {
        double value = (double)rest / 16777216.0;
        return sign ? -value : value;
    }
    return result.value;
}

static double brain(uint16_t bits) {
    union {
        uint32_t bits;
        float value;
    } result = {(uint32_t)bits << 16};
    return result.value;
}

PyObject *element(const char *bytes, int dtype) {
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
        float pair[2];
    } value;
    memcpy(&value, bytes, (size_t)cmlx_dtype_size(dtype));
    switch (dtype) {
    case CMLX_BOOL:
        return PyBool_FromLong(value.u8);
    case CMLX_UINT8:
        return PyLong_FromLong(value.u8);
    case CMLX_UINT16:
        return PyLong_FromLong(value.u16);
    case CMLX_UINT32:
        return PyLong_FromUnsignedLong(value.u32);
    case CMLX_UINT64:
        return PyLong_FromUnsignedLongLong(value.u64);
    case CMLX_INT8:
        return PyLong_FromLong(value.i8);
    case CMLX_INT16:
        return PyLong_FromLong(value.i16);
    case CMLX_INT32:
        return PyLong_FromLong(value.i32);
    case CMLX_INT64:
        return PyLong_FromLongLong(value.i64);
    case CMLX_FLOAT16:
        return PyFloat_FromDouble(half(value.u16));
    case CMLX_FLOAT32:
        return PyFloat_FromDouble(value.f32);
    case CMLX_FLOAT64:
        return PyFloat_FromDouble(value.f64);
    case CMLX_BFLOAT16:
        return PyFloat_FromDouble(brain(value.u16));
    default:
        return PyComplex_FromDoubles(value.pair[0], value.pair[1]);
    }
}

PyObject *array_item(PyObject *self, PyObject *none) {
    (void)none;
    if (cmlx_size(HANDLE(self)) != 1) {
        PyErr_SetString(PyExc_ValueError,
                        "[convert] Only length-1 arrays can be converted to Python scalars.");
        return NULL;
    }
    cmlx_array handle = HANDLE(self);
    cmlx_retain(handle);
    PyObject *result = NULL;
    cmlx_contents contents;
    if (evaluate_one(handle) == 0) {
        if (cmlx_read(handle, &contents) < 0)
            raise_failure();
        else
            result = element(contents.bytes, contents.dtype);
    }
    cmlx_release(handle);
    return result;
}

static PyObject *nested(const cmlx_contents *contents, const char *bytes, int axis) {
    if (axis == contents->rank) return element(bytes, contents->dtype);
    int64_t count = contents->shape[axis];
    int64_t step = contents->strides[axis] * cmlx_dtype_size(contents->dtype);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (int64_t index = 0; list && index < count; index++) {
        PyObject *item = nested(contents, bytes + index * step, axis + 1);
        if (!item || PyList_SetItem(list, (Py_ssize_t)index, item) < 0) Py_CLEAR(list);
    }
    return list;
}

PyObject *array_tolist(PyObject *self, PyObject *none) {
    (void)none;
    cmlx_array handle = HANDLE(self);
    cmlx_retain(handle);
    PyObject *result = NULL;
    cmlx_contents contents;
    if (evaluate_one(handle) == 0) {
        if (cmlx_read(handle, &contents) < 0)
            raise_failure();
        else
            result = nested(&contents, contents.bytes, 0);
    }
    cmlx_release(handle);
    return result;
}
