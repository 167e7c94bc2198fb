/* What the table says of a function's parameters, and the arguments of one call. */
#ifndef MLX_ARGUMENTS_H
#define MLX_ARGUMENTS_H

#include "functions.h"

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

/* Reads a row's parameters from its text and looks its function up; -1 with an exception. */
int arguments_prepare(Row *row);
/* Puts each argument at its parameter; the rest gets its default. `extra` is a tuple to give back,
 * also after a failure. */
int arguments_match(const Row *row, PyObject *self, PyObject *const *args, Py_ssize_t count,
                    PyObject *names, PyObject **values, PyObject **extra);
/* Converts one argument by its parameter; what must be given back is noted. */
int argument_convert(const Row *row, const Parameter *parameter, PyObject *value,
                     PyObject *const *values, Converted *converted);
/* Converts an array or a number, which takes the dtype `weak` if that is none of -1. */
int argument_array(PyObject *value, int weak, cmlx_argument *argument, Converted *converted);
/* Says that the argument at a position is no array; always -1. */
int argument_refused(const Row *row, int position, const char *wanted, PyObject *value);
void arguments_give_back(Converted *converted);

#endif
