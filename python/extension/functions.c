/* The functions of the table: arguments are matched with a function's parameters, converted, and
 * passed to the engine. */
#include "functions.h"

#include <stdio.h>

typedef enum { UNARY, BINARY, CALL } Kind;
typedef enum { ONE, LIST, TUPLE } Result;

#define MAXIMUM_PARAMETERS 16

typedef struct {
    PyObject *name; /* interned */
    char kind;
    char is_optional;   /* may be None */
    char is_keyword;    /* not by position */
    char is_positional; /* not by name */
    PyObject *fallback; /* the default, NULL for a parameter that must be given */
} Parameter;

typedef struct {
    const char *name, *engine, *spec;
    Kind kind;
    Result result;
    int number; /* of the engine's function or operation */
    int count;
    Parameter parameters[MAXIMUM_PARAMETERS];
} Row;

#define ROW(name, kind, engine, spec, result, doc) \
    {#name, engine, spec, kind, result, -1, 0, {{0}}},
static Row rows[] = {FUNCTIONS(ROW)};

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

static int prepare(Row *row) {
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

int function_named(const char *name) {
    /* Callers pass literals, which are found again by their address. */
    static struct {
        const char *name;
        int number;
    } known[64];
    for (int index = 0; index < 64 && known[index].name; index++)
        if (known[index].name == name) return known[index].number;
    int number = cmlx_function(name);
    for (int index = 0; index < 64; index++) {
        if (known[index].name) continue;
        known[index].number = number;
        known[index].name = name;
        break;
    }
    return number;
}

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
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", row->name, name);
    return -1;
}

/* Puts each argument at its parameter; the rest gets its default. */
static int match(const Row *row, PyObject *self, PyObject *const *args, Py_ssize_t count,
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
                             "%s() takes at most %d positional arguments (%zd given)", row->name,
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
            PyErr_Format(PyExc_TypeError, "%s() is missing the argument '%U'", row->name,
                         row->parameters[index].name);
            return -1;
        }
    }
    return 0;
}

/* - Converting - */

#define MAXIMUM_INTEGERS 256

/* The converted arguments of a call and what must be given back after it. */
typedef struct {
    cmlx_argument arguments[MAXIMUM_PARAMETERS];
    int count;
    cmlx_array owned[MAXIMUM_PARAMETERS];
    int owned_count;
    int64_t integers[MAXIMUM_INTEGERS];
    int integer_count;
    cmlx_list lists[2];
    int list_count;
} Converted;

static void give_back(Converted *converted) {
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
        PyErr_Format(PyExc_TypeError, "%s(): the argument '%U' must be %s, not %R", row->name,
                     parameter->name, wanted, Py_TYPE(value));
    }
    return -1;
}

/* What elementwise functions say of text and containers, which they might make arrays of. */
static int no_array(const Row *row, int position, const char *wanted, PyObject *value) {
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

static int to_array(PyObject *value, int weak, cmlx_argument *argument, Converted *converted) {
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

static int convert(const Row *row, const Parameter *parameter, PyObject *value,
                   PyObject *const *values, Converted *converted) {
    if (parameter->kind == 's') return check_stream(value);
    cmlx_argument *argument = &converted->arguments[converted->count++];
    memset(argument, 0, sizeof *argument);
    if (value == Py_None && parameter->is_optional) return 0;
    switch (parameter->kind) {
    case 'a':
    case 'w':
        if (to_array(value, parameter->kind == 'w' ? weak_dtype(row, values) : -1, argument,
                     converted) < 0)
            return wrong(row, parameter, "an array", value);
        return 0;
    case 'o':
        if (PyLong_Check(value)) {
            argument->kind = CMLX_INTEGER;
            return to_integer(value, &argument->value.integer);
        }
        if (to_array(value, -1, argument, converted) < 0)
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
    case 'b': {
        int truth = PyObject_IsTrue(value);
        argument->kind = CMLX_BOOLEAN;
        argument->value.integer = truth;
        return truth < 0 ? -1 : 0;
    }
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
        return to_array(value, -1, argument, converted) < 0 ? wrong(row, parameter, "a key", value)
                                                            : 0;
    }
    default:
        return -1;
    }
}

/* - Calling - */

static PyObject *wrap_results(cmlx_list *results, Result result) {
    int32_t count = results->count, index = 0;
    cmlx_array *arrays = cmlx_list_arrays(results);
    PyObject *value = NULL;
    if (result == ONE && count == 1) {
        value = array_wrap(arrays[index++]);
    } else {
        value = result == LIST ? PyList_New(count) : PyTuple_New(count);
        for (; value && index < count; index++) {
            PyObject *array = array_wrap(arrays[index]);
            if (!array || (result == LIST ? PyList_SetItem(value, index, array)
                                          : PyTuple_SetItem(value, index, array)) < 0) {
                Py_CLEAR(value);
            }
        }
    }
    for (; index < count; index++)
        cmlx_release(arrays[index]);
    cmlx_list_free(results);
    return value;
}

PyObject *function_call(int function, const cmlx_argument *arguments, int count) {
    cmlx_list results;
    cmlx_list_init(&results);
    if (cmlx_call(function, arguments, count, &results) < 0) return raise_failure();
    return wrap_results(&results, ONE);
}

/* Takes the arguments of an elementwise function of two, where numbers take the other's dtype. */
static PyObject *call_binary(const Row *row, PyObject *a, PyObject *b) {
    if (IS_ARRAY(a) && IS_ARRAY(b))
        return array_wrap(cmlx_binary(row->number, HANDLE(a), HANDLE(b)));
    cmlx_scalar scalar;
    int is_first = !IS_ARRAY(a), found = scalar_from(is_first ? a : b, &scalar);
    if (found < 0) return NULL;
    PyObject *other = is_first ? b : a;
    if (found && IS_ARRAY(other))
        return array_wrap(cmlx_binary_scalar(row->number, HANDLE(other), scalar, is_first));
    Converted converted = {.count = 0};
    cmlx_argument left = {0}, right = {0};
    PyObject *result = NULL;
    if (to_array(a, -1, &left, &converted) < 0)
        no_array(row, 0, "an array or a number", a);
    else {
        int weak = cmlx_dtype(left.value.array);
        int is_weak = PyFloat_Check(b) || PyLong_Check(b) || PyComplex_Check(b);
        /* Two numbers are as each is alone; a number beside a list or a buffer takes its dtype. */
        cmlx_scalar unused;
        if (is_weak && scalar_from(a, &unused) == 1) weak = -1;
        if (to_array(b, weak, &right, &converted) < 0)
            no_array(row, 1, "an array or a number", b);
        else
            result = array_wrap(cmlx_binary(row->number, left.value.array, right.value.array));
    }
    give_back(&converted);
    return result;
}

static PyObject *call_unary(const Row *row, PyObject *a) {
    if (IS_ARRAY(a)) return array_wrap(cmlx_unary(row->number, HANDLE(a)));
    Converted converted = {.count = 0};
    cmlx_argument argument = {0};
    PyObject *result = NULL;
    if (to_array(a, -1, &argument, &converted) < 0)
        no_array(row, 0, "an array", a);
    else
        result = array_wrap(cmlx_unary(row->number, argument.value.array));
    give_back(&converted);
    return result;
}

static PyObject *call_row(int index, PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *names) {
    const Row *row = &rows[index];
    PyObject *values[MAXIMUM_PARAMETERS] = {NULL}, *extra = NULL, *result = NULL;
    if (match(row, self, args, count, names, values, &extra) < 0) {
        Py_XDECREF(extra);
        return NULL;
    }
    if (row->kind != CALL) {
        if (check_stream(values[row->count - 1]) < 0) return NULL;
        return row->kind == UNARY ? call_unary(row, values[0])
                                  : call_binary(row, values[0], values[1]);
    }
    Converted converted;
    converted.count = converted.owned_count = converted.integer_count = converted.list_count = 0;
    int status = 0;
    for (int position = 0; position < row->count && !status; position++)
        status = convert(row, &row->parameters[position], values[position], values, &converted);
    if (!status) {
        cmlx_list results;
        cmlx_list_init(&results);
        if (cmlx_call(row->number, converted.arguments, converted.count, &results) < 0)
            raise_failure();
        else
            result = wrap_results(&results, row->result);
    }
    give_back(&converted);
    Py_XDECREF(extra);
    return result;
}

static PyObject *function_reshape(PyObject *module, PyObject *const *args, Py_ssize_t count,
                                  PyObject *names);

#define NUMBER(name, kind, engine, spec, result, doc) ROW_##name,
enum { FUNCTIONS(NUMBER) ROW_COUNT };

#define FUNCTION(name, kind, engine, spec, result, doc) \
    static PyObject *function_##name(PyObject *module, PyObject *const *args, Py_ssize_t count, \
                                     PyObject *names) { \
        (void)module; \
        return call_row(ROW_##name, NULL, args, count, names); \
    }
FUNCTIONS(FUNCTION)

static PyObject *reshape(PyObject *module, PyObject *const *args, Py_ssize_t count,
                         PyObject *names) {
    if (count == 2 && !names && !PyIndex_Check(args[1])) {
        PyObject *result = function_reshape_directly(args[0], args + 1, 1);
        if (result || PyErr_Occurred()) return result;
    }
    return function_reshape(module, args, count, names);
}

#define METHOD(name) \
    PyObject *method_##name(PyObject *self, PyObject *const *args, Py_ssize_t count, \
                            PyObject *names) { \
        return call_row(ROW_##name, self, args, count, names); \
    }
TABLE_METHODS(METHOD)

#define ENTRY(name, kind, engine, spec, result, doc) \
    {#name, (PyCFunction)(void (*)(void))function_##name, METH_FASTCALL | METH_KEYWORDS, doc},
static PyMethodDef entries[] = {FUNCTIONS(ENTRY){NULL, NULL, 0, NULL}};

PyObject *function_row(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t count,
                       PyObject *names) {
    /* Callers pass literals, which are found again by their address. */
    static struct {
        const char *name;
        int row;
    } known[16];
    for (int place = 0; place < 16; place++) {
        if (known[place].name == name)
            return call_row(known[place].row, self, args, count, names);
        if (known[place].name) continue;
        for (int index = 0; index < ROW_COUNT; index++) {
            if (strcmp(rows[index].name, name)) continue;
            known[place].row = index;
            known[place].name = name;
            return call_row(index, self, args, count, names);
        }
    }
    return PyErr_Format(PyExc_SystemError, "no row '%s'", name);
}

/* The dimensions of a shape that is an integer or a tuple or list of few, -1 for anything else,
 * which the general way takes or says what is wrong with. */
static int plain_shape(PyObject *const *args, Py_ssize_t count, int64_t *dims) {
    for (Py_ssize_t index = 0; index < count; index++) {
        if (!PyLong_CheckExact(args[index])) return -1;
        int overflow;
        dims[index] = PyLong_AsLongLongAndOverflow(args[index], &overflow);
        if (overflow) return -1;
    }
    return (int)count;
}

static int shape_of(PyObject *const *args, Py_ssize_t count, int64_t *dims) {
    if (count < 1 || count > 16) return -1;
    int is_tuple = count == 1 && PyTuple_CheckExact(args[0]);
    int is_list = count == 1 && PyList_CheckExact(args[0]);
    if (!is_tuple && !is_list) return plain_shape(args, count, dims);
    Py_ssize_t rank = is_tuple ? PyTuple_Size(args[0]) : PyList_Size(args[0]);
    if (rank > 16) return -1;
    PyObject *items[16];
    for (Py_ssize_t index = 0; index < rank; index++)
        items[index] =
            is_tuple ? PyTuple_GetItem(args[0], index) : PyList_GetItem(args[0], index);
    return plain_shape(items, rank, dims);
}

PyObject *function_reshape_directly(PyObject *x, PyObject *const *args, Py_ssize_t count) {
    int64_t dims[16];
    int rank = IS_ARRAY(x) ? shape_of(args, count, dims) : -1;
    return rank < 0 ? NULL : array_wrap(cmlx_reshape(HANDLE(x), dims, rank));
}

/* "name(a, /, axis=None, *, stream=None)\n--\n\n" before the documentation, as CPython wants it. */
static char *documented(const Row *row, const char *doc) {
    if (!doc) return NULL;
    size_t room = strlen(row->spec) * 3 + strlen(doc) + 128, used = 0;
    const char *underscore = strrchr(row->name, '_');
    const char *name =
        strchr(row->engine, '.') && underscore ? strchr(row->name, '_') + 1 : row->name;
    char *text = malloc(room), spec[512], *rest, *word;
    if (!text) return NULL;
    snprintf(spec, sizeof spec, "%s", row->spec);
    used += (size_t)snprintf(text, room, "%s(", name);
    const char *comma = "";
    for (word = strtok_r(spec, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *fallback = strchr(word, '=');
        if (fallback) *fallback++ = 0;
        char *kind = strchr(word, ':');
        if (kind) *kind++ = 0;
        char value[64] = "";
        if (kind && *kind == 's')
            snprintf(value, sizeof value, "=None");
        else if (fallback && kind && *kind == 't')
            snprintf(value, sizeof value, "='%s'", fallback);
        else if (fallback && kind && *kind == 'd' && strcmp(fallback, "None"))
            snprintf(value, sizeof value, "='%s'", fallback);
        else if (fallback && kind && *kind == 'x' && strcmp(fallback, "None"))
            snprintf(value, sizeof value, strchr(fallback, ',') || !*fallback ? "=(%s)" : "=%s",
                     fallback);
        else if (fallback)
            snprintf(value, sizeof value, "=%s", fallback);
        const char *star = kind && *kind == 'V' ? "*" : "";
        if (!strcmp(word, "*") && comma[0] && strchr(row->spec, 'V')) continue;
        used += (size_t)snprintf(text + used, room - used, "%s%s%s%s", comma, star, word, value);
        comma = ", ";
    }
    snprintf(text + used, room - used, ")\n--\n\n%s", doc);
    return text;
}

int functions_add(PyObject *module) {
    entries[ROW_reshape].ml_meth = (PyCFunction)(void (*)(void))reshape;
    for (int index = 0; index < ROW_COUNT; index++) {
        if (prepare(&rows[index]) < 0) return -1;
        entries[index].ml_doc = documented(&rows[index], entries[index].ml_doc);
    }
    return PyModule_AddFunctions(module, entries);
}
