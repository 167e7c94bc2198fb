/* Files of arrays. Names of files and formats come from Python; see `files.py`. */
#include "engine.h"

static PyObject *texts(cmlx_table *table, int32_t entry) {
    if (!cmlx_table_text_is_list(table, entry))
        return PyUnicode_DecodeUTF8(cmlx_table_text(table, entry, 0),
                                    (Py_ssize_t)strlen(cmlx_table_text(table, entry, 0)),
                                    "replace");
    int32_t count = cmlx_table_text_count(table, entry);
    PyObject *list = PyList_New(count);
    for (int32_t index = 0; list && index < count; index++) {
        const char *text = cmlx_table_text(table, entry, index);
        PyObject *item = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        if (!item)
            Py_CLEAR(list);
        else
            PyList_SetItem(list, index, item);
    }
    return list;
}

/* (arrays, metadata), two dictionaries. */
static PyObject *load(PyObject *module, PyObject *args) {
    (void)module;
    const char *path, *format;
    if (!PyArg_ParseTuple(args, "ss", &path, &format)) return NULL;
    cmlx_table *table;
    Py_BEGIN_ALLOW_THREADS table = cmlx_load(path, format);
    Py_END_ALLOW_THREADS if (!table) return raise_failure();
    PyObject *parts[2] = {PyDict_New(), PyDict_New()};
    int status = parts[0] && parts[1] ? 0 : -1;
    for (int32_t entry = 0; !status && entry < cmlx_table_count(table); entry++) {
        cmlx_array array = cmlx_table_array(table, entry);
        PyObject *value = array ? array_wrap(array) : texts(table, entry);
        status = value ? PyDict_SetItemString(parts[cmlx_table_section(table, entry)],
                                              cmlx_table_name(table, entry), value)
                       : -1;
        Py_XDECREF(value);
    }
    cmlx_table_free(table);
    PyObject *both = status ? NULL : PyTuple_Pack(2, parts[0], parts[1]);
    Py_XDECREF(parts[0]);
    Py_XDECREF(parts[1]);
    return both;
}

static int add_texts(cmlx_table *table, const char *name, PyObject *value) {
    int is_list = PyList_Check(value) || PyTuple_Check(value);
    Py_ssize_t count = is_list ? PySequence_Size(value) : 1;
    const char **pieces = calloc((size_t)count + 1, sizeof *pieces);
    if (!pieces) return PyErr_NoMemory(), -1;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = !is_list ? Py_NewRef(value) : PySequence_GetItem(value, index);
        if (item && !PyUnicode_Check(item))
            PyErr_Format(PyExc_TypeError, "metadata '%s' must be text, not %R", name,
                         Py_TYPE(item));
        else if (item)
            pieces[index] = PyUnicode_AsUTF8AndSize(item, NULL); /* the list keeps it */
        Py_XDECREF(item);
        if (!pieces[index]) {
            free(pieces);
            return -1;
        }
    }
    int status =
        cmlx_table_add_texts(table, CMLX_TABLE_METADATA, name, pieces, (int32_t)count, is_list);
    free(pieces);
    return status;
}

static int add_entries(cmlx_table *table, int32_t section, PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8AndSize(key, NULL) : NULL;
        if (!name) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "names of arrays are strings");
            return -1;
        }
        int status;
        if (IS_ARRAY(value))
            status = cmlx_table_add_array(table, section, name, HANDLE(value));
        else if (section == CMLX_TABLE_METADATA)
            status = add_texts(table, name, value);
        else {
            PyErr_Format(PyExc_TypeError, "'%s' must be an array, not %R", name, Py_TYPE(value));
            return -1;
        }
        if (status < 0) return -1;
    }
    return 0;
}

static PyObject *save(PyObject *module, PyObject *args) {
    (void)module;
    const char *path, *format;
    PyObject *arrays, *metadata;
    if (!PyArg_ParseTuple(args, "ssO!O!", &path, &format, &PyDict_Type, &arrays, &PyDict_Type,
                          &metadata))
        return NULL;
    cmlx_table *table = cmlx_table_make();
    int status = add_entries(table, CMLX_TABLE_ARRAYS, arrays);
    if (!status) status = add_entries(table, CMLX_TABLE_METADATA, metadata);
    if (!status) {
        Py_BEGIN_ALLOW_THREADS status = cmlx_save(path, format, table);
        Py_END_ALLOW_THREADS
    }
    cmlx_table_free(table);
    if (status) return raise_failure();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"_load", load, METH_VARARGS, NULL},
    {"_save", save, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int files_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }
