/* Transforms: the engine calls a Python function of a list of arrays back. */
#include "engine.h"

/* A list of new array objects that take the handles over. */
static PyObject *list_of(const cmlx_array *arrays, int32_t count) {
    PyObject *list = PyList_New(count);
    for (int32_t index = 0; index < count; index++) {
        PyObject *array = list ? array_wrap(arrays[index]) : (cmlx_release(arrays[index]), NULL);
        if (!array)
            Py_CLEAR(list);
        else
            PyList_SetItem(list, index, array);
    }
    return list;
}

/* A list of the arrays of a list that the engine filled; frees it. */
static PyObject *results(cmlx_list *list) {
    PyObject *arrays = list_of(cmlx_list_arrays(list), list->count);
    cmlx_list_free(list);
    return arrays;
}

/* Appends what a Python function returned, a sequence of arrays. */
static int32_t append_all(PyObject *sequence, cmlx_list *outputs) {
    PyObject *tuple = sequence ? PySequence_Tuple(sequence) : NULL;
    Py_ssize_t count = tuple ? PyTuple_Size(tuple) : 0;
    int32_t status = tuple ? 0 : -1;
    for (Py_ssize_t index = 0; !status && index < count; index++) {
        PyObject *item = PyTuple_GetItem(tuple, index);
        if (!IS_ARRAY(item)) {
            PyErr_Format(PyExc_ValueError, "the function returned %R, not an array", Py_TYPE(item));
            status = -1;
        } else {
            cmlx_retain(HANDLE(item));
            status = cmlx_list_append(outputs, HANDLE(item));
        }
    }
    Py_XDECREF(tuple);
    return status;
}

/* Once something failed nothing is called any more: the exception is on its way out. */
static int32_t call_python(PyObject *function, const cmlx_array *inputs, int32_t count,
                           cmlx_list *outputs) {
    PyObject *list = list_of(inputs, count);
    if (PyErr_Occurred() || !list) {
        Py_XDECREF(list);
        return -1;
    }
    PyObject *value = PyObject_CallFunctionObjArgs(function, list, NULL);
    Py_DECREF(list);
    int32_t status = append_all(value, outputs);
    Py_XDECREF(value);
    return status;
}

static int32_t call_function(void *context, const cmlx_array *inputs, int32_t count,
                             cmlx_list *outputs) {
    return call_python(context, inputs, count, outputs);
}

/* The handles of a list of arrays, borrowed; NULL with an exception. */
static cmlx_array *handles_of(PyObject *list, int32_t *count) {
    *count = (int32_t)PyList_Size(list);
    cmlx_array *handles = malloc((size_t)(*count + 1) * sizeof *handles);
    if (!handles) return (cmlx_array *)PyErr_NoMemory();
    for (int32_t index = 0; index < *count; index++) {
        PyObject *item = PyList_GetItem(list, index);
        if (!IS_ARRAY(item)) {
            free(handles);
            PyErr_Format(PyExc_ValueError, "expected arrays, not %R", Py_TYPE(item));
            return NULL;
        }
        handles[index] = HANDLE(item);
        cmlx_retain(handles[index]);
    }
    return handles;
}

static void free_handles(cmlx_array *handles, int32_t count) {
    for (int32_t index = 0; handles && index < count; index++)
        cmlx_release(handles[index]);
    free(handles);
}

/* Gives up what a list holds. */
static void drop(cmlx_list *list) { Py_XDECREF(results(list)); }

/* The two lists of a transform as a tuple, or its failure. A failed callback has left its own
 * exception, whatever the engine says. */
static PyObject *pair(int32_t status, cmlx_list *first, cmlx_list *second) {
    if (status < 0 || PyErr_Occurred()) {
        PyObject *type, *value, *traceback;
        raise_failure();
        PyErr_Fetch(&type, &value, &traceback);
        drop(first);
        drop(second);
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    PyObject *outputs = results(first), *others = results(second);
    PyObject *both = outputs && others ? PyTuple_Pack(2, outputs, others) : NULL;
    Py_XDECREF(outputs);
    Py_XDECREF(others);
    return both;
}

/* The one list of a transform. */
static PyObject *single(int32_t status, cmlx_list *list) {
    cmlx_list none;
    cmlx_list_init(&none);
    PyObject *both = pair(status, list, &none);
    PyObject *first = both ? Py_NewRef(PyTuple_GetItem(both, 0)) : NULL;
    Py_XDECREF(both);
    return first;
}

static PyObject *value_and_grad(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *function, *inputs;
    int32_t count;
    if (!PyArg_ParseTuple(args, "OO!", &function, &PyList_Type, &inputs)) return NULL;
    cmlx_array *handles = handles_of(inputs, &count);
    int32_t *wanted = handles ? malloc((size_t)(count + 1) * sizeof *wanted) : NULL;
    if (!wanted) {
        free_handles(handles, count);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    for (int32_t index = 0; index < count; index++)
        wanted[index] = index;
    cmlx_list outputs, gradients;
    cmlx_list_init(&outputs);
    cmlx_list_init(&gradients);
    int32_t status = cmlx_value_and_grad(call_function, function, handles, count, wanted, count,
                                         &outputs, &gradients);
    free_handles(handles, count);
    free(wanted);
    return pair(status, &outputs, &gradients);
}

static PyObject *products(PyObject *args, int is_vjp) {
    PyObject *function, *inputs, *others;
    int32_t count, other_count;
    if (!PyArg_ParseTuple(args, "OO!O!", &function, &PyList_Type, &inputs, &PyList_Type, &others))
        return NULL;
    cmlx_array *handles = handles_of(inputs, &count);
    cmlx_array *directions = handles ? handles_of(others, &other_count) : NULL;
    if (!directions) {
        free_handles(handles, count);
        return NULL;
    }
    cmlx_list outputs, derivatives;
    cmlx_list_init(&outputs);
    cmlx_list_init(&derivatives);
    int32_t status = 0;
    if (is_vjp)
        status = cmlx_vjp(call_function, function, handles, count, directions, other_count,
                          &outputs, &derivatives);
    else if (count != other_count)
        PyErr_Format(PyExc_ValueError, "[jvp] %d inputs, but %d tangents", count, other_count);
    else
        status =
            cmlx_jvp(call_function, function, handles, count, directions, &outputs, &derivatives);
    free_handles(handles, count);
    free_handles(directions, other_count);
    return pair(status, &outputs, &derivatives);
}

static PyObject *vjp(PyObject *module, PyObject *args) {
    (void)module;
    return products(args, 1);
}

static PyObject *jvp(PyObject *module, PyObject *args) {
    (void)module;
    return products(args, 0);
}

/* - vmap - */

/* An axis, or None. */
static int axis_from(PyObject *value, int64_t *axis) {
    if (value == Py_None) {
        *axis = CMLX_NO_AXIS;
        return 0;
    }
    *axis = PyLong_AsLongLong(value);
    return *axis == -1 && PyErr_Occurred() ? -1 : 0;
}

typedef struct {
    PyObject *function; /* of arrays: (outputs, axes) */
    cmlx_axes axes;
    int64_t *memory;
} Mapped;

static int32_t call_mapped(void *context, const cmlx_array *inputs, int32_t count,
                           cmlx_list *outputs) {
    Mapped *mapped = context;
    PyObject *list = list_of(inputs, count);
    PyObject *value = list && !PyErr_Occurred()
                          ? PyObject_CallFunctionObjArgs(mapped->function, list, NULL)
                          : NULL;
    Py_XDECREF(list);
    PyObject *arrays, *axes;
    int32_t status = -1;
    if (value && PyArg_ParseTuple(value, "OO!", &arrays, &PyList_Type, &axes)) {
        Py_ssize_t number = PyList_Size(axes);
        mapped->memory = malloc((size_t)(number + 1) * sizeof *mapped->memory);
        if (!mapped->memory)
            PyErr_NoMemory();
        else
            status = append_all(arrays, outputs);
        for (Py_ssize_t index = 0; !status && index < number; index++)
            status = axis_from(PyList_GetItem(axes, index), &mapped->memory[index]);
        mapped->axes = (cmlx_axes){mapped->memory, (int32_t)number};
    }
    Py_XDECREF(value);
    return status;
}

static PyObject *vmap(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *inputs, *axes;
    Mapped mapped = {0};
    int32_t count;
    if (!PyArg_ParseTuple(args, "OO!O!", &mapped.function, &PyList_Type, &inputs, &PyList_Type,
                          &axes))
        return NULL;
    cmlx_array *handles = handles_of(inputs, &count);
    int64_t *in_axes = handles ? malloc((size_t)(count + 1) * sizeof *in_axes) : NULL;
    int32_t status = in_axes && PyList_Size(axes) == count ? 0 : -1;
    if (status < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "[vmap] axes do not fit the inputs");
    for (int32_t index = 0; !status && index < count; index++)
        status = axis_from(PyList_GetItem(axes, index), &in_axes[index]);
    cmlx_list outputs;
    cmlx_list_init(&outputs);
    if (!status)
        status = cmlx_vmap(call_mapped, &mapped, handles, count, in_axes, &mapped.axes, &outputs);
    free_handles(handles, count);
    free(in_axes);
    free(mapped.memory);
    return single(status, &outputs);
}

/* - Functions that are kept - */

static PyObject *checkpoint(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *function, *inputs;
    int32_t count;
    if (!PyArg_ParseTuple(args, "OO!", &function, &PyList_Type, &inputs)) return NULL;
    cmlx_array *handles = handles_of(inputs, &count);
    if (!handles) return NULL;
    cmlx_list outputs;
    cmlx_list_init(&outputs);
    int32_t status = cmlx_checkpoint(call_function, release_later, Py_NewRef(function), handles,
                                     count, &outputs);
    free_handles(handles, count);
    return single(status, &outputs);
}

/* The rules of a custom function: a tuple of vjp, jvp and vmap, None where there is none. */
static int32_t call_vjp(void *context, const cmlx_array *inputs, int32_t count,
                        cmlx_list *outputs) {
    return call_python(PyTuple_GetItem(context, 0), inputs, count, outputs);
}

static int32_t call_jvp(void *context, const cmlx_array *inputs, int32_t count,
                        cmlx_list *outputs) {
    return call_python(PyTuple_GetItem(context, 1), inputs, count, outputs);
}

static int32_t call_vmap(void *context, const cmlx_array *inputs, int32_t count,
                         const int64_t *axes, cmlx_list *outputs, int64_t *out_axes) {
    PyObject *list = list_of(inputs, count), *numbers = PyList_New(count);
    for (int32_t index = 0; numbers && index < count; index++)
        PyList_SetItem(numbers, index,
                       axes[index] == CMLX_NO_AXIS ? Py_NewRef(Py_None)
                                                   : PyLong_FromLongLong(axes[index]));
    PyObject *value =
        list && numbers && !PyErr_Occurred()
            ? PyObject_CallFunctionObjArgs(PyTuple_GetItem(context, 2), list, numbers, NULL)
            : NULL;
    Py_XDECREF(list);
    Py_XDECREF(numbers);
    PyObject *arrays, *found;
    int32_t status = -1;
    if (value && PyArg_ParseTuple(value, "OO!", &arrays, &PyList_Type, &found)) {
        status = append_all(arrays, outputs);
        for (Py_ssize_t index = 0; !status && index < PyList_Size(found) && index < 64; index++)
            status = axis_from(PyList_GetItem(found, index), &out_axes[index]);
    }
    Py_XDECREF(value);
    return status;
}

static PyObject *custom(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *given, *inputs, *rules;
    int32_t count, output_count;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyList_Type, &given, &PyList_Type, &inputs,
                          &PyTuple_Type, &rules))
        return NULL;
    if (PyTuple_Size(rules) != 3) return PyErr_Format(PyExc_ValueError, "three rules");
    cmlx_array *outputs = handles_of(given, &output_count);
    cmlx_array *handles = outputs ? handles_of(inputs, &count) : NULL;
    if (!handles) {
        free_handles(outputs, output_count);
        return NULL;
    }
    cmlx_list list;
    cmlx_list_init(&list);
    int32_t status = cmlx_custom(outputs, output_count, handles, count,
                                 PyTuple_GetItem(rules, 0) != Py_None ? call_vjp : NULL,
                                 PyTuple_GetItem(rules, 1) != Py_None ? call_jvp : NULL,
                                 PyTuple_GetItem(rules, 2) != Py_None ? call_vmap : NULL,
                                 release_later, Py_NewRef(rules), &list);
    free_handles(outputs, output_count);
    free_handles(handles, count);
    return single(status, &list);
}

/* - Compiled functions and functions in files: capsules with what the engine keeps - */

static void free_compiled(PyObject *capsule) {
    cmlx_compiled_free(PyCapsule_GetPointer(capsule, "compiled"));
}

static PyObject *compiled_make(PyObject *module, PyObject *shapeless) {
    (void)module;
    return PyCapsule_New(cmlx_compiled_make(PyObject_IsTrue(shapeless)), "compiled", free_compiled);
}

static PyObject *compiled_call(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *function, *inputs;
    int32_t count, recorded = 0;
    if (!PyArg_ParseTuple(args, "OOO!", &capsule, &function, &PyList_Type, &inputs)) return NULL;
    cmlx_compiled *compiled = PyCapsule_GetPointer(capsule, "compiled");
    cmlx_array *handles = compiled ? handles_of(inputs, &count) : NULL;
    if (!handles) return NULL;
    cmlx_list outputs;
    cmlx_list_init(&outputs);
    int32_t status =
        cmlx_compiled_call(compiled, call_function, function, handles, count, &outputs, &recorded);
    free_handles(handles, count);
    return single(status, &outputs);
}

static void free_imported(PyObject *capsule) {
    cmlx_imported_free(PyCapsule_GetPointer(capsule, "imported"));
}

static PyObject *import_(PyObject *module, PyObject *path) {
    (void)module;
    const char *name = PyUnicode_AsUTF8AndSize(path, NULL);
    cmlx_imported *imported = name ? cmlx_import(name) : NULL;
    if (!imported) return raise_failure();
    return PyCapsule_New(imported, "imported", free_imported);
}

static PyObject *imported_note(PyObject *module, PyObject *capsule) {
    (void)module;
    cmlx_imported *imported = PyCapsule_GetPointer(capsule, "imported");
    char *note = imported ? cmlx_imported_note(imported) : NULL;
    PyObject *text = note ? PyUnicode_FromString(note) : NULL;
    free(note);
    return text || PyErr_Occurred() ? text : PyErr_NoMemory();
}

/* The UTF-8 of a list of strings, borrowed from them. */
static const char **texts_of(PyObject *list) {
    Py_ssize_t count = PyList_Size(list);
    const char **texts = malloc((size_t)(count + 1) * sizeof *texts);
    for (Py_ssize_t index = 0; texts && index < count; index++) {
        texts[index] = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, index), NULL);
        if (!texts[index]) {
            free(texts);
            return NULL;
        }
    }
    return texts ? texts : (const char **)PyErr_NoMemory();
}

static PyObject *imported_call(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *inputs, *names;
    int32_t count;
    if (!PyArg_ParseTuple(args, "OO!O!", &capsule, &PyList_Type, &inputs, &PyList_Type, &names))
        return NULL;
    cmlx_imported *imported = PyCapsule_GetPointer(capsule, "imported");
    cmlx_array *handles = imported ? handles_of(inputs, &count) : NULL;
    const char **labels = handles && PyList_Size(names) == count ? texts_of(names) : NULL;
    cmlx_list outputs;
    cmlx_list_init(&outputs);
    int32_t status = -1;
    if (labels) status = cmlx_imported_call(imported, handles, labels, count, &outputs);
    free_handles(handles, count);
    free(labels);
    return single(status, &outputs);
}

static void free_exporter(PyObject *capsule) {
    cmlx_exporter_free(PyCapsule_GetPointer(capsule, "exporter"));
}

static PyObject *exporter_make(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyCapsule_New(cmlx_exporter_make(), "exporter", free_exporter);
}

static PyObject *exporter_add(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule, *function, *inputs, *names;
    int shapeless;
    int32_t count;
    if (!PyArg_ParseTuple(args, "OOO!O!p", &capsule, &function, &PyList_Type, &inputs,
                          &PyList_Type, &names, &shapeless))
        return NULL;
    cmlx_exporter *exporter = PyCapsule_GetPointer(capsule, "exporter");
    cmlx_array *handles = exporter ? handles_of(inputs, &count) : NULL;
    const char **labels = handles && PyList_Size(names) == count ? texts_of(names) : NULL;
    int32_t status = -1;
    if (labels)
        status = cmlx_exporter_add(exporter, call_function, function, handles, labels, count,
                                   shapeless);
    free_handles(handles, count);
    free(labels);
    if (status < 0 || PyErr_Occurred()) return raise_failure();
    Py_RETURN_NONE;
}

static PyObject *exporter_write(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *capsule;
    const char *path, *note;
    if (!PyArg_ParseTuple(args, "Oss", &capsule, &path, &note)) return NULL;
    cmlx_exporter *exporter = PyCapsule_GetPointer(capsule, "exporter");
    if (!exporter) return NULL;
    if (cmlx_exporter_write(exporter, path, note) < 0) return raise_failure();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"_value_and_grad", value_and_grad, METH_VARARGS, NULL},
    {"_vjp", vjp, METH_VARARGS, NULL},
    {"_jvp", jvp, METH_VARARGS, NULL},
    {"_vmap", vmap, METH_VARARGS, NULL},
    {"_checkpoint", checkpoint, METH_VARARGS, NULL},
    {"_custom", custom, METH_VARARGS, NULL},
    {"_compiled_make", compiled_make, METH_O, NULL},
    {"_compiled_call", compiled_call, METH_VARARGS, NULL},
    {"_import", import_, METH_O, NULL},
    {"_imported_note", imported_note, METH_O, NULL},
    {"_imported_call", imported_call, METH_VARARGS, NULL},
    {"_exporter_make", exporter_make, METH_NOARGS, NULL},
    {"_exporter_add", exporter_add, METH_VARARGS, NULL},
    {"_exporter_write", exporter_write, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int transforms_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }
