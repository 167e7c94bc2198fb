/* The buffer protocol and DLPack, both ways. */
#include "engine.h"

#include <stdatomic.h>

/* - Giving back from any thread - */

typedef struct Later {
    struct Later *next;
    void (*function)(void *);
    void *context;
} Later;

static _Atomic(Later *) waiting;
static atomic_int is_asked;

static int drain(void *unused) {
    (void)unused;
    atomic_store(&is_asked, 0);
    Later *later = atomic_exchange(&waiting, NULL);
    while (later) {
        Later *next = later->next;
        later->function(later->context);
        free(later);
        later = next;
    }
    return 0;
}

/* Runs a function on a thread that holds the interpreter's lock, some time later. */
static void call_later(void (*function)(void *), void *context) {
    Later *later = malloc(sizeof *later);
    if (!later) return; /* leaks rather than touches Python here */
    later->function = function;
    later->context = context;
    later->next = atomic_load(&waiting);
    while (!atomic_compare_exchange_weak(&waiting, &later->next, later))
        continue;
    /* At the end of the process there is nobody left who would want it back. */
    if (!Py_IsInitialized()) return;
    /* The interpreter's own list is short: it is asked once for all that wait. */
    if (!atomic_exchange(&is_asked, 1) && Py_AddPendingCall(drain, NULL) < 0)
        atomic_store(&is_asked, 0);
}

void drain_waiting(void) {
    if (atomic_load(&waiting)) drain(NULL);
}

static void drop(void *object) { Py_DECREF((PyObject *)object); }

void release_later(void *object) { call_later(drop, object); }

/* - Buffers - */

typedef struct {
    cmlx_array handle;
    Py_ssize_t shape[16], strides[16];
} Export;

static const char *const formats[14] = {
    [CMLX_BOOL] = "?",
    [CMLX_UINT8] = "B",
    [CMLX_UINT16] = "H",
    [CMLX_UINT32] = "I",
    [CMLX_UINT64] = "Q",
    [CMLX_INT8] = "b",
    [CMLX_INT16] = "h",
    [CMLX_INT32] = "i",
    [CMLX_INT64] = "q",
    [CMLX_FLOAT16] = "e",
    [CMLX_FLOAT32] = "f",
    [CMLX_FLOAT64] = "d",
    [CMLX_BFLOAT16] = "bfloat16",
    [CMLX_COMPLEX64] = "Zf",
};

