/* The extension `mlx.core._engine`. What is written in Python is beside it, in `mlx.core`. */
#include "functions.h"

/* What streams are, which of them there are, and what the random state is: told by the package
 * when it is imported. */
static PyObject *stream_types, *device_check, *random_state;

int check_stream(PyObject *object) {
    if (object == Py_None) return 0;
    int is_one = stream_types ? PyObject_IsInstance(object, stream_types) : 0;
    if (is_one == 0)
        PyErr_Format(PyExc_TypeError, "a stream is a Stream, a Device or a DeviceType, not %R",
                     Py_TYPE(object));
    if (is_one <= 0) return -1;
    PyObject *device = PyObject_CallFunctionObjArgs(device_check, object, NULL);
    Py_XDECREF(device);
    return device ? 0 : -1;
}

/* Splits the state's key: one half is the state from now on, the other is drawn with. */
cmlx_array next_key(void) {
    PyObject *state = random_state ? PyList_GetItem(random_state, 0) : NULL;
    if (!state || !IS_ARRAY(state)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the random state is no list of a key");
        return 0;
    }
    cmlx_argument arguments[2] = {{.kind = CMLX_ARRAY, .value.array = HANDLE(state)},
                                  {.kind = CMLX_INTEGER, .value.integer = 2}};
    PyObject *keys = function_call(function_named("random.split"), arguments, 2);
    PyObject *kept = NULL;
    PyObject *drawn = NULL;
    for (int number = 0; keys && number < 2; number++) {
        PyObject *index = PyLong_FromLong(number);
        PyObject *key = index ? PyObject_GetItem(keys, index) : NULL;
        Py_XDECREF(index);
        if (number == 0)
            kept = key;
        else
            drawn = key;
    }
    Py_XDECREF(keys);
    cmlx_array handle = 0;
    if (kept && drawn) {
        handle = HANDLE(drawn);
        cmlx_retain(handle);
        PyList_SetItem(random_state, 0, Py_NewRef(kept));
    }
    Py_XDECREF(kept);
    Py_XDECREF(drawn);
    return handle;
}

static PyObject *set_types(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *types, *check, *state;
    if (!PyArg_ParseTuple(args, "O!OO!", &PyTuple_Type, &types, &check, &PyList_Type, &state))
        return NULL;
    Py_XDECREF(stream_types);
    Py_XDECREF(device_check);
    Py_XDECREF(random_state);
    stream_types = Py_NewRef(types);
    device_check = Py_NewRef(check);
    random_state = Py_NewRef(state);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"_set_types", set_types, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "mlx.core._engine",
    "The engine of mlx.core.",
    -1,
    methods,
    NULL,
    NULL,
    NULL,
    NULL,
};

PyMODINIT_FUNC PyInit__engine(void) {
    if (cmlx_version() != CMLX_VERSION)
        return PyErr_Format(PyExc_ImportError, "libCMLX has version %d, not %d", cmlx_version(),
                            CMLX_VERSION);
    PyObject *module = PyModule_Create(&definition);
    if (!module) return NULL;
    int (*const parts[])(PyObject *) = {
        errors_add, dtype_add,     array_type_add, convert_add, buffers_add,    print_add,
        index_add,  functions_add, evaluate_add,   trees_add,   transforms_add, files_add,
    };
    for (size_t index = 0; index < sizeof parts / sizeof *parts; index++) {
        if (parts[index](module) < 0) {
            Py_DECREF(module);
            return NULL;
        }
    }
    return module;
}
