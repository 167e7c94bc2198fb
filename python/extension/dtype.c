/* Element types: one object for each, compared by identity. */
#include "engine.h"

typedef struct {
    PyObject_HEAD int number;
} DtypeObject;

PyTypeObject *dtype_type;
static PyObject *dtypes[14];

PyObject *dtype_object(int number) { return Py_NewRef(dtypes[number]); }

int dtype_number(PyObject *object) {
    if (Py_TYPE(object) == dtype_type) return ((DtypeObject *)object)->number;
    PyErr_Format(PyExc_TypeError, "expected a Dtype, not %R", Py_TYPE(object));
    return -1;
}

static const char *name_of(PyObject *self) {
    return cmlx_dtype_name(((DtypeObject *)self)->number);
}

static PyObject *repr(PyObject *self) { return PyUnicode_FromFormat("mlx.core.%s", name_of(self)); }

static PyObject *get_size(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromLong(cmlx_dtype_size(((DtypeObject *)self)->number));
}

static PyObject *get_number(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromLong(((DtypeObject *)self)->number);
}

/* The name of the module's attribute, so that pickles and copies are the object itself. */
static PyObject *reduce(PyObject *self, PyObject *none) {
    (void)none;
    int number = ((DtypeObject *)self)->number;
    return PyUnicode_FromString(number == CMLX_BOOL ? "bool_" : cmlx_dtype_name(number));
}

static PyGetSetDef properties[] = {
    {"size", get_size, NULL, "The number of bytes of an element.", NULL},
    {"_number", get_number, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_repr, repr},
    {Py_tp_getset, properties},
    {Py_tp_methods, methods},
    {Py_tp_doc, "An element type of arrays, such as `mlx.core.float32`."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mlx.core.Dtype",
    .basicsize = sizeof(DtypeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int dtype_add(PyObject *module) {
    dtype_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (!dtype_type || PyModule_AddObjectRef(module, "Dtype", (PyObject *)dtype_type) < 0)
        return -1;
    for (int number = 0; number < 14; number++) {
        DtypeObject *object = PyObject_New(DtypeObject, dtype_type);
        if (!object) return -1;
        object->number = number;
        dtypes[number] = (PyObject *)object;
        const char *name = number == CMLX_BOOL ? "bool_" : cmlx_dtype_name(number);
        if (PyModule_AddObjectRef(module, name, dtypes[number]) < 0) return -1;
    }
    return 0;
}