/* Whether a consumer cannot do with strides of any kind. */
static int wants_row_major(int flags) {
    return (flags & PyBUF_STRIDES) != PyBUF_STRIDES ||
           (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS ||
           (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS;
}

int array_get_buffer(PyObject *self, Py_buffer *view, int flags) {
    cmlx_array handle = HANDLE(self);
    cmlx_retain(handle);
    cmlx_contents contents;
    Export *export = malloc(sizeof *export);
    view->obj = NULL;
    if (!export)
        PyErr_NoMemory();
    else if (evaluate_one(handle) == 0 && cmlx_read(handle, &contents) < 0)
        raise_failure();
    else if (!PyErr_Occurred() && !contents.is_row_major && wants_row_major(flags))
        PyErr_SetString(PyExc_BufferError, "the array is not contiguous");
    if (PyErr_Occurred()) {
        free(export);
        cmlx_release(handle);
        return -1;
    }
    int size = cmlx_dtype_size(contents.dtype);
    view->len = size;
    for (int axis = 0; axis < contents.rank; axis++) {
        export->shape[axis] = (Py_ssize_t)contents.shape[axis];
        export->strides[axis] = (Py_ssize_t)(contents.strides[axis] * size);
        view->len *= export->shape[axis];
    }
    export->handle = handle;
    view->buf = contents.bytes;
    view->itemsize = size;
    view->readonly = 0;
    view->ndim = contents.rank;
    view->format = flags & PyBUF_FORMAT ? (char *)formats[contents.dtype] : NULL;
    view->shape = flags & PyBUF_ND ? export->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? export->strides : NULL;
    view->suboffsets = NULL;
    view->internal = export;
    view->obj = Py_NewRef(self);
    return 0;
}

void array_release_buffer(PyObject *self, Py_buffer *view) {
    (void)self;
    Export *export = view->internal;
    cmlx_release(export->handle);
    free(export);
}

PyObject *array_bytes(PyObject *self, PyObject *none) {
    (void)none;
    cmlx_array handle = HANDLE(self);
    cmlx_retain(handle);
    PyObject *bytes = NULL;
    if (evaluate_one(handle) == 0) {
        Py_ssize_t count = (Py_ssize_t)cmlx_size(handle) * cmlx_dtype_size(cmlx_dtype(handle));
        bytes = PyBytes_FromStringAndSize(NULL, count);
        if (bytes && cmlx_write(handle, PyBytes_AsString(bytes), (size_t)count) < 0) {
            Py_CLEAR(bytes);
            raise_failure();
        }
    }
    cmlx_release(handle);
    return bytes;
}

/* The dtype of a buffer's elements, -1 if arrays have none such. Complex numbers of two doubles
 * are -2. */
static int dtype_of(const Py_buffer *view) {
    const char *format = view->format ? view->format : "B";
    if (*format == '@' || *format == '=' || *format == '<' || *format == '^') format++;
    Py_ssize_t size = view->itemsize;
    if (!strcmp(format, "Zf")) return CMLX_COMPLEX64;
    if (!strcmp(format, "Zd")) return -2;
    if (!strcmp(format, "bfloat16")) return CMLX_BFLOAT16;
    if (strlen(format) != 1) return -1;
    if (strchr("BHILQN", *format))
        return size == 1   ? CMLX_UINT8
               : size == 2 ? CMLX_UINT16
               : size == 4 ? CMLX_UINT32
                           : CMLX_UINT64;
    if (strchr("bhilqn", *format))
        return size == 1 ? CMLX_INT8 : size == 2 ? CMLX_INT16 : size == 4 ? CMLX_INT32 : CMLX_INT64;
    switch (*format) {
    case '?':
        return CMLX_BOOL;
    case 'e':
        return CMLX_FLOAT16;
    case 'f':
        return CMLX_FLOAT32;
    case 'd':
        return CMLX_FLOAT64;
    default:
        return -1;
    }
}

/* An array of another dtype in place of `handle`, which is given back. */
static cmlx_array cast(cmlx_array handle, int dtype) {
    if (!handle) return raise_failure(), 0;
    if (dtype < 0 || cmlx_dtype(handle) == dtype) return handle;
    PyObject *result =
        function_call(function_named("astype"),
                      (cmlx_argument[]){{.kind = CMLX_ARRAY, .value.array = handle},
                                        {.kind = CMLX_DTYPE, .value.integer = dtype}},
                      2);
    cmlx_release(handle);
    if (!result) return 0;
    handle = HANDLE(result);
    cmlx_retain(handle);
    Py_DECREF(result);
    return handle;
}

/* Bytes whose copy takes longer than others may wait for the interpreter. */
#define LARGE (1 << 18)

static cmlx_array copied(const Py_buffer *view, const void *bytes, int own, int dtype) {
    int64_t shape[16], count = 1;
    for (int axis = 0; axis < view->ndim; axis++) {
        shape[axis] = view->shape[axis];
        count *= shape[axis];
    }
    /* As MLX has it: doubles become float32 unless float64 is asked for. */
    int wanted = dtype < 0 && own == CMLX_FLOAT64 ? CMLX_FLOAT32 : dtype;
    if (own != -2) {
        /* Other threads go on while much is copied; the view keeps the bytes where they are. */
        PyThreadState *thread = view->len >= LARGE ? PyEval_SaveThread() : NULL;
        cmlx_array array = cmlx_copy(bytes, own, shape, view->ndim);
        if (thread) PyEval_RestoreThread(thread);
        return cast(array, wanted);
    }
    float *pairs = malloc((size_t)count * 2 * sizeof *pairs + 1);
    if (!pairs) return PyErr_NoMemory(), 0;
    for (int64_t index = 0; index < 2 * count; index++)
        pairs[index] = (float)((const double *)bytes)[index];
    cmlx_array handle = cast(cmlx_copy(pairs, CMLX_COMPLEX64, shape, view->ndim), wanted);
    free(pairs);
    return handle;
}

cmlx_array array_from_buffer(PyObject *object, int dtype) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) return 0;
    int own = dtype_of(&view);
    cmlx_array handle = 0;
    if (own == -1 || view.ndim > 16)
        PyErr_Format(PyExc_ValueError, "cannot make an array of %d axes of format '%s'", view.ndim,
                     view.format ? view.format : "B");
    else if (PyBuffer_IsContiguous(&view, 'C'))
        handle = copied(&view, view.buf, own, dtype);
    else {
        void *bytes = malloc((size_t)view.len + 1);
        if (!bytes)
            PyErr_NoMemory();
        else if (PyBuffer_ToContiguous(bytes, &view, view.len, 'C') == 0)
            handle = copied(&view, bytes, own, dtype);
        free(bytes);
    }
    PyBuffer_Release(&view);
    return handle;
}

