/* The functions of the table: their rows, their calls and their documentation. */
#include "arguments.h"

#include <stdio.h>

#define ROW(name, kind, engine, spec, result, doc) \
    {#name, engine, spec, kind, result, -1, 0, {{0}}},
static Row rows[] = {FUNCTIONS(ROW)};

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
    if (argument_array(a, -1, &left, &converted) < 0)
        argument_refused(row, 0, "an array or a number", a);
    else {
        int weak = cmlx_dtype(left.value.array);
        int is_weak = PyFloat_Check(b) || PyLong_Check(b) || PyComplex_Check(b);
        /* Two numbers are as each is alone; a number beside a list or a buffer takes its dtype. */
        cmlx_scalar unused;
        if (is_weak && scalar_from(a, &unused) == 1) weak = -1;
        if (argument_array(b, weak, &right, &converted) < 0)
            argument_refused(row, 1, "an array or a number", b);
        else
            result = array_wrap(cmlx_binary(row->number, left.value.array, right.value.array));
    }
    arguments_give_back(&converted);
    return result;
}

static PyObject *call_unary(const Row *row, PyObject *a) {
    if (IS_ARRAY(a)) return array_wrap(cmlx_unary(row->number, HANDLE(a)));
    Converted converted = {.count = 0};
    cmlx_argument argument = {0};
    PyObject *result = NULL;
    if (argument_array(a, -1, &argument, &converted) < 0)
        argument_refused(row, 0, "an array", a);
    else
        result = array_wrap(cmlx_unary(row->number, argument.value.array));
    arguments_give_back(&converted);
    return result;
}

static PyObject *call_row(int index, PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *names) {
    const Row *row = &rows[index];
    PyObject *values[MAXIMUM_PARAMETERS] = {NULL}, *extra = NULL, *result = NULL;
    if (arguments_match(row, self, args, count, names, values, &extra) < 0) {
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
        status = argument_convert(row, &row->parameters[position], values[position], values,
                                  &converted);
    if (!status) {
        cmlx_list results;
        cmlx_list_init(&results);
        if (cmlx_call(row->number, converted.arguments, converted.count, &results) < 0)
            raise_failure();
        else
            result = wrap_results(&results, row->result);
    }
    arguments_give_back(&converted);
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

/* These take `correction` for ddof too. */
#define CORRECTED(name) \
    static PyObject *corrected_##name(PyObject *module, PyObject *const *args, Py_ssize_t count, \
                                      PyObject *names) { \
        (void)module; \
        return method_##name(NULL, args, count, names); \
    }
CORRECTED(var)
CORRECTED(std)

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
    entries[ROW_var].ml_meth = (PyCFunction)(void (*)(void))corrected_var;
    entries[ROW_std].ml_meth = (PyCFunction)(void (*)(void))corrected_std;
    for (int index = 0; index < ROW_COUNT; index++) {
        if (arguments_prepare(&rows[index]) < 0) return -1;
        entries[index].ml_doc = documented(&rows[index], entries[index].ml_doc);
    }
    return PyModule_AddFunctions(module, entries);
}
