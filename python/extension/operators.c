/* The operators of arrays, with arrays, numbers and what can be made one on the other side. */
#include "engine.h"

enum {
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    FLOOR_DIVIDE,
    REMAINDER,
    POWER,
    LEFT_SHIFT,
    RIGHT_SHIFT,
    AND,
    OR,
    XOR,
    LESS,
    LESS_EQUAL,
    EQUAL,
    NOT_EQUAL,
    GREATER,
    GREATER_EQUAL,
    NEGATIVE,
    ABS,
    INVERT,
    OPERATOR_COUNT
};

static const char *const operator_names[OPERATOR_COUNT] = {
    "add",      "subtract",   "multiply",       "divide",      "floor_divide", "remainder",
    "power",    "left_shift", "right_shift",    "bitwise_and", "bitwise_or",   "bitwise_xor",
    "less",     "less_equal", "equal",          "not_equal",   "greater",      "greater_equal",
    "negative", "abs",        "bitwise_invert",
};
static int32_t operators[OPERATOR_COUNT];

/* What an operator does, in words. */
static const char *const operator_words[OPERATOR_COUNT] = {
    "addition",    "subtraction",        "multiplication", "division",    "floor division",
    "modulus",     "power",              "left shift",     "right shift", "bitwise and",
    "bitwise or",  "bitwise xor",        "less than",      "less than or equal",
    "equal",       "not equal",          "greater than",   "greater than or equal",
    "negation",    "absolute value",     "bitwise invert",
};

/* What is no number and no array: text and containers are an error here and now, and other
 * objects may know what to do. */
static PyObject *refuse(int operator, PyObject *left, PyObject *right, int in_place) {
    PyObject *other = IS_ARRAY(left) ? right : left;
    if (!PyUnicode_Check(other) && !PyList_Check(other) && !PyTuple_Check(other) &&
        !PyDict_Check(other))
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *name = PyType_GetName(Py_TYPE(other));
    if (name)
        PyErr_Format(PyExc_ValueError, "Cannot perform %s%s on an mlx.core.array and %U",
                     in_place ? "inplace " : "", operator_words[operator], name);
    Py_XDECREF(name);
    return NULL;
}

/* Shifts and bitwise operators have no meaning for numbers with a fraction. */
static int is_bitwise(int operator) { return operator >= LEFT_SHIFT && operator <= XOR; }

static PyObject *refuse_floats(int operator) {
    return PyErr_Format(PyExc_ValueError, "Floating point types not allowed with %s.",
                        operator_words[operator]);
}

static int is_floating(cmlx_array handle) { return cmlx_dtype(handle) >= CMLX_FLOAT16; }

static PyObject *operate_on(int operator, PyObject *left, PyObject *right, int in_place) {
    if (IS_ARRAY(left) && IS_ARRAY(right)) {
        if (is_bitwise(operator) && (is_floating(HANDLE(left)) || is_floating(HANDLE(right))))
            return refuse_floats(operator);
        return array_wrap(cmlx_binary(operators[operator], HANDLE(left), HANDLE(right)));
    }
    int is_first = IS_ARRAY(left);
    PyObject *own = is_first ? left : right, *other = is_first ? right : left;
    cmlx_scalar scalar;
    int found = scalar_from(other, &scalar);
    if (found < 0) return NULL;
    if (found && is_bitwise(operator) &&
        (scalar.kind >= CMLX_SCALAR_REAL || is_floating(HANDLE(own))))
        return refuse_floats(operator);
    if (found)
        return array_wrap(
            cmlx_binary_scalar(operators[operator], HANDLE(own), scalar, !is_first));
    if (!is_array_like(other)) return refuse(operator, left, right, in_place);
    cmlx_array converted = array_from(other, -1);
    if (!converted) return NULL;
    PyObject *result = is_first
                           ? array_wrap(cmlx_binary(operators[operator], HANDLE(left), converted))
                           : array_wrap(cmlx_binary(operators[operator], converted, HANDLE(right)));
    cmlx_release(converted);
    return result;
}

static PyObject *operate(int operator, PyObject *left, PyObject *right) {
    return operate_on(operator, left, right, 0);
}

/* Has an array stand for a result, which is taken over; what is none (an error, NotImplemented) is
   passed on. */
static PyObject *put_in_place(PyObject *self, PyObject *result) {
    if (!result || !IS_ARRAY(result)) return result;
    cmlx_array handle = HANDLE(result);
    cmlx_retain(handle);
    Py_DECREF(result);
    array_replace(self, handle);
    return Py_NewRef(self);
}

#define OPERATOR(name, operator) \
    static PyObject *name(PyObject *left, PyObject *right) { \
        return operate(operator, left, right); \
    } \
    static PyObject *name##_in_place(PyObject *left, PyObject *right) { \
        return put_in_place(left, operate_on(operator, left, right, 1)); \
    }
OPERATOR(add, ADD)
OPERATOR(subtract, SUBTRACT)
OPERATOR(multiply, MULTIPLY)
OPERATOR(floor_divide, FLOOR_DIVIDE)
OPERATOR(rest, REMAINDER)
OPERATOR(left_shift, LEFT_SHIFT)
OPERATOR(right_shift, RIGHT_SHIFT)
OPERATOR(bit_and, AND)
OPERATOR(bit_or, OR)
OPERATOR(bit_xor, XOR)

PyObject *array_divide(PyObject *left, PyObject *right) {
    return operate(DIVIDE, left, right);
}