/* - DLPack, https://dmlc.github.io/dlpack, as of version 0.8 - */

typedef struct {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} Tensor;

typedef struct ManagedTensor {
    Tensor tensor;
    void *context;
    void (*deleter)(struct ManagedTensor *);
} ManagedTensor;

typedef struct {
    ManagedTensor managed;
    cmlx_array handle;
    int64_t shape[16], strides[16];
} ExportedTensor;

static void delete_export(ManagedTensor *managed) {
    ExportedTensor *exported = (ExportedTensor *)managed;
    cmlx_release(exported->handle);
    free(exported);
}

static void delete_capsule(PyObject *capsule) {
    if (!PyCapsule_IsValid(capsule, "dltensor")) return; /* somebody took it */
    ManagedTensor *managed = PyCapsule_GetPointer(capsule, "dltensor");
    if (managed && managed->deleter) managed->deleter(managed);
}

static void describe(int dtype, Tensor *tensor) {
    tensor->dtype.code = dtype == CMLX_BOOL        ? 6
                         : dtype == CMLX_BFLOAT16  ? 4
                         : dtype == CMLX_COMPLEX64 ? 5
                         : dtype >= CMLX_FLOAT16   ? 2
                         : dtype <= CMLX_UINT64    ? 1
                                                   : 0;
    tensor->dtype.bits = (uint8_t)(cmlx_dtype_size(dtype) * 8);
    tensor->dtype.lanes = 1;
}

PyObject *array_dlpack(PyObject *self, PyObject *args, PyObject *names) {
    static char *keywords[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, names, "|$OOOO:__dlpack__", keywords, &stream, &version,
                                     &device, &copy))
        return NULL;
    cmlx_array handle = HANDLE(self);
    cmlx_retain(handle);
    cmlx_contents contents;
    ExportedTensor *exported = calloc(1, sizeof *exported);
    if (!exported)
        PyErr_NoMemory();
    else if (evaluate_one(handle) == 0 && cmlx_read(handle, &contents) < 0)
        raise_failure();
    if (PyErr_Occurred()) {
        free(exported);
        cmlx_release(handle);
        return NULL;
    }
    exported->handle = handle;
    for (int axis = 0; axis < contents.rank; axis++) {
        exported->shape[axis] = contents.shape[axis];
        exported->strides[axis] = contents.strides[axis];
    }
    Tensor *tensor = &exported->managed.tensor;
    tensor->data = contents.bytes;
    tensor->device.type = 1;
    tensor->ndim = contents.rank;
    tensor->shape = exported->shape;
    tensor->strides = exported->strides;
    describe(contents.dtype, tensor);
    exported->managed.deleter = delete_export;
    PyObject *capsule = PyCapsule_New(&exported->managed, "dltensor", delete_capsule);
    if (!capsule) delete_export(&exported->managed);
    return capsule;
}

PyObject *array_dlpack_device(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    return Py_BuildValue("(ii)", 1, 0);
}

/* On whatever thread lets go of the memory last: the exporter may need the interpreter's lock. */
static void delete_import(void *context) {
    ManagedTensor *managed = context;
    if (managed->deleter) managed->deleter(managed);
}
static void finish_import(void *context) { call_later(delete_import, context); }

static int is_row_major(const Tensor *tensor) {
    int64_t expected = 1;
    for (int axis = tensor->ndim - 1; tensor->strides && axis >= 0; axis--) {
        if (tensor->shape[axis] != 1 && tensor->strides[axis] != expected) return 0;
        expected *= tensor->shape[axis];
    }
    return 1;
}

static void gather(const Tensor *tensor, const char *bytes, int axis, int size, char **target) {
    if (axis == tensor->ndim) {
        memcpy(*target, bytes, (size_t)size);
        *target += size;
        return;
    }
    for (int64_t index = 0; index < tensor->shape[axis]; index++)
        gather(tensor, bytes + index * tensor->strides[axis] * size, axis + 1, size, target);
}

/* The dtype of a tensor's elements, -1 if arrays have none such. Complex numbers of two doubles
 * are -2, as those of buffers. */
static int dtype_of_tensor(const Tensor *tensor) {
    if (tensor->dtype.lanes != 1) return -1;
    if (tensor->dtype.code == 5 && tensor->dtype.bits == 128) return -2;
    for (int number = 0; number < 14; number++) {
        Tensor one;
        describe(number, &one);
        if (one.dtype.code == tensor->dtype.code && one.dtype.bits == tensor->dtype.bits)
            return number;
    }
    return -1;
}

