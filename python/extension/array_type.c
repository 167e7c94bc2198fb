/* The array type: its making, conversions, properties, copies and slots. Its operators are in
 * `operators.c`, its methods that are functions of the table in `methods.c`. */
#include "engine.h"
#include "methods.h"

#include <stddef.h>
#include <structmember.h>

PyTypeObject *array_type;
int array_is_subclassed;

PyObject *array_wrap(cmlx_array handle) {
    if (!handle) return raise_failure();
    ArrayObject *array = PyObject_New(ArrayObject, array_type);
    if (!array) {
        cmlx_release(handle);
        return NULL;
    }
    array->handle = handle;
    array->weakrefs = NULL;
    return (PyObject *)array;
}

void array_replace(PyObject *array, cmlx_array handle) {
    cmlx_array old = HANDLE(array);
    HANDLE(array) = handle;
    cmlx_release(old);
}

static void dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (((ArrayObject *)self)->weakrefs) PyObject_ClearWeakRefs(self);
    cmlx_release(HANDLE(self));
    if (type == array_type)
        PyObject_Free(self);
    else
        ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int is_empty(PyObject *args, PyObject *names) {
    return PyTuple_Size(args) == 0 && (!names || PyDict_Size(names) == 0);
}

/* The handle of what `array(val, dtype=None)` is called with; 0 with an exception. */
static cmlx_array array_of_call(PyObject *args, PyObject *names) {
    PyObject *value = NULL, *dtype = Py_None;
    static char *keywords[] = {"val", "dtype", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, names, "O|O:array", keywords, &value, &dtype)) return 0;
    int number = dtype == Py_None ? -1 : dtype_number(dtype);
    if (number < 0 && dtype != Py_None) return 0;
    return array_from(value, number);
}

/* Unpickling and subclasses make an array first and give it its values afterwards. */
static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *names) {
    cmlx_scalar zero = {0};
    int is_own = type == array_type;
    cmlx_array handle = is_own && !is_empty(args, names) ? array_of_call(args, names)
                                                         : cmlx_scalar_array(zero, CMLX_FLOAT32);
    if (!handle) return PyErr_Occurred() ? NULL : raise_failure();
    if (is_own) return array_wrap(handle);
    array_is_subclassed = 1;
    PyObject *array = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!array) {
        cmlx_release(handle);
        return NULL;
    }
    HANDLE(array) = handle;
    return array;
}

static int initialize(PyObject *self, PyObject *args, PyObject *names) {
    if (Py_TYPE(self) == array_type && !is_empty(args, names)) return 0;
    cmlx_array handle = array_of_call(args, names);
    if (!handle) return -1;
    array_replace(self, handle);
    return 0;
}

static Py_hash_t hash(PyObject *self) { return (Py_hash_t)((uintptr_t)self >> 4); }

/* - Conversions - */

static int truth(PyObject *self) {
    PyObject *value = array_item(self, NULL);
    int result = value ? PyObject_IsTrue(value) : -1;
    Py_XDECREF(value);
    return result;
}

static PyObject *converted(PyObject *self, PyTypeObject *type) {
    PyObject *value = array_item(self, NULL);
    PyObject *result = value ? PyObject_CallFunctionObjArgs((PyObject *)type, value, NULL) : NULL;
    Py_XDECREF(value);
    return result;
}
static PyObject *to_int(PyObject *self) { return converted(self, &PyLong_Type); }
static PyObject *to_float(PyObject *self) { return converted(self, &PyFloat_Type); }
static PyObject *to_complex(PyObject *self, PyObject *none) {
    (void)none;
    return converted(self, &PyComplex_Type);
}

static PyObject *to_index(PyObject *self) {
    int dtype = cmlx_dtype(HANDLE(self));
    if (cmlx_rank(HANDLE(self)) != 0 || dtype < CMLX_UINT8 || dtype > CMLX_INT64) {
        PyErr_SetString(PyExc_TypeError,
                        "Only 0-dimensional integer arrays can be converted to an index.");
        return NULL;
    }
    return array_item(self, NULL);
}

static Py_ssize_t get_length(PyObject *self) {
    if (cmlx_rank(HANDLE(self)) == 0) {
        PyErr_SetString(PyExc_TypeError, "len() 0-dimensional array.");
        return -1;
    }
    return (Py_ssize_t)cmlx_shape(HANDLE(self))[0];
}

static PyObject *format(PyObject *self, PyObject *pattern) {
    if (!PyUnicode_Check(pattern)) {
        PyErr_SetString(PyExc_TypeError, "a format is a string");
        return NULL;
    }
    if (cmlx_rank(HANDLE(self)) == 0) {
        PyObject *value = array_item(self, NULL);
        PyObject *text = value ? PyObject_Format(value, pattern) : NULL;
        Py_XDECREF(value);
        return text;
    }
    if (PyUnicode_Check(pattern) && PyUnicode_GetLength(pattern) == 0) return array_repr(self);
    PyErr_SetString(PyExc_TypeError, "unsupported format string passed to mx.array.__format__");
    return NULL;
}

/* - Properties - */

PyObject *array_shape(cmlx_array handle) {
    int rank = cmlx_rank(handle);
    const int64_t *dims = cmlx_shape(handle);
    PyObject *shape = PyTuple_New(rank);
    for (int axis = 0; shape && axis < rank; axis++) {
        PyObject *dim = PyLong_FromLongLong(dims[axis]);
        if (!dim || PyTuple_SetItem(shape, axis, dim) < 0) Py_CLEAR(shape);
    }
    return shape;
}

#define PROPERTY(name, value) \
    static PyObject *get_##name(PyObject *self, void *unused) { \
        (void)self, (void)unused; \
        return value; \
    }
PROPERTY(shape, array_shape(HANDLE(self)))
PROPERTY(dtype, dtype_object(cmlx_dtype(HANDLE(self))))
PROPERTY(ndim, PyLong_FromLong(cmlx_rank(HANDLE(self))))
PROPERTY(size, PyLong_FromLongLong(cmlx_size(HANDLE(self))))
PROPERTY(itemsize, PyLong_FromLong(cmlx_dtype_size(cmlx_dtype(HANDLE(self)))))
PROPERTY(nbytes,
         PyLong_FromLongLong(cmlx_size(HANDLE(self)) * cmlx_dtype_size(cmlx_dtype(HANDLE(self)))))
PROPERTY(T, function_call(function_named("transpose"),
                          &(cmlx_argument){.kind = CMLX_ARRAY, .value.array = HANDLE(self)}, 1))
PROPERTY(real, function_call(function_named("real"),
                             &(cmlx_argument){.kind = CMLX_ARRAY, .value.array = HANDLE(self)}, 1))
PROPERTY(imag, function_call(function_named("imag"),
                             &(cmlx_argument){.kind = CMLX_ARRAY, .value.array = HANDLE(self)}, 1))
PROPERTY(mT, function_call(function_named("swapaxes"),
                           (cmlx_argument[]){{.kind = CMLX_ARRAY, .value.array = HANDLE(self)},
                                             {.kind = CMLX_INTEGER, .value.integer = -1},
                                             {.kind = CMLX_INTEGER, .value.integer = -2}},
                           3))
PROPERTY(device, PyUnicode_FromString("cpu"))

static PyGetSetDef properties[] = {
    {"shape", get_shape, NULL, "The dimensions, a tuple; known without computing the array.", NULL},
    {"dtype", get_dtype, NULL, "The element type.", NULL},
    {"ndim", get_ndim, NULL, "The number of axes.", NULL},
    {"size", get_size, NULL, "The number of elements.", NULL},
    {"itemsize", get_itemsize, NULL, "The number of bytes of an element.", NULL},
    {"nbytes", get_nbytes, NULL, "The number of bytes of all elements.", NULL},
    {"T", get_T, NULL, "The array with its axes in the opposite order.", NULL},
    {"mT", get_mT, NULL, "The array with its last two axes exchanged.", NULL},
    {"real", get_real, NULL, "The real parts.", NULL},
    {"imag", get_imag, NULL, "The imaginary parts.", NULL},
    {"device", get_device, NULL, "Where arrays live, always 'cpu'.", NULL},
    {"at", array_at, NULL, "Updates at an index: `x.at[i].add(y)` counts each index of `i`.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* - Copies and pickles - */

static PyObject *same(PyObject *self, PyObject *unused) {
    (void)unused;
    cmlx_retain(HANDLE(self));
    return array_wrap(HANDLE(self));
}

/* The shape, the dtype's number and the bytes: no other library is needed to read a pickle. */
static PyObject *get_state(PyObject *self, PyObject *none) {
    PyObject *bytes = array_bytes(self, none);
    if (!bytes) return NULL;
    return Py_BuildValue("(NNi)", bytes, array_shape(HANDLE(self)), cmlx_dtype(HANDLE(self)));
}

static PyObject *set_state(PyObject *self, PyObject *state) {
    PyObject *shape;
    const char *bytes;
    Py_ssize_t count;
    int dtype;
    int64_t dims[16], size = 1;
    if (!PyTuple_Check(state) || !PyArg_ParseTuple(state, "y#O!i:__setstate__", &bytes, &count,
                                                   &PyTuple_Type, &shape, &dtype))
        return PyErr_Occurred() ? NULL
                                : (PyErr_SetString(PyExc_ValueError, "not an array's state"), NULL);
    Py_ssize_t rank = PyTuple_Size(shape);
    if (rank > 16 || cmlx_dtype_size(dtype) == 0) {
        PyErr_SetString(PyExc_ValueError, "not an array's state");
        return NULL;
    }
    for (Py_ssize_t axis = 0; axis < rank; axis++) {
        dims[axis] = PyLong_AsLongLong(PyTuple_GetItem(shape, axis));
        if (PyErr_Occurred()) return NULL;
        if (dims[axis] < 0 || (dims[axis] && size > count / dims[axis] + 1)) size = -1;
        if (size >= 0) size *= dims[axis];
    }
    if (size < 0 || size * cmlx_dtype_size(dtype) != count) {
        PyErr_SetString(PyExc_ValueError, "the array's state is cut short");
        return NULL;
    }
    cmlx_array handle = cmlx_copy(bytes, dtype, dims, (int32_t)rank);
    if (!handle) return raise_failure();
    array_replace(self, handle);
    Py_RETURN_NONE;
}

static PyObject *reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    PyObject *registry = PyImport_ImportModule("copyreg");
    PyObject *maker = registry ? PyObject_GetAttrString(registry, "__newobj__") : NULL;
    PyObject *state = maker ? get_state(self, NULL) : NULL;
    Py_XDECREF(registry);
    if (state) return Py_BuildValue("(N(O)N)", maker, (PyObject *)Py_TYPE(self), state);
    Py_XDECREF(maker);
    return NULL;
}

static PyObject *to_numpy(PyObject *self, PyObject *args, PyObject *names) {
    PyObject *dtype = Py_None, *copy = Py_None;
    static char *keywords[] = {"dtype", "copy", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, names, "|OO:__array__", keywords, &dtype, &copy))
        return NULL;
    if (cmlx_dtype(HANDLE(self)) == CMLX_BFLOAT16) {
        PyErr_SetString(PyExc_ValueError, "NumPy has no bfloat16: use astype(mx.float32) first");
        return NULL;
    }
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *view = numpy ? PyMemoryView_FromObject(self) : NULL;
    PyObject *result = NULL;
    if (view) {
        result =
            PyObject_CallMethod(numpy, copy == Py_True ? "array" : "asarray", "OO", view, dtype);
    }
    Py_XDECREF(view);
    Py_XDECREF(numpy);
    return result;
}

static PyObject *namespace(PyObject *self, PyObject *args, PyObject *names) {
    (void)self, (void)args, (void)names;
    return PyImport_ImportModule("mlx.core");
}

/* Python 2's names of the division, which MLX has. */
static PyObject *method_divide(PyObject *self, PyObject *other) {
    return array_divide(self, other);
}
static PyObject *method_rdivide(PyObject *self, PyObject *other) {
    return array_divide(other, self);
}

#define WITH_NAMES(function) (PyCFunction)(void (*)(void)) function, METH_VARARGS | METH_KEYWORDS
#define METHOD(name) \
    {#name, (PyCFunction)(void (*)(void))method_##name, METH_FASTCALL | METH_KEYWORDS, NULL},

static PyMethodDef methods[] = {
    ARRAY_METHODS(METHOD){"item", array_item, METH_NOARGS,
                          "item()\n--\n\nThe only element, as a Python number. Evaluates."},
    {"tolist", array_tolist, METH_NOARGS,
     "tolist()\n--\n\nThe elements as nested lists of Python numbers. Evaluates."},
    {"__array__", WITH_NAMES(to_numpy), "The array as NumPy's, in place."},
    {"__array_namespace__", WITH_NAMES(namespace), NULL},
    {"__dlpack__", WITH_NAMES(array_dlpack), "A DLPack capsule of the array's memory."},
    {"__dlpack_device__", array_dlpack_device, METH_NOARGS, NULL},
    {"__bytes__", array_bytes, METH_NOARGS, "The elements in row-major order."},
    {"__complex__", to_complex, METH_NOARGS, NULL},
    {"__format__", format, METH_O, NULL},
    {"__div__", method_divide, METH_O, NULL},
    {"__rdiv__", method_rdivide, METH_O, NULL},
    {"__reversed__", array_reversed, METH_NOARGS, NULL},
    {"__copy__", same, METH_NOARGS, NULL},
    {"__deepcopy__", same, METH_O, NULL},
    {"__getstate__", get_state, METH_NOARGS, NULL},
    {"__setstate__", set_state, METH_O, NULL},
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {"__reduce_ex__", reduce, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ArrayObject, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* The operators' come to these. */
static const PyType_Slot own_slots[] = {
    {Py_tp_new, make},
    {Py_tp_init, initialize},
    {Py_tp_dealloc, dealloc},
    {Py_tp_repr, array_repr},
    {Py_tp_hash, hash},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_members, members},
    {Py_tp_iter, array_iter},
    {Py_nb_bool, truth},
    {Py_nb_int, to_int},
    {Py_nb_float, to_float},
    {Py_nb_index, to_index},
    {Py_mp_length, get_length},
    {Py_mp_subscript, array_subscript},
    {Py_mp_ass_subscript, array_assign},
    {Py_bf_getbuffer, array_get_buffer},
    {Py_bf_releasebuffer, array_release_buffer},
    {Py_tp_doc,
     "array(val, dtype=None)\n--\n\n"
     "A lazy n-dimensional array: operations return at once and are computed when a\n"
     "value is asked for. Made of a number, nested lists, a buffer (NumPy) or DLPack.\n\n"
     ">>> mx.array([[1, 2], [3, 4]]).sum(axis=0)\narray([4, 6], dtype=int32)"},
};

int array_type_add(PyObject *module) {
    enum { OWN = sizeof own_slots / sizeof *own_slots, ROOM = 80 };
    PyType_Slot slots[ROOM];
    memcpy(slots, own_slots, sizeof own_slots);
    int count = operators_fill(slots + OWN, ROOM - OWN - 1);
    if (count < 0) return -1;
    slots[OWN + count] = (PyType_Slot){0, NULL};
    PyType_Spec spec = {
        .name = "mlx.core.array",
        .basicsize = sizeof(ArrayObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    array_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (!array_type) return -1;
    return PyModule_AddObjectRef(module, "array", (PyObject *)array_type);
}