/* An array keeps its dtype in place, and integers have no quotients. */
static PyObject *divide_in_place(PyObject *left, PyObject *right) {
    if (is_floating(HANDLE(left)))
        return put_in_place(left, operate_on(DIVIDE, left, right, 1));
    cmlx_scalar scalar;
    int found = scalar_from(right, &scalar);
    if (found < 0) return NULL;
    if (!found && !is_array_like(right)) return refuse(DIVIDE, left, right, 1);
    PyErr_SetString(PyExc_ValueError, "In place division cannot cast to non-floating point type.");
    return NULL;
}

static PyObject *power(PyObject *left, PyObject *right, PyObject *modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return operate(POWER, left, right);
}

static PyObject *power_in_place(PyObject *left, PyObject *right, PyObject *modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return put_in_place(left, operate_on(POWER, left, right, 1));
}

static PyObject *divide_both(PyObject *left, PyObject *right) {
    PyObject *quotient = operate(FLOOR_DIVIDE, left, right);
    if (!quotient || !IS_ARRAY(quotient)) return quotient;
    PyObject *remainder = operate(REMAINDER, left, right);
    PyObject *both = remainder ? PyTuple_Pack(2, quotient, remainder) : NULL;
    Py_DECREF(quotient);
    Py_XDECREF(remainder);
    return both;
}

static PyObject *product(PyObject *left, PyObject *right) {
    static int function = -1;
    if (function < 0) function = function_named("matmul");
    if (!is_array_like(left) || !is_array_like(right)) {
        cmlx_scalar scalar;
        PyObject *other = IS_ARRAY(left) ? right : left;
        int found = scalar_from(other, &scalar);
        if (found < 0) return NULL;
        if (!found) Py_RETURN_NOTIMPLEMENTED;
        PyErr_SetString(PyExc_ValueError,
                        "[matmul] Got 0 dimension input. Inputs must have at least one dimension.");
        return NULL;
    }
    cmlx_array a = array_from(left, -1), b = a ? array_from(right, -1) : 0;
    PyObject *result = NULL;
    if (a && b) {
        cmlx_argument arguments[2] = {{.kind = CMLX_ARRAY, .value.array = a},
                                      {.kind = CMLX_ARRAY, .value.array = b}};
        result = function_call(function, arguments, 2);
    }
    cmlx_release(a);
    cmlx_release(b);
    return result;
}

static PyObject *product_in_place(PyObject *self, PyObject *other) {
    return put_in_place(self, product(self, other));
}

static PyObject *negative(PyObject *self) {
    return array_wrap(cmlx_unary(operators[NEGATIVE], HANDLE(self)));
}
static PyObject *absolute(PyObject *self) {
    return array_wrap(cmlx_unary(operators[ABS], HANDLE(self)));
}
static PyObject *invert(PyObject *self) {
    return array_wrap(cmlx_unary(operators[INVERT], HANDLE(self)));
}
static PyObject *positive(PyObject *self) { return Py_NewRef(self); }

static PyObject *compare(PyObject *left, PyObject *right, int operation) {
    static const int map[] = {[Py_LT] = LESS,      [Py_LE] = LESS_EQUAL, [Py_EQ] = EQUAL,
                              [Py_NE] = NOT_EQUAL, [Py_GT] = GREATER,    [Py_GE] = GREATER_EQUAL};
    cmlx_scalar scalar;
    int found = IS_ARRAY(right) ? 1 : scalar_from(right, &scalar);
    if (found < 0) return NULL;
    if (!found && !is_array_like(right)) {
        if (operation == Py_EQ) Py_RETURN_FALSE;
        if (operation == Py_NE) Py_RETURN_TRUE;
    }
    return operate(map[operation], left, right);
}

static const PyType_Slot slots[] = {
    {Py_tp_richcompare, compare},
    {Py_nb_add, add},
    {Py_nb_inplace_add, add_in_place},
    {Py_nb_subtract, subtract},
    {Py_nb_inplace_subtract, subtract_in_place},
    {Py_nb_multiply, multiply},
    {Py_nb_inplace_multiply, multiply_in_place},
    {Py_nb_true_divide, array_divide},
    {Py_nb_inplace_true_divide, divide_in_place},
    {Py_nb_floor_divide, floor_divide},
    {Py_nb_inplace_floor_divide, floor_divide_in_place},
    {Py_nb_remainder, rest},
    {Py_nb_inplace_remainder, rest_in_place},
    {Py_nb_power, power},
    {Py_nb_inplace_power, power_in_place},
    {Py_nb_divmod, divide_both},
    {Py_nb_lshift, left_shift},
    {Py_nb_inplace_lshift, left_shift_in_place},
    {Py_nb_rshift, right_shift},
    {Py_nb_inplace_rshift, right_shift_in_place},
    {Py_nb_and, bit_and},
    {Py_nb_inplace_and, bit_and_in_place},
    {Py_nb_or, bit_or},
    {Py_nb_inplace_or, bit_or_in_place},
    {Py_nb_xor, bit_xor},
    {Py_nb_inplace_xor, bit_xor_in_place},
    {Py_nb_matrix_multiply, product},
    {Py_nb_inplace_matrix_multiply, product_in_place},
    {Py_nb_negative, negative},
    {Py_nb_positive, positive},
    {Py_nb_absolute, absolute},
    {Py_nb_invert, invert},
};

int operators_fill(PyType_Slot *target, int room) {
    for (int index = 0; index < OPERATOR_COUNT; index++) {
        operators[index] = cmlx_operation(operator_names[index]);
        if (operators[index] < 0) {
            PyErr_Format(PyExc_ImportError, "the engine has no '%s'", operator_names[index]);
            return -1;
        }
    }
    int count = sizeof slots / sizeof *slots;
    if (count > room) {
        PyErr_SetString(PyExc_ImportError, "the array type has no room for its operators");
        return -1;
    }
    memcpy(target, slots, sizeof slots);
    return count;
}
