// The tape runner and the lookup of tile functions. Works on addresses only; the arithmetic is in
// the level sources.
#include "../Levels/common.h"
#include "../Levels/tables.h"

static mlx_elementwise_table *const elementwise[] = BY_LEVEL(mlx_elementwise_table);
static mlx_cast_table *const casts[] = BY_LEVEL(mlx_cast_table);
static mlx_round_table *const rounds[] = BY_LEVEL(mlx_round_table);

mlx_tile_fn mlx_elementwise_fn(int op, int dtype) {
    if (op < 0 || op >= MLX_ELEMENTWISE_COUNT || dtype < 0 || dtype >= MLX_DTYPE_COUNT) return NULL;
    return (*elementwise[mlx_level()])[op][dtype];
}

mlx_tile_fn mlx_cast_fn(int from, int to) {
    if (from < 0 || from >= MLX_DTYPE_COUNT || to < 0 || to >= MLX_DTYPE_COUNT) return NULL;
    return (*casts[mlx_level()])[from][to];
}

mlx_tile_fn mlx_round_fn(int dtype) {
    if (dtype != MLX_F16 && dtype != MLX_BF16) return NULL;
    return (*rounds[mlx_level()])[dtype == MLX_BF16];
}

/// One element all over the tile.
static void fill(void *out, const char *value, int item_size, size_t n) {
    switch (item_size) {
    case 1: memset(out, *(const u8 *)value, n); break;
    case 2: for (size_t i = 0; i < n; i++) ((u16 *)out)[i] = *(const u16 *)value; break;
    case 4: for (size_t i = 0; i < n; i++) ((u32 *)out)[i] = *(const u32 *)value; break;
    default: for (size_t i = 0; i < n; i++) ((u64 *)out)[i] = *(const u64 *)value;
    }
}

/// One row of a strided walk.
static void load_row(char *out, const char *p, int item_size, ptrdiff_t stride, size_t n) {
    if (stride == 1) {
        memcpy(out, p, n * (size_t)item_size);
        return;
    }
    if (stride == 0) {
        fill(out, p, item_size, n);
        return;
    }
#define ROW(T)                                                                            \
    for (size_t i = 0; i < n; i++) ((T *)out)[i] = ((const T *)p)[(ptrdiff_t)i * stride];
    switch (item_size) {
    case 1: ROW(u8) break;
    case 2: ROW(u16) break;
    case 4: ROW(u32) break;
    default: ROW(u64)
    }
#undef ROW
}

void mlx_strided_load(void *out, const char *base, int item_size, int ndim,
                      const ptrdiff_t *shape, const ptrdiff_t *strides, size_t begin, size_t n) {
    enum { MAXIMUM_RANK = 16 };
    char *o = out;
    if (ndim == 0) {
        fill(o, base, item_size, n);
        return;
    }
    ptrdiff_t index[MAXIMUM_RANK], offset = 0;
    size_t rest = begin;
    for (int axis = ndim - 1; axis >= 0; axis--) {
        index[axis] = (ptrdiff_t)(rest % (size_t)shape[axis]);
        rest /= (size_t)shape[axis];
        offset += index[axis] * strides[axis];
    }
    int last = ndim - 1;
    while (n) {
        size_t row = (size_t)(shape[last] - index[last]);
        if (row > n) row = n;
        load_row(o, base + offset * item_size, item_size, strides[last], row);
        o += row * (size_t)item_size;
        n -= row;
        // The next row: carry from the last axis outwards.
        offset -= index[last] * strides[last];
        index[last] = 0;
        for (int axis = last - 1; axis >= 0; axis--) {
            offset += strides[axis];
            if (++index[axis] < shape[axis]) break;
            offset -= shape[axis] * strides[axis];
            index[axis] = 0;
        }
    }
}

static void load_strided(char *tile, const mlx_tape_operand *o, size_t begin, size_t n) {
    mlx_strided_load(tile, o->base, o->item_size, o->ndim, o->shape, o->strides, begin, n);
}

// Where rows are long, tiles end with them, in equal pieces: then a row that lies in memory as it
// is needs no copy. Returns the length of the rows, 0 for tiles of the full length.
static size_t row_length(const mlx_tape_operand *operands, size_t count) {
    enum { LEAST = 256 };
    for (size_t i = 0; i < count; i++) {
        const mlx_tape_operand *o = &operands[i];
        if (o->kind == MLX_TAPE_STRIDED && o->ndim > 0 && o->strides[o->ndim - 1] == 1 &&
            o->shape[o->ndim - 1] >= LEAST) {
            return (size_t)o->shape[o->ndim - 1];
        }
    }
    return 0;
}

static size_t piece_length(size_t row) {
    size_t pieces = (row + MLX_TAPE_TILE - 1) / MLX_TAPE_TILE;
    return ((row + pieces - 1) / pieces + 15) & ~(size_t)15;
}

