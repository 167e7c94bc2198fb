/* Arguments of the table's functions: matched with the parameters, converted for the engine. */
#include "arguments.h"

#include <stdio.h>

/* - Parameters from the table - */

static PyObject *default_value(char kind, const char *text) {
    if (!strcmp(text, "None")) return Py_NewRef(Py_None);
    switch (kind) {
    case 't':
        return PyUnicode_FromString(text);
    case 'b':
        return PyBool_FromLong(!strcmp(text, "True"));
    case 'd':
        for (int number = 0; number < 14; number++)
            if (!strcmp(text, cmlx_dtype_name(number))) return dtype_object(number);
        return NULL;
    case 'x': {
        PyObject *list = PyTuple_New(0);
        if (!*text) return list;
        Py_DECREF(list);
        int first, second;
        if (sscanf(text, "%d,%d", &first, &second) == 2)
            return Py_BuildValue("(ii)", first, second);
        return PyLong_FromString(text, NULL, 10);
    }
    case 'f':
        return PyFloat_FromDouble(strtod(text, NULL));
    default:
        return strchr(text, '.') ? PyFloat_FromDouble(strtod(text, NULL))
                                 : PyLong_FromString(text, NULL, 10);
    }
}

static int add_parameter(Row *row, char *word, int is_keyword) {
    if (row->count == MAXIMUM_PARAMETERS) return -1;
    Parameter *parameter = &row->parameters[row->count++];
    char *fallback = strchr(word, '='), *kind;
    if (fallback) *fallback++ = 0;
    kind = strchr(word, ':');
    if (kind) *kind++ = 0;
    parameter->kind = kind ? *kind : 'a';
    parameter->is_optional = kind && kind[1] == '?';
    parameter->is_keyword = (char)is_keyword;
    parameter->name = PyUnicode_InternFromString(word);
    if (parameter->kind == 's')
        parameter->fallback = Py_NewRef(Py_None);
    else if (parameter->kind == 'V')
        parameter->fallback = PyTuple_New(0);
    else if (fallback)
        parameter->fallback = default_value(parameter->kind, fallback);
    else
        return parameter->name ? 0 : -1;
    return parameter->name && parameter->fallback ? 0 : -1;
}

int arguments_prepare(Row *row) {
    char spec[512], *rest, *word;
    snprintf(spec, sizeof spec, "%s", row->spec);
    int is_keyword = 0;
    for (word = strtok_r(spec, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (!strcmp(word, "*"))
            is_keyword = 1;
        else if (!strcmp(word, "/")) {
            for (int index = 0; index < row->count; index++)
                row->parameters[index].is_positional = 1;
        } else if (add_parameter(row, word, is_keyword) < 0) {
            if (!PyErr_Occurred())
                PyErr_Format(PyExc_ImportError, "the row of '%s' is wrong", row->name);
            return -1;
        }
    }
    row->number = row->kind == CALL ? cmlx_function(row->engine) : cmlx_operation(row->engine);
    if (row->number >= 0) return 0;
    PyErr_Format(PyExc_ImportError, "the engine has no '%s'", row->engine);
    return -1;
}

/* A row that a function in Python calls has an underscore before that function's name. */
static const char *shown(const Row *row) { return row->name + (row->name[0] == '_'); }

/* - Matching - */

static int match_name(const Row *row, PyObject *name, PyObject *value, PyObject **values) {
    for (int pass = 0; pass < 2; pass++) {
        for (int index = 0; index < row->count; index++) {
            PyObject *own = row->parameters[index].name;
            if (pass == 0 ? own != name : PyUnicode_Compare(own, name) != 0) continue;
            if (row->parameters[index].is_positional || values[index]) break;
            values[index] = value;
            return 0;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", shown(row), name);
    return -1;
}

/* Puts each argument at its parameter; the rest gets its default. */
int arguments_match(const Row *row, PyObject *self, PyObject *const *args, Py_ssize_t count,
                 PyObject *names, PyObject **values, PyObject **extra) {
    int first = 0;
    if (self) values[first++] = self;
    if (row->parameters[0].kind == 'V') {
        *extra = PyTuple_New(count);
        for (Py_ssize_t index = 0; *extra && index < count; index++)
            PyTuple_SetItem(*extra, index, Py_NewRef(args[index]));
        if (!*extra) return -1;
        values[0] = *extra;
    } else {
        for (Py_ssize_t index = 0; index < count; index++) {
            int position = first + (int)index;
            if (position >= row->count || row->parameters[position].is_keyword) {
                PyErr_Format(PyExc_TypeError,
                             "%s() takes at most %d positional arguments (%zd given)", shown(row),
                             position, count + first);
                return -1;
            }
            values[position] = args[index];
        }
    }
    Py_ssize_t named = names ? PyTuple_Size(names) : 0;
    for (Py_ssize_t index = 0; index < named; index++)
        if (match_name(row, PyTuple_GetItem(names, index), args[count + index], values) < 0)
            return -1;
    for (int index = 0; index < row->count; index++) {
        if (values[index]) continue;
        values[index] = row->parameters[index].fallback;
        if (values[index]) continue;
        if (row->parameters[index].is_optional)
            values[index] = Py_None;
        else {
            PyErr_Format(PyExc_TypeError, "%s() is missing the argument '%U'", shown(row),
                         row->parameters[index].name);
            return -1;
        }
    }
    return 0;
}

/* - Converting - */

void arguments_give_back(Converted *converted) {
    for (int index = 0; index < converted->owned_count; index++)
        cmlx_release(converted->owned[index]);
    for (int index = 0; index < converted->list_count; index++) {
        cmlx_list *list = &converted->lists[index];
        for (int32_t item = 0; item < list->count; item++)
            cmlx_release(cmlx_list_arrays(list)[item]);
        cmlx_list_free(list);
    }
}

static int wrong(const Row *row, const Parameter *parameter, const char *wanted, PyObject *value) {
    if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s(): the argument '%U' must be %s, not %R", shown(row),
                     parameter->name, wanted, Py_TYPE(value));
    }
    return -1;
}

/* What elementwise functions say of text and containers, which they might make arrays of. */
int argument_refused(const Row *row, int position, const char *wanted, PyObject *value) {
    int is_other = PyUnicode_Check(value) || PyList_Check(value) || PyTuple_Check(value) ||
                   PyDict_Check(value);
    if (!is_other || PyErr_Occurred()) return wrong(row, &row->parameters[position], wanted, value);
    PyObject *name = PyType_GetName(Py_TYPE(value));
    if (name)
        PyErr_Format(PyExc_ValueError, "Invalid type %U received in array initialization.", name);
    Py_XDECREF(name);
    return -1;
}

static int to_integer(PyObject *value, int64_t *integer) {
    if (!PyIndex_Check(value)) return -1;
    PyObject *number = PyNumber_Index(value);
    if (!number) return -1;
    *integer = PyLong_AsLongLong(number);
    Py_DECREF(number);
    if (*integer != -1 || !PyErr_Occurred()) return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_SetString(PyExc_ValueError, "the integer does not fit 64 bits");
    return -1;
}

static int to_integers(PyObject *value, cmlx_argument *argument, Converted *converted) {
    if (PyIndex_Check(value)) {
        argument->kind = CMLX_INTEGER;
        return to_integer(value, &argument->value.integer);
    }
    if (!PySequence_Check(value) || PyUnicode_Check(value)) return -1;
    Py_ssize_t count = PySequence_Size(value);
    if (count < 0) return -1;
    if (converted->integer_count + count > MAXIMUM_INTEGERS) {
        PyErr_SetString(PyExc_ValueError, "too many integers");
        return -1;
    }
    argument->kind = CMLX_INTEGERS;
    argument->value.integers = converted->integers + converted->integer_count;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = PySequence_GetItem(value, index);
        int status = item ? to_integer(item, &converted->integers[converted->integer_count]) : -1;
        Py_XDECREF(item);
        if (status < 0) return -1;
        converted->integer_count++;
        argument->count++;
    }
    return 0;
}

/* Appends what the items of a list are as arrays. */
static int list_arrays(PyObject *items, cmlx_list *list) {
    Py_ssize_t count = PyList_Size(items);
    for (Py_ssize_t index = 0; index < count; index++) {
        cmlx_array array = array_from(PyList_GetItem(items, index), -1);
        if (!array) return -1;
        if (cmlx_list_append(list, array) < 0) {
            cmlx_release(array);
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

/* The arrays of anything that can be iterated; of an array, the elements of its first axis. */
static int to_list(PyObject *value, cmlx_argument *argument, Converted *converted) {
    cmlx_list *list = &converted->lists[converted->list_count++];
    cmlx_list_init(list);
    if (PyUnicode_Check(value) || PyBytes_Check(value)) return -1;
    PyObject *items = PySequence_List(value);
    int status = items ? list_arrays(items, list) : -1;
    Py_XDECREF(items);
    if (status < 0) return -1;
    argument->kind = CMLX_ARRAYS;
    argument->count = list->count;
    argument->value.arrays = cmlx_list_arrays(list);
    return 0;
}

/* The dtype that a number beside the other `w` arguments takes, -1 for its own. */
static int weak_dtype(const Row *row, PyObject *const *values) {
    for (int index = 0; index < row->count; index++)
        if (row->parameters[index].kind == 'w' && IS_ARRAY(values[index]))
            return cmlx_dtype(HANDLE(values[index]));
    return -1;
}

int argument_array(PyObject *value, int weak, cmlx_argument *argument, Converted *converted) {
    argument->kind = CMLX_ARRAY;
    if (IS_ARRAY(value)) {
        argument->value.array = HANDLE(value);
        return 0;
    }
    cmlx_scalar scalar;
    int found = scalar_from(value, &scalar);
    if (found < 0) return -1;
    cmlx_array array;
    if (found) {
        array = weak < 0 ? cmlx_scalar_array(scalar, -1) : cmlx_weak_array(scalar, weak);
        if (!array) raise_failure();
    } else if (is_array_like(value))
        array = array_from(value, -1);
    else
        return -1;
    if (!array) return -1;
    argument->value.array = converted->owned[converted->owned_count++] = array;
    return 0;
}

static int to_number(PyObject *value, cmlx_argument *argument) {
    argument->kind = CMLX_REAL;
    argument->value.real = PyFloat_AsDouble(value);
    return argument->value.real == -1 && PyErr_Occurred() ? -1 : 0;
}

int argument_convert(const Row *row, const Parameter *parameter, PyObject *value,
                   PyObject *const *values, Converted *converted) {
    if (parameter->kind == 's') return check_stream(value);
    cmlx_argument *argument = &converted->arguments[converted->count++];
    memset(argument, 0, sizeof *argument);
    if (value == Py_None && parameter->is_optional) return 0;
    switch (parameter->kind) {
    case 'a':
    case 'w':
        if (argument_array(value, parameter->kind == 'w' ? weak_dtype(row, values) : -1, argument,
                     converted) < 0)
            return wrong(row, parameter, "an array", value);
        return 0;
    case 'o':
        if (PyLong_Check(value)) {
            argument->kind = CMLX_INTEGER;
            return to_integer(value, &argument->value.integer);
        }
        if (argument_array(value, -1, argument, converted) < 0)
            return wrong(row, parameter, "an array or an integer", value);
        return 0;
    case 'A':
    case 'V':
        if (to_list(value, argument, converted) < 0)
            return wrong(row, parameter, "a list of arrays", value);
        return 0;
    case 'i':
        argument->kind = CMLX_INTEGER;
        if (to_integer(value, &argument->value.integer) < 0)
            return wrong(row, parameter, "an integer", value);
        return 0;
    case 'x':
        if (to_integers(value, argument, converted) < 0)
            return wrong(row, parameter, "an integer or a sequence of them", value);
        return 0;
    case 'f':
        if (to_number(value, argument) < 0) return wrong(row, parameter, "a number", value);
        return 0;
    case 'b':
        /* What else is true, as a dtype or an axis is, was meant for another parameter. */
        if (!PyBool_Check(value)) return wrong(row, parameter, "True or False", value);
        argument->kind = CMLX_BOOLEAN;
        argument->value.integer = value == Py_True;
        return 0;
    case 'd':
        argument->kind = CMLX_DTYPE;
        argument->value.integer = dtype_number(value);
        return argument->value.integer < 0 ? wrong(row, parameter, "a Dtype", value) : 0;
    case 't':
        argument->kind = CMLX_TEXT;
        argument->value.text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, NULL) : NULL;
        return argument->value.text ? 0 : wrong(row, parameter, "a string", value);
    case 'k': {
        /* Without a key the next one of the module's state. */
        argument->kind = CMLX_ARRAY;
        if (value == Py_None) {
            argument->value.array = next_key();
            if (!argument->value.array) return -1;
            converted->owned[converted->owned_count++] = argument->value.array;
            return 0;
        }
        if (argument_array(value, -1, argument, converted) < 0)
            return wrong(row, parameter, "a key", value);
        return 0;
    }
    default:
        return -1;
    }
}
