/* From Python values to arrays: numbers, lists of anything, and what brings its own memory. */
#include "engine.h"

int scalar_from(PyObject *object, cmlx_scalar *scalar) {
    if (PyFloat_Check(object)) {
        scalar->kind = CMLX_SCALAR_REAL;
        scalar->real = PyFloat_AsDouble(object);
        return 1;
    }
    if (PyBool_Check(object)) {
        scalar->kind = CMLX_SCALAR_BOOLEAN;
        scalar->integer = object == Py_True;
        return 1;
    }
    if (PyLong_Check(object)) {
        scalar->kind = CMLX_SCALAR_INTEGER;
        scalar->integer = PyLong_AsLongLong(object);
        if (scalar->integer == -1 && PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return -1;
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "%R does not fit an integer of 64 bits", object);
            return -1;
        }
        return 1;
    }
    if (PyComplex_Check(object)) {
        scalar->kind = CMLX_SCALAR_COMPLEX;
        scalar->real = PyComplex_RealAsDouble(object);
        scalar->imaginary = PyComplex_ImagAsDouble(object);
        return 1;
    }
    return 0;
}

/* uint64 has numbers that 64 signed bits have not. */
static int is_large_uint64(PyObject *object, int dtype, unsigned long long *value) {
    if (dtype != CMLX_UINT64 || !PyLong_Check(object)) return 0;
    *value = PyLong_AsUnsignedLongLong(object);
    if (*value == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

/* What a list holds, found before anything is allocated. */
typedef struct {
    int64_t shape[16];
    int rank;
    int kind;    /* the widest kind of number, -1 without any */
    int is_wide; /* integers beyond 32 bits */
    int has_arrays;
    int dtype; /* of arrays in the list, promoted; -1 */
    int64_t count;
} Survey;

static Py_ssize_t length(PyObject *list) {
    return PyList_Check(list) ? PyList_Size(list) : PyTuple_Size(list);
}

static PyObject *at(PyObject *list, Py_ssize_t index) {
    return PyList_Check(list) ? PyList_GetItem(list, index) : PyTuple_GetItem(list, index);
}

static int is_list(PyObject *object) { return PyList_Check(object) || PyTuple_Check(object); }

static int non_uniform(void) {
    PyErr_SetString(PyExc_ValueError, "Initialization encountered non-uniform length.");
    return -1;
}

/* Says that arrays are not made of such objects; always -1. */
static int no_array_of(PyObject *object, PyObject *kind) {
    PyObject *name = PyType_GetName(Py_TYPE(object));
    if (name)
        PyErr_Format(kind, "Invalid type %U received in array initialization.", name);
    Py_XDECREF(name);
    return -1;
}

static int survey_leaf(PyObject *object, int depth, Survey *survey) {
    if (IS_ARRAY(object) || is_array_like(object)) {
        survey->has_arrays = 1;
        return 0;
    }
    if (survey->rank < 0) survey->rank = depth;
    if (survey->rank != depth) return non_uniform();
    survey->count++;
    int kind;
    if (PyFloat_Check(object))
        kind = CMLX_SCALAR_REAL;
    else if (PyBool_Check(object))
        kind = CMLX_SCALAR_BOOLEAN;
    else if (PyLong_Check(object)) {
        kind = CMLX_SCALAR_INTEGER;
        int overflow = 0;
        long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
        if (overflow || value > INT32_MAX || value < INT32_MIN) survey->is_wide = 1;
    } else if (PyComplex_Check(object))
        kind = CMLX_SCALAR_COMPLEX;
    else
        return no_array_of(object, PyExc_ValueError);
    if (kind > survey->kind) survey->kind = kind;
    return 0;
}

static int survey_list(PyObject *list, int depth, Survey *survey) {
    if (depth >= 16) {
        PyErr_SetString(PyExc_ValueError, "lists are nested more than 16 deep");
        return -1;
    }
    Py_ssize_t count = length(list);
    if (survey->shape[depth] < 0)
        survey->shape[depth] = count;
    else if (survey->shape[depth] != count)
        return non_uniform();
    if (count == 0 && survey->rank < 0) survey->rank = depth + 1;
    for (Py_ssize_t index = 0; index < count && index < length(list); index++) {
        PyObject *item = at(list, index);
        if (is_list(item)) {
            if (survey->rank >= 0 && survey->rank <= depth + 1) return non_uniform();
            if (survey_list(item, depth + 1, survey) < 0) return -1;
        } else if (survey_leaf(item, depth + 1, survey) < 0)
            return -1;
    }
    return 0;
}

/* Writes a list's numbers as doubles, 64-bit integers or pairs of floats. */
static int fill(PyObject *list, int depth, const Survey *survey, char **target) {
    Py_ssize_t count = length(list);
    if (count != survey->shape[depth]) return non_uniform();
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = at(list, index);
        if (depth + 1 < survey->rank) {
            if (!is_list(item)) return non_uniform();
            if (fill(item, depth + 1, survey, target) < 0) return -1;
            continue;
        }
        cmlx_scalar scalar = {0};
        int found = scalar_from(item, &scalar);
        if (found <= 0) return found < 0 ? -1 : non_uniform();
        int is_whole = scalar.kind <= CMLX_SCALAR_INTEGER;
        if (survey->kind == CMLX_SCALAR_COMPLEX) {
            float pair[2] = {(float)(is_whole ? (double)scalar.integer : scalar.real),
                             scalar.kind == CMLX_SCALAR_COMPLEX ? (float)scalar.imaginary : 0};
            memcpy(*target, pair, 8);
        } else if (survey->kind == CMLX_SCALAR_REAL) {
            double value = is_whole ? (double)scalar.integer : scalar.real;
            memcpy(*target, &value, 8);
        } else
            memcpy(*target, &scalar.integer, 8);
        *target += 8;
    }
    return 0;
}

static cmlx_array cast(cmlx_array handle, int dtype) {
    if (!handle || dtype < 0 || cmlx_dtype(handle) == dtype) return handle;
    static int function = -1;
    if (function < 0) function = function_named("astype");
    cmlx_argument arguments[2] = {{.kind = CMLX_ARRAY, .value.array = handle},
                                  {.kind = CMLX_DTYPE, .value.integer = dtype}};
    cmlx_list results;
    cmlx_list_init(&results);
    int status = cmlx_call(function, arguments, 2, &results);
    cmlx_release(handle);
    if (status < 0) {
        raise_failure();
        return 0;
    }
    return cmlx_list_arrays(&results)[0];
}

static void release_all(cmlx_array *arrays, Py_ssize_t count) {
    for (Py_ssize_t index = 0; index < count; index++)
        cmlx_release(arrays[index]);
    free(arrays);
}

/* A list with arrays in it: its elements, stacked. */
static cmlx_array stacked(PyObject *list, int dtype) {
    Py_ssize_t count = length(list);
    cmlx_array *arrays = malloc((count ? count : 1) * sizeof *arrays);
    if (!arrays) return PyErr_NoMemory(), 0;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = index < length(list) ? at(list, index) : NULL;
        arrays[index] = item ? array_from(item, dtype) : 0;
        if (!arrays[index]) {
            release_all(arrays, index);
            if (!PyErr_Occurred()) non_uniform();
            return 0;
        }
    }
    for (Py_ssize_t index = 1; index < count; index++) {
        int rank = cmlx_rank(arrays[0]);
        if (cmlx_rank(arrays[index]) != rank ||
            memcmp(cmlx_shape(arrays[index]), cmlx_shape(arrays[0]), rank * sizeof(int64_t))) {
            release_all(arrays, count);
            return non_uniform(), 0;
        }
    }
    cmlx_argument arguments[2] = {
        {.kind = CMLX_ARRAYS, .count = (int32_t)count, .value.arrays = arrays},
        {.kind = CMLX_INTEGER, .value.integer = 0}};
    cmlx_list results;
    cmlx_list_init(&results);
    int status = cmlx_call(function_named("stack"), arguments, 2, &results);
    release_all(arrays, count);
    if (status < 0) return raise_failure(), 0;
    return cmlx_list_arrays(&results)[0];
}

