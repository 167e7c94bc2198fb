/* What the files of the extension share. CPython's limited API only, from 3.11 on. */
#ifndef MLX_ENGINE_H
#define MLX_ENGINE_H

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "cmlx.h"

typedef struct {
    PyObject_HEAD cmlx_array handle;
    PyObject *weakrefs;
} ArrayObject;

extern PyTypeObject *array_type;
extern PyTypeObject *dtype_type;

/* Whether there has been an object of a subclass: until then the type alone says it. */
extern int array_is_subclassed;

#define IS_ARRAY(object) \
    (Py_TYPE(object) == array_type || \
     (array_is_subclassed && PyType_IsSubtype(Py_TYPE(object), array_type)))
#define HANDLE(object) (((ArrayObject *)(object))->handle)

/* array_type.c: an array object that takes over a handle; an error if it is 0. */
PyObject *array_wrap(cmlx_array handle);
/* Makes an array object stand for another handle, taking it over. */
void array_replace(PyObject *array, cmlx_array handle);
int array_type_add(PyObject *module);
/* A tuple of the dimensions. */
PyObject *array_shape(cmlx_array handle);

/* operators.c: writes the operators' slots of the array type and says how many they are; -1 with an
 * exception, also where there is no room for them. */
int operators_fill(PyType_Slot *slots, int room);
/* left / right. */
PyObject *array_divide(PyObject *left, PyObject *right);

/* errors.c: raises the thread's failure of the C interface, always NULL. An exception that a
 * callback left stays. */
PyObject *raise_failure(void);
int errors_add(PyObject *module);

/* dtype.c */
int dtype_add(PyObject *module);
/* The Dtype object of a number, a new reference. */
PyObject *dtype_object(int number);
/* The number of a Dtype object, -1 with an exception for others. */
int dtype_number(PyObject *object);

/* convert.c: from Python values to arrays. 1 for Python's numbers, 0 for others, -1 failed. */
int scalar_from(PyObject *object, cmlx_scalar *scalar);
/* The handle of any value that an array can be made of; 0 with an exception. `dtype` may be -1. */
cmlx_array array_from(PyObject *object, int dtype);
/* Whether an operator takes the value as its other operand. */
int is_array_like(PyObject *object);
int convert_add(PyObject *module);

/* buffers.c: from buffers and DLPack, and back. */
cmlx_array array_from_buffer(PyObject *object, int dtype);
/* Whether an array lies in the memory of the object that it is made of. */
enum { SHARED_IF_POSSIBLE, COPIED, SHARED };
cmlx_array array_from_dlpack(PyObject *object, int dtype, int sharing);
int array_get_buffer(PyObject *self, Py_buffer *view, int flags);
void array_release_buffer(PyObject *self, Py_buffer *view);
PyObject *array_dlpack(PyObject *self, PyObject *args, PyObject *names);
PyObject *array_dlpack_device(PyObject *self, PyObject *none);
PyObject *array_bytes(PyObject *self, PyObject *none);
int buffers_add(PyObject *module);
/* Gives back a reference from a thread that may not hold the interpreter's lock. */
void release_later(void *object);
/* Gives back what waits for that, on a thread that holds the lock. */
void drain_waiting(void);

/* values.c: from arrays to Python values. Evaluates. */
PyObject *array_item(PyObject *self, PyObject *none);
PyObject *array_tolist(PyObject *self, PyObject *none);
PyObject *element(const char *bytes, int dtype);

/* print.c */
PyObject *array_repr(PyObject *self);
int print_add(PyObject *module);

/* index.c */
PyObject *array_subscript(PyObject *self, PyObject *index);
int array_assign(PyObject *self, PyObject *index, PyObject *value);
PyObject *array_at(PyObject *self, void *unused);
PyObject *array_iter(PyObject *self);
/* The elements of the first axis from the last on. */
PyObject *array_reversed(PyObject *self, PyObject *none);
int index_add(PyObject *module);

/* functions.c: the functions of the table, for the module and for the array type. */
int functions_add(PyObject *module);
PyMethodDef *function_methods(void);
PyObject *function_binary(int operation, PyObject *a, PyObject *b);
PyObject *function_unary(int operation, PyObject *a);
/* Calls a function of the C interface by number and wraps its only result. */
PyObject *function_call(int function, const cmlx_argument *arguments, int count);
/* The number of a function that must exist. */
int function_named(const char *name);
/* Checks a `stream` argument; -1 with an exception. */
int check_stream(PyObject *object);

/* evaluate.c */
int evaluate_one(cmlx_array handle);
int evaluate_add(PyObject *module);

/* trees.c */
int trees_add(PyObject *module);
/* Appends the arrays of a tree to a list; other leaves are passed over. */
int tree_arrays(PyObject *tree, PyObject *list);

/* transforms.c */
int transforms_add(PyObject *module);

/* files.c */
int files_add(PyObject *module);

#endif