/* An array of elements that lie packed, row by row. */
static cmlx_array packed_copy(const Tensor *tensor, const char *bytes, int own) {
    if (own != -2) return cmlx_copy(bytes, own, tensor->shape, tensor->ndim);
    int64_t count = 2;
    for (int axis = 0; axis < tensor->ndim; axis++)
        count *= tensor->shape[axis];
    float *pairs = malloc((size_t)count * sizeof *pairs + 1);
    if (!pairs) return PyErr_NoMemory(), 0;
    for (int64_t index = 0; index < count; index++)
        pairs[index] = (float)((const double *)(const void *)bytes)[index];
    cmlx_array handle = cmlx_copy(pairs, CMLX_COMPLEX64, tensor->shape, tensor->ndim);
    free(pairs);
    return handle;
}

static cmlx_array gathered_copy(const Tensor *tensor, const char *bytes, int own) {
    int size = own == -2 ? 16 : cmlx_dtype_size(own);
    size_t count = 1;
    for (int axis = 0; axis < tensor->ndim; axis++)
        count *= (size_t)tensor->shape[axis];
    char *packed = malloc(count * (size_t)size + 1), *end = packed;
    if (!packed) return PyErr_NoMemory(), 0;
    gather(tensor, bytes, 0, size, &end);
    cmlx_array handle = packed_copy(tensor, packed, own);
    free(packed);
    return handle;
}

static cmlx_array adopt(ManagedTensor *managed, int sharing, int *is_taken) {
    Tensor *tensor = &managed->tensor;
    int own = dtype_of_tensor(tensor);
    if (tensor->device.type != 1 || own == -1 || tensor->ndim < 0 || tensor->ndim > 16 ||
        (tensor->ndim && !tensor->shape)) {
        PyErr_SetString(PyExc_ValueError,
                        "the tensor has a device, dtype or rank that arrays have not");
        return 0;
    }
    char *bytes = (char *)tensor->data + tensor->byte_offset;
    int is_packed = is_row_major(tensor), can_share = is_packed && own >= 0;
    cmlx_array handle;
    if (sharing == SHARED && !can_share) {
        PyErr_SetString(PyExc_ValueError, "an array of that needs a copy");
        return 0;
    }
    if (can_share && sharing != COPIED) {
        handle = cmlx_adopt(bytes, own, tensor->shape, tensor->ndim, finish_import, managed);
        *is_taken = handle != 0;
    } else
        handle = is_packed ? packed_copy(tensor, bytes, own) : gathered_copy(tensor, bytes, own);
    return handle ? handle : (raise_failure(), 0);
}

cmlx_array array_from_dlpack(PyObject *object, int dtype, int sharing) {
    PyObject *capsule = PyCapsule_CheckExact(object)
                            ? Py_NewRef(object)
                            : PyObject_CallMethod(object, "__dlpack__", NULL);
    if (!capsule) return 0;
    ManagedTensor *managed =
        PyCapsule_IsValid(capsule, "dltensor") ? PyCapsule_GetPointer(capsule, "dltensor") : NULL;
    cmlx_array handle = 0;
    if (!managed)
        PyErr_SetString(PyExc_ValueError, "not a DLPack capsule, or one that was used already");
    else {
        int is_taken = 0;
        handle = adopt(managed, sharing, &is_taken);
        if (handle) {
            PyCapsule_SetName(capsule, "used_dltensor");
            if (!is_taken && managed->deleter) managed->deleter(managed);
        }
    }
    Py_DECREF(capsule);
    return handle ? cast(handle, dtype) : 0;
}

static PyObject *from_dlpack(PyObject *module, PyObject *args, PyObject *names) {
    (void)module;
    PyObject *object, *copy = Py_None;
    static char *keywords[] = {"", "copy", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, names, "O|$O:from_dlpack", keywords, &object, &copy))
        return NULL;
    int sharing = copy == Py_None ? SHARED_IF_POSSIBLE : PyObject_IsTrue(copy) ? COPIED : SHARED;
    if (PyErr_Occurred()) return NULL;
    cmlx_array handle = array_from_dlpack(object, -1, sharing);
    return handle ? array_wrap(handle) : NULL;
}

static PyMethodDef methods[] = {
    {"from_dlpack", (PyCFunction)(void (*)(void))from_dlpack, METH_VARARGS | METH_KEYWORDS,
     "from_dlpack(x, /, *, copy=None)\n--\n\nAn array in the memory of another library's array, or "
     "a copy where that cannot be: of elements that do not lie row by row, and of complex128. "
     "With copy=True always a copy, with copy=False never one."},
    {NULL, NULL, 0, NULL},
};

int buffers_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }
