/* The C interface of the library: arrays are numbers, functions have names, and nothing throws.
 *
 * An array is the handle of a node of the lazy graph. Whoever has one owns a reference and gives
 * it up with `cmlx_release`; functions that return arrays hand over one, functions that take
 * arrays borrow them. 0 is no array. Everything may be called from any thread.
 *
 * A function that cannot do what it is asked to returns 0 or -1, and `cmlx_error_kind` and
 * `cmlx_error_message` say why, for the calling thread, until its next failure. Arrays that cannot
 * be computed, because shapes do not fit say, are such failures: none is ever handed out.
 */
#ifndef CMLX_H
#define CMLX_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function changes its meaning or goes. */
#define CMLX_VERSION 1

typedef uint64_t cmlx_array;

/* Element types, as numbers that never change. */
enum {
    CMLX_BOOL = 0,
    CMLX_UINT8 = 1,
    CMLX_UINT16 = 2,
    CMLX_UINT32 = 3,
    CMLX_UINT64 = 4,
    CMLX_INT8 = 5,
    CMLX_INT16 = 6,
    CMLX_INT32 = 7,
    CMLX_INT64 = 8,
    CMLX_FLOAT16 = 9,
    CMLX_FLOAT32 = 10,
    CMLX_FLOAT64 = 11,
    CMLX_BFLOAT16 = 12,
    CMLX_COMPLEX64 = 13,
};

/* What went wrong. */
enum {
    CMLX_ERROR_NONE = 0,
    CMLX_ERROR_ARGUMENT = 1, /* shapes, dtypes, numbers that do not fit */
    CMLX_ERROR_AXIS = 2,
    CMLX_ERROR_INDEX = 3,
    CMLX_ERROR_MEMORY = 4,
    CMLX_ERROR_FILE = 5,
    CMLX_ERROR_OTHER = 6,
    CMLX_ERROR_CALLBACK = 7, /* a callback said that it failed */
    CMLX_ERROR_UNSUPPORTED = 8, /* a dtype, derivative or case that an operation has not */
};

/* Kinds of arguments of `cmlx_call`. */
enum {
    CMLX_NONE = 0,
    CMLX_ARRAY = 1,
    CMLX_INTEGER = 2,
    CMLX_REAL = 3,
    CMLX_BOOLEAN = 4,
    CMLX_DTYPE = 5,
    CMLX_TEXT = 6,
    CMLX_INTEGERS = 7,
    CMLX_ARRAYS = 8,
};

typedef struct {
    int32_t kind;
    int32_t count; /* of integers or arrays */
    union {
        cmlx_array array;
        int64_t integer; /* booleans and dtypes too */
        double real;
        const char *text;
        const int64_t *integers;
        const cmlx_array *arrays;
    } value;
} cmlx_argument;

/* A number beside an array: it has no dtype of its own and takes the array's where it can. */
enum { CMLX_SCALAR_BOOLEAN = 0, CMLX_SCALAR_INTEGER = 1, CMLX_SCALAR_REAL = 2,
       CMLX_SCALAR_COMPLEX = 3 };

typedef struct {
    int32_t kind;
    int64_t integer; /* booleans too */
    double real;
    double imaginary;
} cmlx_scalar;

/* Arrays that a function returns. Owned by the list. */
typedef struct {
    int32_t count;
    int32_t capacity; /* of memory from malloc; 0 while `few` has room */
    cmlx_array *many;
    cmlx_array few[4];
} cmlx_list;

static inline void cmlx_list_init(cmlx_list *list) {
    list->count = 0;
    list->capacity = 0;
    list->many = NULL;
}

static inline cmlx_array *cmlx_list_arrays(cmlx_list *list) {
    return list->capacity ? list->many : list->few;
}

/* Appends an array and takes over the caller's reference; -1 without memory. */
static inline int32_t cmlx_list_append(cmlx_list *list, cmlx_array array) {
    int32_t room = list->capacity ? list->capacity : 4;
    if (list->count == room) {
        cmlx_array *more = (cmlx_array *)realloc(list->many, 2 * (size_t)room * sizeof *more);
        if (!more) return -1;
        if (!list->capacity) memcpy(more, list->few, sizeof list->few);
        list->many = more;
        list->capacity = 2 * room;
    }
    cmlx_list_arrays(list)[list->count++] = array;
    return 0;
}

/* Gives back the list's memory, not its arrays. */
static inline void cmlx_list_free(cmlx_list *list) {
    free(list->many);
    cmlx_list_init(list);
}

/* - Errors - */

int32_t cmlx_version(void);
/* The kind of the calling thread's last failure. */
int32_t cmlx_error_kind(void);
/* What went wrong, in words; valid until the thread's next failure. */
const char *cmlx_error_message(void);

/* - Arrays - */

void cmlx_retain(cmlx_array array);
void cmlx_release(cmlx_array array);
int32_t cmlx_dtype(cmlx_array array);
int32_t cmlx_rank(cmlx_array array);
/* The dimensions, as many as the array has axes; never freed. */
const int64_t *cmlx_shape(cmlx_array array);
int64_t cmlx_size(cmlx_array array);
int32_t cmlx_dtype_size(int32_t dtype);
const char *cmlx_dtype_name(int32_t dtype);
/* The dtype of a result of two. */
int32_t cmlx_promote(int32_t a, int32_t b);
/* 1 if the array's values are there. */
int32_t cmlx_is_evaluated(cmlx_array array);

/* An array without axes. With a dtype of -1 a number gets bool, int32 (int64 if it must),
 * float32 or complex64. */
cmlx_array cmlx_scalar_array(cmlx_scalar scalar, int32_t dtype);
/* A number as the other operand of an array of that dtype has it. */
cmlx_array cmlx_weak_array(cmlx_scalar scalar, int32_t dtype);
/* A copy of row-major contents. */
cmlx_array cmlx_copy(const void *bytes, int32_t dtype, const int64_t *shape, int32_t rank);
/* Row-major contents in place. They must stay as they are until `finish`, which is called once,
 * on any thread. */
cmlx_array cmlx_adopt(void *bytes, int32_t dtype, const int64_t *shape, int32_t rank,
                      void (*finish)(void *), void *context);

typedef struct {
    void *bytes;
    int32_t dtype;
    int32_t rank;
    const int64_t *shape;   /* never freed */
    int64_t strides[16];    /* in elements */
    int32_t is_row_major;
} cmlx_contents;

/* Where the values of an evaluated array lie, for as long as a reference to the array is held. */
int32_t cmlx_read(cmlx_array array, cmlx_contents *contents);
/* Writes the values of an evaluated array in row-major order. */
int32_t cmlx_write(cmlx_array array, void *bytes, size_t count);

/* - Recording - */

/* The number of an elementwise function of one or two arrays, for the next three; -1 if there is
 * none of the name. */
int32_t cmlx_operation(const char *name);
cmlx_array cmlx_unary(int32_t operation, cmlx_array x);
cmlx_array cmlx_binary(int32_t operation, cmlx_array a, cmlx_array b);
/* With the number first if `reversed`. */
cmlx_array cmlx_binary_scalar(int32_t operation, cmlx_array a, cmlx_scalar b, int32_t reversed);

/* The array in another shape of the same size; one dimension may be -1. */
cmlx_array cmlx_reshape(cmlx_array x, const int64_t *shape, int32_t rank);

/* The number of any other function, for `cmlx_call`; -1 if there is none of the name. */
int32_t cmlx_function(const char *name);
/* How many there are; and their names by number, for lists. */
int32_t cmlx_function_count(void);
const char *cmlx_function_name(int32_t function);
/* Calls a function; appends its results. */
int32_t cmlx_call(int32_t function, const cmlx_argument *arguments, int32_t count,
                  cmlx_list *results);

/* - Evaluation - */

/* Computes the arrays and waits for them. */
int32_t cmlx_evaluate(const cmlx_array *arrays, int32_t count);
/* Computes the arrays as long as they are wanted: `watch` is asked between steps, fifty times a
 * second at most and on the calling thread, whether to stop. A failure of the kind
 * CMLX_ERROR_CALLBACK if it did. */
int32_t cmlx_evaluate_watched(const cmlx_array *arrays, int32_t count,
                              int32_t (*watch)(void *context), void *context);
/* Starts to compute the arrays. What fails is a failure of the next call that waits for the same
 * arrays, and of the next `cmlx_synchronize`. */
int32_t cmlx_evaluate_async(const cmlx_array *arrays, int32_t count);
/* Waits for everything that was started; -1 with the first failure of what was started since the
 * last call. */
int32_t cmlx_synchronize(void);
/* The plan of evaluating the arrays, as text that the caller frees; NULL on failure. */
char *cmlx_explain(const cmlx_array *arrays, int32_t count);
/* The graph behind arrays as a drawing in the language of Graphviz, with names for the arrays, ""
 * for none; text that the caller frees, NULL on failure. */
char *cmlx_draw(const cmlx_array *arrays, const char *const *names, int32_t count);
/* Where the calling thread's next operations run: 0 wherever the scheduler puts them, 1 the
 * processor, 2 the vector units, 3 the integer units. Ends with `cmlx_exit_device`. */
int32_t cmlx_enter_device(int32_t device);
int32_t cmlx_exit_device(void);
/* The calling thread's next products with one matrix, and its convolutions, may round their
 * operands to int8 where that is off by no more than tolerance times the norms of the row and the
 * column, whatever the values; 0 rounds none. Ends with `cmlx_exit_precision`. */
int32_t cmlx_enter_precision(double tolerance);
int32_t cmlx_exit_precision(void);

/* - Transforms - */

/* A function of arrays. It owns its inputs and appends its outputs; -1 says that it failed. It is
 * called on the thread that called the transform, and not any more when that has returned,
 * except by `cmlx_checkpoint` and `cmlx_custom`, which say how long they keep it. */
typedef int32_t (*cmlx_callback)(void *context, const cmlx_array *inputs, int32_t count,
                                 cmlx_list *outputs);

/* A function with its derivative in the inputs of the given numbers. The first output must have
 * one element. */
int32_t cmlx_value_and_grad(cmlx_callback function, void *context, const cmlx_array *inputs,
                            int32_t count, const int32_t *wanted, int32_t wanted_count,
                            cmlx_list *outputs, cmlx_list *gradients);
/* A function and the products of its Jacobian with cotangents of its outputs. */
int32_t cmlx_vjp(cmlx_callback function, void *context, const cmlx_array *inputs, int32_t count,
                 const cmlx_array *cotangents, int32_t cotangent_count, cmlx_list *outputs,
                 cmlx_list *gradients);
/* A function and the products of its Jacobian with tangents of its inputs. */
int32_t cmlx_jvp(cmlx_callback function, void *context, const cmlx_array *inputs, int32_t count,
                 const cmlx_array *tangents, cmlx_list *outputs, cmlx_list *tangents_out);

#define CMLX_NO_AXIS INT64_MIN
/* A function of one element, for all elements of a batch at once. `out_axes` are read after the
 * function was called; one axis counts for all outputs. */
typedef struct {
    const int64_t *axes;
    int32_t count;
} cmlx_axes;
int32_t cmlx_vmap(cmlx_callback function, void *context, const cmlx_array *inputs, int32_t count,
                  const int64_t *in_axes, const cmlx_axes *out_axes, cmlx_list *outputs);

/* The outputs of a function whose inner values a derivative computes anew. The function is kept,
 * and `release` called with the context when it is not needed any more. */
int32_t cmlx_checkpoint(cmlx_callback function, void (*release)(void *), void *context,
                        const cmlx_array *inputs, int32_t count, cmlx_list *outputs);

/* How a function is applied to a batch: the inputs and the axis of each that is mapped (or
 * `CMLX_NO_AXIS`). Appends outputs and writes the axis of each, 64 at most. */
typedef int32_t (*cmlx_batch_callback)(void *context, const cmlx_array *inputs, int32_t count,
                                       const int64_t *axes, cmlx_list *outputs,
                                       int64_t *out_axes);
/* Outputs that have rules of their own; NULL is no rule. `vjp` gets inputs, cotangents and
 * outputs; `jvp` gets inputs and tangents. Kept until `release`. */
int32_t cmlx_custom(const cmlx_array *outputs, int32_t output_count, const cmlx_array *inputs,
                    int32_t input_count, cmlx_callback vjp, cmlx_callback jvp,
                    cmlx_batch_callback vmap, void (*release)(void *), void *context,
                    cmlx_list *results);

/* What a compiled function keeps of its calls. */
typedef struct cmlx_compiled cmlx_compiled;
cmlx_compiled *cmlx_compiled_make(int32_t shapeless);
void cmlx_compiled_free(cmlx_compiled *compiled);
/* Replays an earlier call with such inputs, or records this one. `recorded` says whether the
 * function was called. */
int32_t cmlx_compiled_call(cmlx_compiled *compiled, cmlx_callback function, void *context,
                           const cmlx_array *inputs, int32_t count, cmlx_list *outputs,
                           int32_t *recorded);

/* - Functions in files - */

/* Writes what a function does to arrays like the inputs. `labels` are the arguments' names, ""
 * for those without. */
int32_t cmlx_export(const char *path, cmlx_callback function, void *context,
                    const cmlx_array *inputs, const char *const *labels, int32_t count,
                    int32_t shapeless);
/* Writes several recordings of functions to one file: what is called later takes the first one
 * whose arguments are like its own. A record that fails leaves the others as they are. */
typedef struct cmlx_exporter cmlx_exporter;
cmlx_exporter *cmlx_exporter_make(void);
void cmlx_exporter_free(cmlx_exporter *exporter);
int32_t cmlx_exporter_add(cmlx_exporter *exporter, cmlx_callback function, void *context,
                          const cmlx_array *inputs, const char *const *labels, int32_t count,
                          int32_t shapeless);
/* `note` is a text that goes along, NULL for none. */
int32_t cmlx_exporter_write(cmlx_exporter *exporter, const char *path, const char *note);
typedef struct cmlx_imported cmlx_imported;
cmlx_imported *cmlx_import(const char *path);
void cmlx_imported_free(cmlx_imported *imported);
/* The text that was written along, "" if there was none, for `free`. */
char *cmlx_imported_note(cmlx_imported *imported);
int32_t cmlx_imported_call(cmlx_imported *imported, const cmlx_array *inputs,
                           const char *const *labels, int32_t count, cmlx_list *outputs);

/* - Files - */

/* Named arrays and texts: what a file holds, in the order of the file. */
typedef struct cmlx_table cmlx_table;
/* Sections of a table. */
enum { CMLX_TABLE_ARRAYS = 0, CMLX_TABLE_METADATA = 1 };

cmlx_table *cmlx_table_make(void);
void cmlx_table_free(cmlx_table *table);
/* Adds an entry; an entry has an array or texts. */
int32_t cmlx_table_add_array(cmlx_table *table, int32_t section, const char *name,
                             cmlx_array array);
int32_t cmlx_table_add_texts(cmlx_table *table, int32_t section, const char *name,
                             const char *const *texts, int32_t count, int32_t is_list);
int32_t cmlx_table_count(cmlx_table *table);
int32_t cmlx_table_section(cmlx_table *table, int32_t entry);
const char *cmlx_table_name(cmlx_table *table, int32_t entry);
/* The entry's array with a reference for the caller, 0 if it has texts. */
cmlx_array cmlx_table_array(cmlx_table *table, int32_t entry);
int32_t cmlx_table_text_count(cmlx_table *table, int32_t entry);
int32_t cmlx_table_text_is_list(cmlx_table *table, int32_t entry);
const char *cmlx_table_text(cmlx_table *table, int32_t entry, int32_t number);

/* Opens a file: "npy" (one array without a name), "npz", "safetensors" or "gguf". Arrays are read
 * when they are computed. NULL on failure. */
cmlx_table *cmlx_load(const char *path, const char *format);
/* Writes a file, whole or not at all. "npz+" is npz with compression. */
int32_t cmlx_save(const char *path, const char *format, cmlx_table *table);

/* - Memory - */

enum {
    CMLX_MEMORY_ACTIVE = 0,
    CMLX_MEMORY_CACHE = 1,
    CMLX_MEMORY_PEAK = 2, /* setting it begins anew */
    CMLX_MEMORY_LIMIT = 3,
    CMLX_MEMORY_CACHE_LIMIT = 4,
    CMLX_MEMORY_SYSTEM = 5,
};
int64_t cmlx_memory(int32_t what);
int32_t cmlx_set_memory(int32_t what, int64_t bytes);
void cmlx_clear_cache(void);
/* How many nodes the graphs of the process have; for tests of leaks. */
int64_t cmlx_node_count(void);
/* The processors that are used, and the instruction set, as text that is never freed. */
int32_t cmlx_thread_count(void);
const char *cmlx_instruction_set(void);
/* Tells what was traced until now to a file that browsers show; tracing starts with NULL. */
int32_t cmlx_trace(const char *path);

#ifdef __cplusplus
}
#endif
#endif
