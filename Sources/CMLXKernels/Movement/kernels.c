// Lookup of the row kernels by level, and the loops that move elements without computing: those
// are bound by memory, so one compilation serves all levels.
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "mlx_kernels.h"

static mlx_reduce_table *const reductions[] = BY_LEVEL(mlx_reduce_table);
static mlx_arg_table *const args[] = BY_LEVEL(mlx_arg_table);
static mlx_softmax_table *const softmaxes[] = BY_LEVEL(mlx_softmax_table);
static mlx_random_words_fn *const randoms[] = BY_LEVEL(mlx_random_words);

mlx_reduction_facts mlx_reduction_facts_of(enum mlx_reduction reduction) {
    static const mlx_reduction_facts facts[MLX_REDUCTION_COUNT] = {
#define MLX_LIST_REDUCTIONS
#define REDUCTION(name, merge, is_wide, identity) [name] = {merge, is_wide, identity},
#include "../Reductions/reduce.h"
#undef REDUCTION
#undef MLX_LIST_REDUCTIONS
    };
    return facts[reduction];
}

mlx_reduce_rows mlx_reduce_fn(int reduction, int dtype) {
    return (*reductions[mlx_level()])[reduction][dtype];
}
mlx_arg_rows mlx_arg_fn(bool minimum, int dtype) { return (*args[mlx_level()])[minimum][dtype]; }
static int softmax_place(int dtype) { return dtype == MLX_C64 ? 2 : dtype == MLX_F64; }

mlx_softmax_rows mlx_softmax_fn(int dtype) {
    return (*softmaxes[mlx_level()])[softmax_place(dtype)];
}
mlx_softmax_rows mlx_log_sum_exp_fn(int dtype) {
    return (*softmaxes[mlx_level()])[3 + softmax_place(dtype)];
}
void mlx_random_words(uint32_t *out, uint32_t key0, uint32_t key1, size_t count, size_t begin,
                      size_t end) {
    randoms[mlx_level()](out, key0, key1, count, begin, end);
}

static void copy_row(char *out, const char *in, int item_size, size_t n, ptrdiff_t so,
                     ptrdiff_t si, bool stream) {
    if (so == 1 && si == 1) {
        if (stream) mlx_stream_copy_fn(1)(out, in, NULL, NULL, n * (size_t)item_size);
        else memcpy(out, in, n * (size_t)item_size);
        return;
    }
    if (so == 1 && si == 0) {
        mlx_fill(out, in, item_size, n, stream);
        return;
    }
#define ROW(T)                                                                            \
    for (size_t i = 0; i < n; i++) {                                                      \
        ((T *)out)[(ptrdiff_t)i * so] = ((const T *)in)[(ptrdiff_t)i * si];               \
    }
    switch (item_size) {
    case 1: ROW(u8) break;
    case 2: ROW(u16) break;
    case 4: ROW(u32) break;
    default: ROW(u64)
    }
#undef ROW
}

void mlx_copy_rows(char *out, const char *in, int item_size, int ndim, const ptrdiff_t *shape,
                   const ptrdiff_t *out_strides, const ptrdiff_t *in_strides,
                   size_t begin, size_t end, bool stream) {
    enum { MAXIMUM_RANK = 16 };
    if (ndim == 0) {
        if (begin < end) memcpy(out, in, (size_t)item_size);
        return;
    }
    int last = ndim - 1;
    ptrdiff_t index[MAXIMUM_RANK], to = 0, from = 0;
    size_t rest = begin;
    for (int axis = last - 1; axis >= 0; axis--) {
        index[axis] = (ptrdiff_t)(rest % (size_t)shape[axis]);
        rest /= (size_t)shape[axis];
        to += index[axis] * out_strides[axis];
        from += index[axis] * in_strides[axis];
    }
    for (size_t row = begin; row < end; row++) {
        copy_row(out + to * item_size, in + from * item_size, item_size, (size_t)shape[last],
                 out_strides[last], in_strides[last], stream);
        for (int axis = last - 1; axis >= 0; axis--) {
            to += out_strides[axis];
            from += in_strides[axis];
            if (++index[axis] < shape[axis]) break;
            to -= shape[axis] * out_strides[axis];
            from -= shape[axis] * in_strides[axis];
            index[axis] = 0;
        }
    }
}

#define BY_SIZE(item_size, DO)                                                            \
    switch (item_size) {                                                                  \
    case 1: DO(u8) break;                                                                 \
    case 2: DO(u16) break;                                                                \
    case 4: DO(u32) break;                                                                \
    default: DO(u64)                                                                      \
    }

void mlx_repeat_elements(char *out, const char *in, int item_size, size_t n, size_t count) {
#define REPEAT(T)                                                                         \
    {                                                                                     \
        T *to = (T *)out;                                                                 \
        const T *from = (const T *)in;                                                    \
        if (count == 2) {                                                                 \
            for (size_t i = 0; i < n; i++) to[2 * i] = to[2 * i + 1] = from[i];           \
        } else {                                                                          \
            for (size_t i = 0; i < n; i++) {                                              \
                for (size_t j = 0; j < count; j++) *to++ = from[i];                       \
            }                                                                             \
        }                                                                                 \
    }
    BY_SIZE(item_size, REPEAT)
#undef REPEAT
}

void mlx_scatter_elements(char *out, const char *values, const int64_t *offsets, size_t n,
                          int item_size, int64_t low, int64_t high) {
#define SCATTER(T)                                                                        \
    for (size_t i = 0; i < n; i++) {                                                      \
        if (offsets[i] >= low && offsets[i] < high) {                                     \
            ((T *)out)[offsets[i]] = ((const T *)values)[i];                              \
        }                                                                                 \
    }
    BY_SIZE(item_size, SCATTER)
#undef SCATTER
}

// Rows of indices into (n, inner), plane by plane. BODY moves one element.
#define ALONG_ELEMENT(I, BODY)                                                            \
    {                                                                                     \
        int64_t at = ((const I *)index)[e];                                               \
        if (at < 0) at += n;                                                              \
        if ((uint64_t)at >= (uint64_t)n) return (ptrdiff_t)e;                             \
        size_t place = base + (size_t)at * inner + i;                                     \
        BODY                                                                              \
    }
#define ALONG(I, BODY)                                                                    \
    for (size_t row = begin; row < end;) {                                                \
        size_t plane = row / k, last = (plane + 1) * k < end ? (plane + 1) * k : end;     \
        size_t base = plane * (size_t)n * inner, e = row * inner;                         \
        if (inner == 1) {                                                                 \
            for (const size_t i = 0; e < last; e++) ALONG_ELEMENT(I, BODY)                \
        } else {                                                                          \
            for (; row < last; row++) {                                                   \
                for (size_t i = 0; i < inner; i++, e++) ALONG_ELEMENT(I, BODY)            \
            }                                                                             \
        }                                                                                 \
        row = last;                                                                       \
    }
#define ALONG_OF(BODY)                                                                    \
    if (wide) {                                                                           \
        ALONG(int64_t, BODY)                                                              \
    } else {                                                                              \
        ALONG(int32_t, BODY)                                                              \
    }

ptrdiff_t mlx_take_along(char *out, const char *x, const void *index, bool wide, int item_size,
                         size_t begin, size_t end, size_t k, size_t inner, int64_t n) {
#define TAKE(T) ALONG_OF(((T *)out)[e] = ((const T *)x)[place];)
    BY_SIZE(item_size, TAKE)
#undef TAKE
    return -1;
}

ptrdiff_t mlx_put_along(char *out, const char *values, const void *index, bool wide, int item_size,
                        size_t first, size_t beyond, size_t k, size_t inner, int64_t n) {
    size_t begin = first * k, end = beyond * k;
#define PUT(T) ALONG_OF(((T *)out)[place] = ((const T *)values)[e];)
    BY_SIZE(item_size, PUT)
#undef PUT
    return -1;
}

void mlx_fill(void *out, const void *value, int item_size, size_t n, bool stream) {
    u64 pattern = 0;
    switch (item_size) {
    case 1: pattern = *(const u8 *)value * 0x0101010101010101ull; break;
    case 2: pattern = *(const u16 *)value * 0x0001000100010001ull; break;
    case 4: pattern = *(const u32 *)value * 0x0000000100000001ull; break;
    default: memcpy(&pattern, value, 8);
    }
    size_t bytes = n * (size_t)item_size, head = (size_t)(-(uintptr_t)out & 7);
    if (stream && bytes > 64 && head % (size_t)item_size == 0) {
        // Elements are aligned to their size, so the pattern stays in step after the head.
        char *o = out;
        memcpy(o, &pattern, head);
        size_t words = (bytes - head) / 8;
        u64 *w = (u64 *)(void *)(o + head);
        for (size_t i = 0; i < words; i++) __builtin_nontemporal_store(pattern, w + i);
        memcpy(o + head + words * 8, &pattern, bytes - head - words * 8);
        fence_streams();
        return;
    }
    switch (item_size) {
    case 1: memset(out, (int)(pattern & 255), n); break;
    case 2: for (size_t i = 0; i < n; i++) ((u16 *)out)[i] = (u16)pattern; break;
    case 4: for (size_t i = 0; i < n; i++) ((u32 *)out)[i] = (u32)pattern; break;
    default: for (size_t i = 0; i < n; i++) ((u64 *)out)[i] = pattern;
    }
}

void mlx_gather_windows(char *out, const char *in, const int64_t *offsets, size_t n,
                        int item_size, size_t window) {
    if (window == 1) {
#define ONE(T) for (size_t i = 0; i < n; i++) ((T *)out)[i] = ((const T *)in)[offsets[i]];
        switch (item_size) {
        case 1: ONE(u8) break;
        case 2: ONE(u16) break;
        case 4: ONE(u32) break;
        default: ONE(u64)
        }
#undef ONE
        return;
    }
    size_t bytes = window * (size_t)item_size;
    for (size_t i = 0; i < n; i++) {
        memcpy(out + i * bytes, in + offsets[i] * item_size, bytes);
    }
}

size_t mlx_add_offsets(int64_t *offsets, const int64_t *indices, size_t n, int64_t limit,
                       int64_t stride) {
    for (size_t i = 0; i < n; i++) {
        int64_t index = indices[i] < 0 ? indices[i] + limit : indices[i];
        if (index < 0 || index >= limit) return i;
        offsets[i] += index * stride;
    }
    return n;
}
