/* The index language: an index becomes packed numbers and the arrays in it. */
#include "engine.h"

#define MAXIMUM_LENGTH 64

typedef struct {
    int64_t words[5 * MAXIMUM_LENGTH];
    int count;
    cmlx_array arrays[MAXIMUM_LENGTH];
    int array_count;
    int takes_masks; /* of one truth, for what is assigned to */
} Packed;

static void release(Packed *packed) {
    for (int index = 0; index < packed->array_count; index++)
        cmlx_release(packed->arrays[index]);
}

/* A bound of a slice, which may be None, an integer or an integer array of one element. */
static int bound(PyObject *value, int64_t bit, int64_t *bits, int64_t *word) {
    *word = 0;
    if (value == Py_None) return 0;
    if (!PyIndex_Check(value)) {
        PyErr_SetString(PyExc_ValueError, "Slice indices must be integers or None.");
        return -1;
    }
    PyObject *number = PyNumber_Index(value);
    if (!number) return -1;
    int overflow;
    *word = PyLong_AsLongLongAndOverflow(number, &overflow);
    Py_DECREF(number);
    if (overflow) *word = overflow > 0 ? INT64_MAX : INT64_MIN;
    *bits |= bit;
    return PyErr_Occurred() ? -1 : 0;
}

static int pack_slice(PyObject *slice, Packed *packed) {
    PyObject *start = PyObject_GetAttrString(slice, "start");
    PyObject *stop = PyObject_GetAttrString(slice, "stop");
    PyObject *step = PyObject_GetAttrString(slice, "step");
    int64_t *words = packed->words + packed->count, bits = 0;
    int status = !start || !stop || !step || bound(start, 1, &bits, words + 2) < 0 ||
                         bound(stop, 2, &bits, words + 3) < 0 ||
                         bound(step, 4, &bits, words + 4) < 0
                     ? -1
                     : 0;
    words[0] = 3;
    words[1] = bits;
    packed->count += 5;
    Py_XDECREF(start);
    Py_XDECREF(stop);
    Py_XDECREF(step);
    return status;
}

/* Whether an index is an array of indices. NumPy's arrays say that they are integers too. */
static int is_array_index(PyObject *index) {
    if (IS_ARRAY(index) || PyList_Check(index)) return 1;
    if (PyLong_Check(index) || !is_array_like(index)) return 0;
    if (!PyIndex_Check(index)) return 1;
    PyObject *number = PyNumber_Index(index);
    if (!number) PyErr_Clear();
    Py_XDECREF(number);
    return number == NULL;
}

static int pack_one(PyObject *index, Packed *packed) {
    if (index == Py_Ellipsis)
        packed->words[packed->count++] = 0;
    else if (index == Py_None)
        packed->words[packed->count++] = 1;
    else if (PySlice_Check(index))
        return pack_slice(index, packed);
    else if (is_array_index(index)) {
        cmlx_array array = array_from(index, -1);
        if (!array) return -1;
        packed->arrays[packed->array_count++] = array;
        packed->words[packed->count++] = 4;
    } else if (PyBool_Check(index) && packed->takes_masks) {
        cmlx_scalar scalar = {.kind = CMLX_SCALAR_BOOLEAN, .integer = index == Py_True};
        cmlx_array mask = cmlx_scalar_array(scalar, CMLX_BOOL);
        if (!mask) return raise_failure(), -1;
        packed->arrays[packed->array_count++] = mask;
        packed->words[packed->count++] = 4;
    } else if (PyIndex_Check(index) && !PyBool_Check(index)) {
        PyObject *number = PyNumber_Index(index);
        long long word = number ? PyLong_AsLongLong(number) : -1;
        Py_XDECREF(number);
        if (word == -1 && PyErr_Occurred()) {
            if (PyErr_ExceptionMatches(PyExc_OverflowError))
                PyErr_SetString(PyExc_IndexError, "the index is out of range");
            return -1;
        }
        packed->words[packed->count++] = 2;
        packed->words[packed->count++] = word;
    } else {
        PyErr_Format(PyExc_ValueError, "Cannot index mlx array using the given type %R.",
                     Py_TYPE(index));
        return -1;
    }
    return 0;
}

static int pack(PyObject *index, Packed *packed) {
    packed->count = packed->array_count = 0;
    int status = 0;
    if (PyTuple_Check(index)) {
        Py_ssize_t count = PyTuple_Size(index);
        if (count > MAXIMUM_LENGTH) {
            PyErr_SetString(PyExc_ValueError, "the index is too long");
            return -1;
        }
        for (Py_ssize_t position = 0; position < count && !status; position++)
            status = pack_one(PyTuple_GetItem(index, position), packed);
    } else
        status = pack_one(index, packed);
    if (status < 0) release(packed);
    return status;
}

static PyObject *call(const char *name, cmlx_array x, Packed *packed, cmlx_array value) {
    cmlx_argument arguments[4] = {
        {.kind = CMLX_ARRAY, .value.array = x},
        {.kind = CMLX_INTEGERS, .count = packed->count, .value.integers = packed->words},
        {.kind = CMLX_ARRAYS, .count = packed->array_count, .value.arrays = packed->arrays},
        {.kind = CMLX_ARRAY, .value.array = value}};
    PyObject *result = function_call(function_named(name), arguments, value ? 4 : 3);
    release(packed);
    return result;
}

PyObject *array_subscript(PyObject *self, PyObject *index) {
    Packed packed;
    packed.takes_masks = 0;
    if (pack(index, &packed) < 0) return NULL;
    return call("subscript", HANDLE(self), &packed, 0);
}

/* A value to be written: a number takes the array's dtype. */
static cmlx_array updates(PyObject *value, cmlx_array x) {
    cmlx_scalar scalar;
    int found = scalar_from(value, &scalar);
    if (found < 0) return 0;
    if (!found) return array_from(value, -1);
    cmlx_array handle = cmlx_weak_array(scalar, cmlx_dtype(x));
    return handle ? handle : (raise_failure(), 0);
}

static PyObject *updated(const char *name, PyObject *array, PyObject *index, PyObject *value) {
    cmlx_array update = updates(value, HANDLE(array));
    if (!update) return NULL;
    Packed packed;
    packed.takes_masks = 1;
    PyObject *result = pack(index, &packed) < 0 ? NULL : call(name, HANDLE(array), &packed, update);
    cmlx_release(update);
    return result;
}

int array_assign(PyObject *self, PyObject *index, PyObject *value) {
    if (!value) {
        PyErr_SetString(PyExc_TypeError, "elements of arrays cannot be deleted");
        return -1;
    }
    PyObject *result = updated("subscript_set", self, index, value);
    if (!result) return -1;
    cmlx_array handle = HANDLE(result);
    cmlx_retain(handle);
    Py_DECREF(result);
    array_replace(self, handle);
    return 0;
}

/* - x.at[index] - */

typedef struct {
    PyObject_HEAD PyObject *array, *index;
} AtObject;

static PyTypeObject *at_type, *iterator_type;

static PyObject *at_make(PyObject *array, PyObject *index) {
    AtObject *at = PyObject_New(AtObject, at_type);
    if (!at) return NULL;
    at->array = Py_NewRef(array);
    at->index = Py_XNewRef(index);
    return (PyObject *)at;
}

PyObject *array_at(PyObject *self, void *unused) {
    (void)unused;
    return at_make(self, NULL);
}

static void at_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((AtObject *)self)->array);
    Py_XDECREF(((AtObject *)self)->index);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *at_subscript(PyObject *self, PyObject *index) {
    return at_make(((AtObject *)self)->array, index);
}

static PyObject *at_update(PyObject *self, const char *name, PyObject *value) {
    AtObject *at = (AtObject *)self;
    if (at->index) return updated(name, at->array, at->index, value);
    PyErr_SetString(PyExc_ValueError, "Must give indices to array.at, as in x.at[0].add(1)");
    return NULL;
}

#define UPDATE(name) \
    static PyObject *at_##name(PyObject *self, PyObject *value) { \
        return at_update(self, "subscript_" #name, value); \
    }
UPDATE(add)
UPDATE(multiply)
UPDATE(maximum)
UPDATE(minimum)

static PyObject *at_subtract(PyObject *self, PyObject *value) {
    /* The opposite of an integer may not fit the dtype that the integer itself fits. */
    PyObject *number = NULL;
    if (PyLong_Check(value)) {
        number = array_wrap(array_from(value, cmlx_dtype(HANDLE(((AtObject *)self)->array))));
        if (!number) return NULL;
        value = number;
    }
    PyObject *opposite = PyNumber_Negative(value);
    Py_XDECREF(number);
    PyObject *result = opposite ? at_update(self, "subscript_add", opposite) : NULL;
    Py_XDECREF(opposite);
    return result;
}

/* Divides once by the product of what each element is divided by: exact where that is one. */
static PyObject *at_divide(PyObject *self, PyObject *value) {
    AtObject *at = (AtObject *)self;
    cmlx_scalar one = {.kind = CMLX_SCALAR_INTEGER, .integer = 1};
    cmlx_array ones = cmlx_scalar_array(one, cmlx_dtype(HANDLE(at->array)));
    if (!ones) return raise_failure();
    cmlx_argument arguments[2] = {{.kind = CMLX_INTEGERS,
                                   .count = cmlx_rank(HANDLE(at->array)),
                                   .value.integers = cmlx_shape(HANDLE(at->array))},
                                  {.kind = CMLX_ARRAY, .value.array = ones}};
    PyObject *divisors = function_call(function_named("full"), arguments, 2);
    cmlx_release(ones);
    if (!divisors) return NULL;
    PyObject *other = at_make(divisors, at->index);
    Py_DECREF(divisors);
    PyObject *products = other ? at_update(other, "subscript_multiply", value) : NULL;
    Py_XDECREF(other);
    PyObject *quotient = products ? PyNumber_TrueDivide(at->array, products) : NULL;
    Py_XDECREF(products);
    if (!quotient || cmlx_dtype(HANDLE(quotient)) == cmlx_dtype(HANDLE(at->array))) return quotient;
    PyObject *dtype = dtype_object(cmlx_dtype(HANDLE(at->array)));
    PyObject *result = PyObject_CallMethod(quotient, "astype", "O", dtype);
    Py_DECREF(dtype);
    Py_DECREF(quotient);
    return result;
}

static PyMethodDef at_methods[] = {
    {"add", at_add, METH_O, "The array with the values added."},
    {"subtract", at_subtract, METH_O, "The array with the values subtracted."},
    {"multiply", at_multiply, METH_O, "The array multiplied by the values."},
    {"divide", at_divide, METH_O, "The array divided by the values."},
    {"maximum", at_maximum, METH_O, "The larger of the array's elements and the values."},
    {"minimum", at_minimum, METH_O, "The smaller of the array's elements and the values."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot at_slots[] = {
    {Py_tp_dealloc, at_dealloc},
    {Py_tp_methods, at_methods},
    {Py_mp_subscript, at_subscript},
    {Py_tp_doc, "Updates of an array at an index; see `array.at`."},
    {0, NULL},
};

static PyType_Spec at_spec = {
    .name = "mlx.core.ArrayAt",
    .basicsize = sizeof(AtObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = at_slots,
};

/* - Iteration over the first axis - */

typedef struct {
    PyObject_HEAD PyObject *array;
    int64_t next;
} IteratorObject;

PyObject *array_iter(PyObject *self) {
    if (cmlx_rank(HANDLE(self)) == 0) {
        PyErr_SetString(PyExc_TypeError, "iter() 0-dimensional array.");
        return NULL;
    }
    IteratorObject *iterator = PyObject_New(IteratorObject, iterator_type);
    if (!iterator) return NULL;
    /* The array as it is now: assigning to it does not change what comes next. */
    cmlx_retain(HANDLE(self));
    iterator->array = array_wrap(HANDLE(self));
    iterator->next = 0;
    return (PyObject *)iterator;
}

PyObject *array_reversed(PyObject *self, PyObject *none) {
    (void)none;
    if (cmlx_rank(HANDLE(self)) == 0) return array_iter(self);
    Packed packed = {.words = {3, 4, 0, 0, -1}, .count = 5};
    PyObject *opposite = call("subscript", HANDLE(self), &packed, 0);
    PyObject *iterator = opposite ? array_iter(opposite) : NULL;
    Py_XDECREF(opposite);
    return iterator;
}

static void iterator_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((IteratorObject *)self)->array);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *iterator_next(PyObject *self) {
    IteratorObject *iterator = (IteratorObject *)self;
    if (!iterator->array || iterator->next >= cmlx_shape(HANDLE(iterator->array))[0]) return NULL;
    Packed packed = {.words = {2, iterator->next++}, .count = 2};
    return call("subscript", HANDLE(iterator->array), &packed, 0);
}

static PyObject *iterator_self(PyObject *self) { return Py_NewRef(self); }

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, iterator_dealloc},
    {Py_tp_iter, iterator_self},
    {Py_tp_iternext, iterator_next},
    {0, NULL},
};

static PyType_Spec iterator_spec = {
    .name = "mlx.core.ArrayIterator",
    .basicsize = sizeof(IteratorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = iterator_slots,
};

int index_add(PyObject *module) {
    at_type = (PyTypeObject *)PyType_FromSpec(&at_spec);
    iterator_type = (PyTypeObject *)PyType_FromSpec(&iterator_spec);
    if (!at_type || !iterator_type) return -1;
    if (PyModule_AddObjectRef(module, "ArrayAt", (PyObject *)at_type) < 0) return -1;
    return PyModule_AddObjectRef(module, "ArrayIterator", (PyObject *)iterator_type);
}