// The address of n elements from `begin` on if they lie one behind the other, else NULL.
static char *lying_flat(const mlx_tape_operand *o, size_t begin, size_t n) {
    int last = o->ndim - 1;
    if (last < 0 || o->strides[last] != 1) return NULL;
    size_t rest = begin / (size_t)o->shape[last];
    ptrdiff_t offset = (ptrdiff_t)(begin % (size_t)o->shape[last]);
    if (offset + (ptrdiff_t)n > o->shape[last]) return NULL;
    for (int axis = last - 1; axis >= 0; axis--) {
        offset += (ptrdiff_t)(rest % (size_t)o->shape[axis]) * o->strides[axis];
        rest /= (size_t)o->shape[axis];
    }
    return o->base + offset * o->item_size;
}

// Eight call sites, because processors that predict an indirect call by its last target then get
// short tapes right from the second tile on (7 ns a step with one site, 2 to 3 with eight).
static void run_steps(const mlx_tape_step *s, size_t count, char *const *at, size_t n) {
#define STEP(i) s[i].fn(at[s[i].out], at[s[i].a], at[s[i].b], at[s[i].c], n)
    for (; count >= 8; count -= 8, s += 8) {
        STEP(0); STEP(1); STEP(2); STEP(3); STEP(4); STEP(5); STEP(6); STEP(7);
    }
    if (count > 0) STEP(0);
    if (count > 1) STEP(1);
    if (count > 2) STEP(2);
    if (count > 3) STEP(3);
    if (count > 4) STEP(4);
    if (count > 5) STEP(5);
    if (count > 6) STEP(6);
#undef STEP
}

void mlx_tape_run(const mlx_tape_step *steps, size_t count,
                  const mlx_tape_operand *operands, size_t operand_count,
                  char *scratch, size_t begin, size_t end) {
    size_t pointer_bytes = (operand_count * sizeof(void *) + 63) & ~(size_t)63;
    char **at = (char **)(void *)scratch;
    char *tiles = scratch + pointer_bytes;
    size_t widest = end - begin < MLX_TAPE_TILE ? end - begin : MLX_TAPE_TILE;
    for (size_t i = 0; i < operand_count; i++) {
        const mlx_tape_operand *o = &operands[i];
        at[i] = tiles + (size_t)o->slot * MLX_TAPE_SLOT_BYTES;
        if (o->kind == MLX_TAPE_SCALAR) fill(at[i], o->base, o->item_size, widest);
    }
    size_t row = row_length(operands, operand_count), piece = row ? piece_length(row) : 0;
    for (size_t start = begin, n; start < end; start += n) {
        n = end - start < MLX_TAPE_TILE ? end - start : MLX_TAPE_TILE;
        if (row) {
            size_t done = start % row, stop = (done / piece + 1) * piece;
            if (stop > row) stop = row;
            if (n > stop - done) n = stop - done;
        }
        for (size_t i = 0; i < operand_count; i++) {
            const mlx_tape_operand *o = &operands[i];
            if (o->kind == MLX_TAPE_FLAT) {
                at[i] = o->base + start * o->item_size;
            } else if (o->kind == MLX_TAPE_STRIDED) {
                // Only read by the steps, so it may be read where it is.
                at[i] = lying_flat(o, start, n);
                if (!at[i]) {
                    at[i] = tiles + (size_t)o->slot * MLX_TAPE_SLOT_BYTES;
                    load_strided(at[i], o, start, n);
                }
            }
        }
        run_steps(steps, count, at, n);
    }
}

#if defined(__x86_64__)
// Non-temporal stores need an aligned destination; the head and tail go through memcpy.
static void stream_bytes(char *out, const char *in, size_t bytes) {
    size_t head = (size_t)(-(uintptr_t)out & 15);
    if (bytes < 256 || out == in) {
        if (out != in) memcpy(out, in, bytes);
        return;
    }
    memcpy(out, in, head);
    out += head;
    in += head;
    bytes -= head;
    size_t body = bytes & ~(size_t)63;
    for (size_t i = 0; i < body; i += 64) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(in + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(in + i + 16));
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(in + i + 32));
        __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(in + i + 48));
        _mm_stream_si128((__m128i *)(void *)(out + i), a);
        _mm_stream_si128((__m128i *)(void *)(out + i + 16), b);
        _mm_stream_si128((__m128i *)(void *)(out + i + 32), c);
        _mm_stream_si128((__m128i *)(void *)(out + i + 48), d);
    }
    memcpy(out + body, in + body, bytes - body);
    fence_streams();
}
#else
static void stream_bytes(char *out, const char *in, size_t bytes) {
    if (out != in) memcpy(out, in, bytes);
}
#endif

TILE(stream1) { stream_bytes(out_, a_, n); }
TILE(stream2) { stream_bytes(out_, a_, n * 2); }
TILE(stream4) { stream_bytes(out_, a_, n * 4); }
TILE(stream8) { stream_bytes(out_, a_, n * 8); }

mlx_tile_fn mlx_stream_copy_fn(int item_size) {
    switch (item_size) {
    case 1: return stream1;
    case 2: return stream2;
    case 4: return stream4;
    case 8: return stream8;
    default: return NULL;
    }
}