/* Converts 64-bit numbers in place to what the dtype takes. */
static cmlx_array narrowed(char *bytes, const Survey *survey, int dtype) {
    int64_t count = survey->count;
    if (survey->kind == CMLX_SCALAR_COMPLEX)
        return cast(cmlx_copy(bytes, CMLX_COMPLEX64, survey->shape, survey->rank), dtype);
    if (survey->kind == CMLX_SCALAR_REAL) {
        if (dtype == CMLX_FLOAT64) return cmlx_copy(bytes, dtype, survey->shape, survey->rank);
        float *floats = (float *)(void *)bytes;
        for (int64_t index = 0; index < count; index++) {
            double value;
            memcpy(&value, bytes + 8 * index, 8);
            floats[index] = (float)value;
        }
        return cast(cmlx_copy(bytes, CMLX_FLOAT32, survey->shape, survey->rank), dtype);
    }
    int64_t *wide = (int64_t *)(void *)bytes;
    if (survey->kind == CMLX_SCALAR_BOOLEAN) {
        for (int64_t index = 0; index < count; index++)
            bytes[index] = (char)wide[index];
        return cast(cmlx_copy(bytes, CMLX_BOOL, survey->shape, survey->rank), dtype);
    }
    if (survey->is_wide || dtype == CMLX_UINT32 || dtype == CMLX_INT64)
        return cast(cmlx_copy(bytes, CMLX_INT64, survey->shape, survey->rank), dtype);
    int32_t *narrow = (int32_t *)(void *)bytes;
    for (int64_t index = 0; index < count; index++)
        narrow[index] = (int32_t)wide[index];
    return cast(cmlx_copy(bytes, CMLX_INT32, survey->shape, survey->rank), dtype);
}

static cmlx_array from_list(PyObject *list, int dtype) {
    Survey survey = {.rank = -1, .kind = -1, .dtype = -1};
    for (int axis = 0; axis < 16; axis++)
        survey.shape[axis] = -1;
    if (survey_list(list, 0, &survey) < 0) return 0;
    if (survey.has_arrays) return stacked(list, dtype);
    if (survey.kind < 0) {
        int64_t nothing = 0;
        cmlx_array empty =
            cmlx_copy(&nothing, dtype < 0 ? CMLX_FLOAT32 : dtype, survey.shape, survey.rank);
        return empty ? empty : (raise_failure(), 0);
    }
    char *bytes = malloc(8 * (size_t)survey.count);
    if (!bytes) return PyErr_NoMemory(), 0;
    char *end = bytes;
    cmlx_array handle = 0;
    if (fill(list, 0, &survey, &end) == 0) {
        handle = narrowed(bytes, &survey, dtype);
        if (!handle) raise_failure();
    }
    free(bytes);
    return handle;
}

int is_array_like(PyObject *object) {
    if (IS_ARRAY(object)) return 1;
    if (PyUnicode_Check(object) || PyBytes_Check(object) || is_list(object)) return 0;
    return PyObject_CheckBuffer(object) || PyObject_HasAttrString(object, "__mlx_array__") ||
           PyObject_HasAttrString(object, "__dlpack__");
}

/* As MLX has it: doubles become float32 unless float64 is asked for. What the other library writes
 * there later does not change the array. */
static cmlx_array doubles_made_single(PyObject *object, int dtype) {
    cmlx_array handle = array_from_dlpack(object, dtype, COPIED);
    int is_double = handle && dtype < 0 && cmlx_dtype(handle) == CMLX_FLOAT64;
    return is_double ? cast(handle, CMLX_FLOAT32) : handle;
}

/* Whether an object is of NumPy's with the bfloat16 of the package ml_dtypes, which buffers and
 * DLPack cannot name. */
static int is_foreign_bfloat16(PyObject *object) {
    if (!PyObject_HasAttrString(object, "dtype")) return 0;
    PyObject *dtype = PyObject_GetAttrString(object, "dtype");
    PyObject *name = dtype ? PyObject_GetAttrString(dtype, "name") : NULL;
    int is_so = name && PyUnicode_Check(name) &&
                PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0;
    Py_XDECREF(dtype);
    Py_XDECREF(name);
    PyErr_Clear();
    return is_so;
}

static cmlx_array from_foreign_bfloat16(PyObject *object, int dtype) {
    PyObject *bits = PyObject_CallMethod(object, "view", "s", "uint16");
    cmlx_array handle = bits ? array_from_buffer(bits, CMLX_UINT16) : 0;
    Py_XDECREF(bits);
    if (!handle) return 0;
    cmlx_argument arguments[2] = {{.kind = CMLX_ARRAY, .value.array = handle},
                                  {.kind = CMLX_DTYPE, .value.integer = CMLX_BFLOAT16}};
    cmlx_list results;
    cmlx_list_init(&results);
    int status = cmlx_call(function_named("view"), arguments, 2, &results);
    cmlx_release(handle);
    if (status < 0) return raise_failure(), 0;
    return cast(cmlx_list_arrays(&results)[0], dtype);
}

/* An array of what a buffer holds, else of what DLPack shares. */
static cmlx_array from_memory(PyObject *object, int dtype) {
    cmlx_array handle = array_from_buffer(object, dtype);
    if (handle) return handle;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int is_foreign = is_foreign_bfloat16(object);
    if (!is_foreign && !PyObject_HasAttrString(object, "__dlpack__")) {
        PyErr_Restore(type, value, traceback);
        return 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return is_foreign ? from_foreign_bfloat16(object, dtype) : doubles_made_single(object, dtype);
}

cmlx_array array_from(PyObject *object, int dtype) {
    if (IS_ARRAY(object)) {
        cmlx_retain(HANDLE(object));
        return cast(HANDLE(object), dtype);
    }
    unsigned long long large;
    if (is_large_uint64(object, dtype, &large)) return cmlx_copy(&large, CMLX_UINT64, NULL, 0);
    cmlx_scalar scalar = {0};
    int found = scalar_from(object, &scalar);
    if (found < 0) return 0;
    if (found) {
        cmlx_array handle = cmlx_scalar_array(scalar, dtype);
        return handle ? handle : (raise_failure(), 0);
    }
    if (is_list(object)) {
        if (Py_EnterRecursiveCall(" in a list of arrays")) return 0;
        cmlx_array handle = from_list(object, dtype);
        Py_LeaveRecursiveCall();
        return handle;
    }
    if (object != Py_None && !PyUnicode_Check(object)) {
        if (PyObject_HasAttrString(object, "__mlx_array__")) {
            PyObject *array = PyObject_CallMethod(object, "__mlx_array__", NULL);
            if (!array) return 0;
            cmlx_array handle = 0;
            if (IS_ARRAY(array))
                handle = array_from(array, dtype);
            else
                PyErr_SetString(PyExc_TypeError, "__mlx_array__ must return an array");
            Py_DECREF(array);
            return handle;
        }
        if (PyObject_CheckBuffer(object)) return from_memory(object, dtype);
        if (PyObject_HasAttrString(object, "__dlpack__")) return doubles_made_single(object, dtype);
    }
    no_array_of(object, object == Py_None ? PyExc_TypeError : PyExc_ValueError);
    return 0;
}

static PyObject *asarray(PyObject *module, PyObject *args, PyObject *names) {
    (void)module;
    PyObject *object, *dtype = Py_None, *copy = Py_None;
    static char *keywords[] = {"a", "dtype", "copy", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, names, "O|O$O:asarray", keywords, &object, &dtype,
                                     &copy))
        return NULL;
    int number = dtype == Py_None ? -1 : dtype_number(dtype);
    if (number < 0 && dtype != Py_None) return NULL;
    if (IS_ARRAY(object) && copy != Py_True && (number < 0 || cmlx_dtype(HANDLE(object)) == number))
        return Py_NewRef(object);
    if (copy == Py_False) {
        PyErr_SetString(PyExc_ValueError, "an array of that needs a copy");
        return NULL;
    }
    cmlx_array handle = array_from(object, number);
    return handle ? array_wrap(handle) : NULL;
}

static PyMethodDef methods[] = {
    {"asarray", (PyCFunction)(void (*)(void))asarray, METH_VARARGS | METH_KEYWORDS,
     "asarray(a, dtype=None, *, copy=None)\n--\n\n"
     "The array itself, or an array of a scalar, a list, a buffer or a DLPack exporter."},
    {NULL, NULL, 0, NULL},
};

int convert_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }
