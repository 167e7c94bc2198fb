/* Trees of arrays: nested lists, tuples and dictionaries. */
#include "engine.h"

static int visit_arrays(PyObject *tree, PyObject *list);

static int visit_dict(PyObject *tree, PyObject *list) {
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(tree, &position, &key, &value)) {
        int status = visit_arrays(value, list);
        if (status < 0) return -1;
    }
    return 0;
}

static int visit_arrays(PyObject *tree, PyObject *list) {
    if (IS_ARRAY(tree)) return PyList_Append(list, tree);
    int status = 0;
    if (!PyDict_Check(tree) && !PyList_Check(tree) && !PyTuple_Check(tree)) return 0;
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return -1;
    if (PyDict_Check(tree))
        status = visit_dict(tree, list);
    else if (PyList_Check(tree))
        for (Py_ssize_t index = 0; !status && index < PyList_Size(tree); index++)
            status = visit_arrays(PyList_GetItem(tree, index), list);
    else
        for (Py_ssize_t index = 0; !status && index < PyTuple_Size(tree); index++)
            status = visit_arrays(PyTuple_GetItem(tree, index), list);
    Py_LeaveRecursiveCall();
    return status;
}

int tree_arrays(PyObject *tree, PyObject *list) { return visit_arrays(tree, list); }

/* - Flattening -
 *
 * A structure is what remains of a tree without its arrays, in tuples that can be hashed:
 * ("a",) an array, ("c", type, value) anything else, ("l", ...) a list, ("t", ...) a tuple,
 * ("n", type, ...) a tuple of another type, named or not, ("d", keys, ...) a dictionary. */

static PyObject *structure_of(PyObject *tree, PyObject *arrays);

static PyObject *tuple_of(PyObject *tag, PyObject *head, Py_ssize_t count, PyObject *tree,
                          PyObject *keys, PyObject *arrays) {
    Py_ssize_t start = head ? 2 : 1;
    PyObject *result = PyTuple_New(start + count);
    if (!result) return NULL;
    PyTuple_SetItem(result, 0, tag);
    if (head) PyTuple_SetItem(result, 1, Py_NewRef(head));
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item;
        if (keys)
            item = PyDict_GetItemWithError(tree, PyTuple_GetItem(keys, index));
        else
            item = PyList_Check(tree) ? PyList_GetItem(tree, index) : PyTuple_GetItem(tree, index);
        PyObject *part = item ? structure_of(item, arrays) : NULL;
        if (!part) {
            Py_DECREF(result);
            return NULL;
        }
        PyTuple_SetItem(result, start + index, part);
    }
    return result;
}

static PyObject *structure_of(PyObject *tree, PyObject *arrays) {
    if (IS_ARRAY(tree)) {
        if (PyList_Append(arrays, tree) < 0) return NULL;
        return Py_BuildValue("(s)", "a");
    }
    int is_dict = PyDict_Check(tree), is_list = PyList_Check(tree), is_tuple = PyTuple_Check(tree);
    if (!is_dict && !is_list && !is_tuple) return Py_BuildValue("(sOO)", "c", Py_TYPE(tree), tree);
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return NULL;
    PyObject *result = NULL;
    if (is_dict) {
        PyObject *list = PyDict_Keys(tree), *keys = list ? PyList_AsTuple(list) : NULL;
        if (keys)
            result = tuple_of(PyUnicode_InternFromString("d"), keys, PyTuple_Size(keys), tree, keys,
                              arrays);
        Py_XDECREF(list);
        Py_XDECREF(keys);
    } else if (is_list)
        result =
            tuple_of(PyUnicode_InternFromString("l"), NULL, PyList_Size(tree), tree, NULL, arrays);
    else if (!PyTuple_CheckExact(tree))
        result = tuple_of(PyUnicode_InternFromString("n"), (PyObject *)Py_TYPE(tree),
                          PyTuple_Size(tree), tree, NULL, arrays);
    else
        result =
            tuple_of(PyUnicode_InternFromString("t"), NULL, PyTuple_Size(tree), tree, NULL, arrays);
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *flatten(PyObject *module, PyObject *tree) {
    (void)module;
    PyObject *arrays = PyList_New(0);
    PyObject *structure = arrays ? structure_of(tree, arrays) : NULL;
    if (!structure) {
        Py_XDECREF(arrays);
        return NULL;
    }
    return Py_BuildValue("(NN)", arrays, structure);
}

/* A tuple of another type with the given items; a named one takes them one by one. */
static PyObject *retyped(PyObject *type, PyObject *items) {
    if (!items) return NULL;
    PyObject *result = PyObject_HasAttrString(type, "_fields")
                           ? PyObject_CallObject(type, items)
                           : PyObject_CallFunctionObjArgs(type, items, NULL);
    Py_DECREF(items);
    return result;
}

static PyObject *build(PyObject *structure, PyObject *arrays, Py_ssize_t *next);

static PyObject *build_dict(PyObject *structure, PyObject *arrays, Py_ssize_t *next) {
    PyObject *keys = PyTuple_GetItem(structure, 1), *dict = PyDict_New();
    for (Py_ssize_t index = 2; dict && index < PyTuple_Size(structure); index++) {
        PyObject *part = build(PyTuple_GetItem(structure, index), arrays, next);
        if (!part || PyDict_SetItem(dict, PyTuple_GetItem(keys, index - 2), part) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(part);
    }
    return dict;
}

static PyObject *build(PyObject *structure, PyObject *arrays, Py_ssize_t *next) {
    const char *tag = PyTuple_Check(structure) && PyTuple_Size(structure) > 0
                          ? PyUnicode_AsUTF8AndSize(PyTuple_GetItem(structure, 0), NULL)
                          : NULL;
    if (!tag) return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "not a structure");
    if (*tag == 'a') {
        if (*next < PyList_Size(arrays)) return Py_NewRef(PyList_GetItem(arrays, (*next)++));
        return PyErr_Format(PyExc_ValueError, "the structure has more arrays than are given");
    }
    if (*tag == 'c') return Py_NewRef(PyTuple_GetItem(structure, 2));
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return NULL;
    PyObject *result;
    if (*tag == 'd')
        result = build_dict(structure, arrays, next);
    else {
        Py_ssize_t start = *tag == 'n' ? 2 : 1, count = PyTuple_Size(structure) - start;
        result = *tag == 'l' ? PyList_New(count) : PyTuple_New(count);
        for (Py_ssize_t index = 0; result && index < count; index++) {
            PyObject *part = build(PyTuple_GetItem(structure, start + index), arrays, next);
            if (!part)
                Py_CLEAR(result);
            else if (*tag == 'l')
                PyList_SetItem(result, index, part);
            else
                PyTuple_SetItem(result, index, part);
        }
        if (*tag == 'n') result = retyped(PyTuple_GetItem(structure, 1), result);
    }
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *unflatten(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *structure, *arrays;
    if (!PyArg_ParseTuple(args, "OO!", &structure, &PyList_Type, &arrays)) return NULL;
    Py_ssize_t next = 0;
    return build(structure, arrays, &next);
}

/* Puts arrays into the places of a tree's arrays, in its lists and dictionaries themselves. */
static int refill(PyObject *tree, PyObject *arrays, Py_ssize_t *next) {
    if (PyDict_Check(tree)) {
        PyObject *keys = PyDict_Keys(tree);
        int status = keys ? 0 : -1;
        for (Py_ssize_t index = 0; !status && index < PyList_Size(keys); index++) {
            PyObject *key = PyList_GetItem(keys, index), *item = PyDict_GetItemWithError(tree, key);
            if (!item)
                status = -1;
            else if (!IS_ARRAY(item))
                status = refill(item, arrays, next);
            else if (*next < PyList_Size(arrays))
                status = PyDict_SetItem(tree, key, PyList_GetItem(arrays, (*next)++));
        }
        Py_XDECREF(keys);
        return status;
    }
    if (PyList_Check(tree)) {
        int status = 0;
        for (Py_ssize_t index = 0; !status && index < PyList_Size(tree); index++) {
            PyObject *item = PyList_GetItem(tree, index);
            if (!IS_ARRAY(item))
                status = refill(item, arrays, next);
            else if (*next < PyList_Size(arrays))
                status = PyList_SetItem(tree, index, Py_NewRef(PyList_GetItem(arrays, (*next)++)));
        }
        return status;
    }
    if (PyTuple_Check(tree)) {
        for (Py_ssize_t index = 0; index < PyTuple_Size(tree); index++) {
            PyObject *item = PyTuple_GetItem(tree, index);
            /* A tuple cannot be changed, but the arrays in it can be made to stand for others. */
            if (IS_ARRAY(item) && *next < PyList_Size(arrays)) {
                cmlx_array handle = HANDLE(PyList_GetItem(arrays, (*next)++));
                cmlx_retain(handle);
                array_replace(item, handle);
            } else if (!IS_ARRAY(item) && refill(item, arrays, next) < 0)
                return -1;
        }
    }
    return 0;
}

static PyObject *fill(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *tree, *arrays;
    if (!PyArg_ParseTuple(args, "OO!", &tree, &PyList_Type, &arrays)) return NULL;
    Py_ssize_t next = 0;
    if (refill(tree, arrays, &next) < 0) return NULL;
    Py_RETURN_NONE;
}

/* - Lending -
 *
 * What a differentiated function gets: its arguments with other arrays in their places. Plain
 * lists and dictionaries are copied, so that threads can share them; those of other types, such as
 * modules, cannot be, and are filled themselves. */

typedef struct {
    PyObject *arrays;
    Py_ssize_t next;
    int kept; /* how many containers were filled themselves */
} Loan;

static PyObject *lent(PyObject *tree, Loan *loan);

static PyObject *lent_dict(PyObject *tree, Loan *loan) {
    PyObject *target = PyDict_CheckExact(tree) ? PyDict_New() : Py_NewRef(tree), *key, *value;
    Py_ssize_t position = 0;
    /* Values may be exchanged while one goes on, keys may not. */
    while (target && PyDict_Next(tree, &position, &key, &value)) {
        PyObject *part = lent(value, loan);
        if (!part || PyDict_SetItem(target, key, part) < 0) Py_CLEAR(target);
        Py_XDECREF(part);
    }
    return target;
}

static PyObject *lent(PyObject *tree, Loan *loan) {
    int is_dict = PyDict_Check(tree), is_list = PyList_Check(tree);
    if (IS_ARRAY(tree)) {
        if (loan->next < PyList_Size(loan->arrays))
            return Py_NewRef(PyList_GetItem(loan->arrays, loan->next++));
        return PyErr_Format(PyExc_ValueError, "the tree has more arrays than are given");
    }
    if (!is_dict && !is_list && !PyTuple_Check(tree)) return Py_NewRef(tree);
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return NULL;
    PyObject *result;
    loan->kept += (is_dict && !PyDict_CheckExact(tree)) || (is_list && !PyList_CheckExact(tree));
    if (is_dict)
        result = lent_dict(tree, loan);
    else {
        Py_ssize_t count = is_list ? PyList_Size(tree) : PyTuple_Size(tree);
        result = !is_list                    ? PyTuple_New(count)
                 : PyList_CheckExact(tree) ? PyList_New(count)
                                             : Py_NewRef(tree);
        for (Py_ssize_t index = 0; result && index < count; index++) {
            PyObject *part = lent(is_list ? PyList_GetItem(tree, index)
                                          : PyTuple_GetItem(tree, index),
                                  loan);
            if (!part)
                Py_CLEAR(result);
            else if (is_list)
                PyList_SetItem(result, index, part);
            else
                PyTuple_SetItem(result, index, part);
        }
        if (!is_list && !PyTuple_CheckExact(tree))
            result = retyped((PyObject *)Py_TYPE(tree), result);
    }
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *lend(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *tree;
    Loan loan = {0};
    if (!PyArg_ParseTuple(args, "OO!", &tree, &PyList_Type, &loan.arrays)) return NULL;
    PyObject *result = lent(tree, &loan);
    return result ? Py_BuildValue("(Ni)", result, loan.kept) : NULL;
}

/* What the arrays of a list stand for, as bytes that can be compared. */
static PyObject *handles_of(PyObject *module, PyObject *arrays) {
    (void)module;
    if (!PyList_Check(arrays)) return PyErr_Format(PyExc_TypeError, "not a list");
    Py_ssize_t count = PyList_Size(arrays);
    PyObject *result =
        PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(cmlx_array));
    char *bytes = result ? PyBytes_AsString(result) : NULL;
    for (Py_ssize_t index = 0; result && index < count; index++) {
        PyObject *item = PyList_GetItem(arrays, index);
        if (IS_ARRAY(item)) {
            memcpy(bytes + index * (Py_ssize_t)sizeof(cmlx_array), &HANDLE(item),
                   sizeof(cmlx_array));
        } else {
            Py_CLEAR(result);
            PyErr_SetString(PyExc_TypeError, "not arrays");
        }
    }
    return result;
}

/* Whether the arrays of a tree are those of a list, in its order; goes on from `next`. */
static int has_arrays(PyObject *tree, PyObject *arrays, Py_ssize_t *next) {
    if (IS_ARRAY(tree))
        return *next < PyList_Size(arrays) && PyList_GetItem(arrays, (*next)++) == tree;
    if (PyDict_Check(tree)) {
        PyObject *key, *value;
        Py_ssize_t position = 0;
        while (PyDict_Next(tree, &position, &key, &value))
            if (!has_arrays(value, arrays, next)) return 0;
        return 1;
    }
    int is_list = PyList_Check(tree);
    if (!is_list && !PyTuple_Check(tree)) return 1;
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return PyErr_Clear(), 0;
    Py_ssize_t count = is_list ? PyList_Size(tree) : PyTuple_Size(tree), index = 0;
    while (index < count &&
           has_arrays(is_list ? PyList_GetItem(tree, index) : PyTuple_GetItem(tree, index), arrays,
                      next))
        index++;
    Py_LeaveRecursiveCall();
    return index == count;
}

/* Whether a tree that was lent has the arrays it was lent with, and they stand for the same. */
static PyObject *is_untouched(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *tree, *arrays, *handles;
    if (!PyArg_ParseTuple(args, "OO!S", &tree, &PyList_Type, &arrays, &handles)) return NULL;
    Py_ssize_t next = 0, count = PyList_Size(arrays);
    const char *bytes = PyBytes_AsString(handles);
    int is_same = PyBytes_Size(handles) == count * (Py_ssize_t)sizeof(cmlx_array);
    for (Py_ssize_t index = 0; is_same && index < count; index++)
        is_same = !memcmp(bytes + index * (Py_ssize_t)sizeof(cmlx_array),
                          &HANDLE(PyList_GetItem(arrays, index)), sizeof(cmlx_array));
    return PyBool_FromLong(is_same && has_arrays(tree, arrays, &next) && next == count);
}

static PyObject *arrays_of(PyObject *module, PyObject *tree) {
    (void)module;
    PyObject *list = PyList_New(0);
    if (list && visit_arrays(tree, list) < 0) Py_CLEAR(list);
    return list;
}

/* Makes arrays stand for what others stand for; gives back what they stood for. */
static PyObject *exchange(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *targets, *sources;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &targets, &PyList_Type, &sources))
        return NULL;
    Py_ssize_t count = PyList_Size(targets);
    PyObject *old = PyList_New(count);
    for (Py_ssize_t index = 0; old && index < count; index++) {
        PyObject *target = PyList_GetItem(targets, index), *source = PyList_GetItem(sources, index);
        if (!source || !IS_ARRAY(target) || !IS_ARRAY(source)) {
            Py_CLEAR(old);
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "not arrays");
            break;
        }
        cmlx_retain(HANDLE(target));
        PyObject *kept = array_wrap(HANDLE(target));
        if (!kept) {
            Py_CLEAR(old);
            break;
        }
        PyList_SetItem(old, index, kept);
        cmlx_retain(HANDLE(source));
        array_replace(target, HANDLE(source));
    }
    return old;
}

static PyMethodDef methods[] = {
    {"_flatten", flatten, METH_O, NULL},         {"_unflatten", unflatten, METH_VARARGS, NULL},
    {"_fill", fill, METH_VARARGS, NULL},         {"_arrays", arrays_of, METH_O, NULL},
    {"_exchange", exchange, METH_VARARGS, NULL}, {"_lend", lend, METH_VARARGS, NULL},
    {"_handles", handles_of, METH_O, NULL},
    {"_is_untouched", is_untouched, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int trees_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }
