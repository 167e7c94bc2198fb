/* Evaluation, devices and memory. */
#include "engine.h"

static unsigned long main_thread;

/* Asked between steps, without the interpreter's lock: whether a handler of a signal, of SIGINT
 * usually, has raised an exception, which stays for the caller of the evaluation. */
static int32_t is_interrupted(void *unused) {
    (void)unused;
    PyGILState_STATE state = PyGILState_Ensure();
    int status = PyErr_CheckSignals();
    PyGILState_Release(state);
    return status < 0;
}

/* Evaluates without the interpreter's lock. Signals are the main thread's. */
static int32_t evaluate_interruptibly(const cmlx_array *handles, int32_t count) {
    int is_main = PyThread_get_thread_ident() == main_thread;
    return cmlx_evaluate_watched(handles, count, is_main ? is_interrupted : NULL, NULL);
}

int evaluate_one(cmlx_array handle) {
    if (cmlx_is_evaluated(handle)) return 0;
    int status;
    Py_BEGIN_ALLOW_THREADS status = evaluate_interruptibly(&handle, 1);
    Py_END_ALLOW_THREADS if (status < 0) raise_failure();
    return PyErr_Occurred() ? -1 : status;
}

/* Evaluates the arrays of trees. The references are taken before the lock is let go. */
static PyObject *evaluate(PyObject *trees, int32_t (*function)(const cmlx_array *, int32_t)) {
    PyObject *list = PyList_New(0);
    if (!list || tree_arrays(trees, list) < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    Py_ssize_t count = PyList_Size(list);
    cmlx_array *handles = malloc((size_t)(count + 1) * sizeof *handles);
    if (!handles) {
        Py_DECREF(list);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        handles[index] = HANDLE(PyList_GetItem(list, index));
        cmlx_retain(handles[index]);
    }
    Py_DECREF(list);
    int status;
    Py_BEGIN_ALLOW_THREADS status = function(handles, (int32_t)count);
    for (Py_ssize_t index = 0; index < count; index++)
        cmlx_release(handles[index]);
    Py_END_ALLOW_THREADS free(handles);
    if (status < 0) return raise_failure();
    /* The exception of a signal's handler may have come together with the last step. */
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

static PyObject *eval(PyObject *module, PyObject *args) {
    (void)module;
    return evaluate(args, evaluate_interruptibly);
}

static PyObject *async_eval(PyObject *module, PyObject *args) {
    (void)module;
    return evaluate(args, cmlx_evaluate_async);
}

static PyObject *synchronize(PyObject *module, PyObject *args, PyObject *names) {
    (void)module;
    PyObject *stream = Py_None;
    static char *keywords[] = {"stream", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, names, "|O:synchronize", keywords, &stream) ||
        check_stream(stream) < 0)
        return NULL;
    int32_t status;
    Py_BEGIN_ALLOW_THREADS status = cmlx_synchronize();
    Py_END_ALLOW_THREADS if (status < 0) return raise_failure();
    Py_RETURN_NONE;
}

static PyObject *explain(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *list = PyList_New(0);
    if (!list || tree_arrays(args, list) < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    cmlx_list handles;
    cmlx_list_init(&handles);
    for (Py_ssize_t index = 0; index < PyList_Size(list); index++)
        cmlx_list_append(&handles, HANDLE(PyList_GetItem(list, index)));
    char *text = cmlx_explain(cmlx_list_arrays(&handles), handles.count);
    cmlx_list_free(&handles);
    Py_DECREF(list);
    if (!text) return raise_failure();
    PyObject *result = PyUnicode_FromString(text);
    free(text);
    return result;
}

static PyObject *draw(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *list, *names;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &list, &PyList_Type, &names)) return NULL;
    Py_ssize_t count = PyList_Size(list);
    cmlx_list handles;
    cmlx_list_init(&handles);
    const char **labels = calloc((size_t)count + 1, sizeof *labels);
    for (Py_ssize_t index = 0; labels && index < count; index++) {
        PyObject *name = PyList_GetItem(names, index);
        if (!name || !(labels[index] = PyUnicode_AsUTF8AndSize(name, NULL))) break;
        if (!IS_ARRAY(PyList_GetItem(list, index)))
            PyErr_SetString(PyExc_TypeError, "expected arrays");
        else
            cmlx_list_append(&handles, HANDLE(PyList_GetItem(list, index)));
    }
    char *text = labels && !PyErr_Occurred()
                     ? cmlx_draw(cmlx_list_arrays(&handles), labels, handles.count)
                     : NULL;
    cmlx_list_free(&handles);
    free(labels);
    PyObject *result = text ? PyUnicode_FromString(text) : NULL;
    free(text);
    return result || PyErr_Occurred() ? result : PyErr_NoMemory();
}

static PyObject *trace(PyObject *module, PyObject *path) {
    (void)module;
    const char *name = path == Py_None ? NULL : PyUnicode_AsUTF8AndSize(path, NULL);
    if (path != Py_None && !name) return NULL;
    if (cmlx_trace(name) < 0) return raise_failure();
    Py_RETURN_NONE;
}

static PyObject *memory(PyObject *module, PyObject *what) {
    (void)module;
    return PyLong_FromLongLong(cmlx_memory((int32_t)PyLong_AsLong(what)));
}

static PyObject *set_memory(PyObject *module, PyObject *args) {
    (void)module;
    int what;
    long long bytes;
    if (!PyArg_ParseTuple(args, "iL", &what, &bytes)) return NULL;
    if (bytes < 0) {
        PyErr_SetString(PyExc_ValueError, "a limit is not negative");
        return NULL;
    }
    long long old = cmlx_memory(what);
    if (cmlx_set_memory(what, bytes) < 0) return raise_failure();
    return PyLong_FromLongLong(old);
}

static PyObject *clear_cache(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    cmlx_clear_cache();
    Py_RETURN_NONE;
}

static PyObject *node_count(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return PyLong_FromLongLong(cmlx_node_count());
}

static PyObject *enter_device(PyObject *module, PyObject *number) {
    (void)module;
    long device = PyLong_AsLong(number);
    if (device == -1 && PyErr_Occurred()) return NULL;
    if (cmlx_enter_device((int32_t)device) < 0) return raise_failure();
    Py_RETURN_NONE;
}

static PyObject *exit_device(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    cmlx_exit_device();
    Py_RETURN_NONE;
}

static PyObject *enter_precision(PyObject *module, PyObject *number) {
    (void)module;
    double tolerance = PyFloat_AsDouble(number);
    if (tolerance == -1 && PyErr_Occurred()) return NULL;
    if (cmlx_enter_precision(tolerance) < 0) return raise_failure();
    Py_RETURN_NONE;
}

static PyObject *exit_precision(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    cmlx_exit_precision();
    Py_RETURN_NONE;
}

static PyObject *system_description(PyObject *module, PyObject *none) {
    (void)module, (void)none;
    return Py_BuildValue("(is)", cmlx_thread_count(), cmlx_instruction_set());
}

static PyObject *promote(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *a, *b;
    if (!PyArg_ParseTuple(args, "OO", &a, &b)) return NULL;
    int left = dtype_number(a), right = left < 0 ? -1 : dtype_number(b);
    if (right < 0) return NULL;
    return dtype_object(cmlx_promote(left, right));
}

static PyMethodDef methods[] = {
    {"eval", eval, METH_VARARGS,
     "eval(*args)\n--\n\nComputes the arrays of the trees and waits for them."},
    {"async_eval", async_eval, METH_VARARGS,
     "async_eval(*args)\n--\n\nStarts to compute the arrays of the trees."},
    {"synchronize", (PyCFunction)(void (*)(void))synchronize, METH_VARARGS | METH_KEYWORDS,
     "synchronize(stream=None)\n--\n\nWaits for everything that was started, and raises what "
     "first failed of it since the last call."},
    {"explain", explain, METH_VARARGS,
     "explain(*args)\n--\n\nThe plan of evaluating the arrays of the trees, as text."},
    {"clear_cache", clear_cache, METH_NOARGS,
     "clear_cache()\n--\n\nGives memory that is kept for later back to the system."},
    {"_draw", draw, METH_VARARGS, NULL},
    {"_trace_to", trace, METH_O, NULL},
    {"_memory", memory, METH_O, NULL},
    {"_set_memory", set_memory, METH_VARARGS, NULL},
    {"_node_count", node_count, METH_NOARGS, NULL},
    {"_enter_device", enter_device, METH_O, NULL},
    {"_exit_device", exit_device, METH_NOARGS, NULL},
    {"_enter_precision", enter_precision, METH_O, NULL},
    {"_exit_precision", exit_precision, METH_NOARGS, NULL},
    {"_system", system_description, METH_NOARGS, NULL},
    {"_promote", promote, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* The ident of the interpreter's main thread, which need not be the one that imports. */
static int find_main_thread(void) {
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *main = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
    PyObject *ident = main ? PyObject_GetAttrString(main, "ident") : NULL;
    if (ident) main_thread = PyLong_AsUnsignedLong(ident);
    Py_XDECREF(threading);
    Py_XDECREF(main);
    Py_XDECREF(ident);
    return PyErr_Occurred() ? -1 : 0;
}

int evaluate_add(PyObject *module) {
    if (find_main_thread() < 0) return -1;
    return PyModule_AddFunctions(module, methods);
}
