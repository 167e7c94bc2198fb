// Walks through memory with the vectors of one level. Included once for each level, between its
// target attributes, with LANES (floats of a vector) and MLX_LEVEL set.

typedef float PASTE(line, MLX_LEVEL) __attribute__((vector_size(4 * LANES)));
#define V PASTE(line, MLX_LEVEL)
#define VECTORS (16 / LANES) // of a cache line

/// The distance of eight streams, in floats: an odd number of cache lines away from a multiple of
/// 4 KiB, or all streams would meet in one set of a cache.
INLINE size_t LEVEL_NAME(part)(size_t count) {
    size_t lines = count / 16 / 8;
    return 16 * (lines < 64 + 9 ? lines : (lines - 9) / 64 * 64 + 9);
}

/// One stream goes through eight lines in a row, eight streams each through a line of its own.
#define STREAM(name, STREAMS, BODY)                                                       \
    static size_t LEVEL_NAME(name)(float *out, const float *a, const float *b, size_t count) { \
        size_t part = STREAMS == 1 ? 16 : LEVEL_NAME(part)(count);                        \
        size_t end = STREAMS == 1 ? count / 128 * 128 : part;                             \
        V sum[8] = {};                                                                    \
        const V three = (V){} + 3.0f;                                                     \
        for (size_t i = 0; i < end; i += STREAMS == 1 ? 128 : 16) {                       \
            _Pragma("clang loop unroll(full)") for (int s = 0; s < 8; s++) {              \
                size_t at = i + (size_t)s * part;                                         \
                _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS;           \
                                                        v++, at += LANES) { BODY; }       \
            }                                                                             \
        }                                                                                 \
        for (int s = 0; s < 8; s++) KEEP(sum[s]);                                         \
        KEEP_CONSTANT(three);                                                             \
        fence_streams();                                                                  \
        return STREAMS == 1 ? end : 8 * part;                                             \
    }
#define FROM(array) (*(const V *)(array + at))
#define TO (*(V *)(out + at))
#define PAST(value) __builtin_nontemporal_store(value, (V *)(out + at))
#define BOTH(name, BODY)      \
    STREAM(name##1, 1, BODY) \
    STREAM(name##8, 8, BODY)

BOTH(read, sum[s] += FROM(a))
BOTH(write, TO = three)
BOTH(write_past, PAST(three))
BOTH(copy, TO = FROM(a))
BOTH(copy_past, PAST(FROM(a)))
BOTH(triad, TO = FROM(a) + three * FROM(b))
BOTH(triad_past, PAST(FROM(a) + three * FROM(b)))

#define ROWS(name, arrays)                   \
    {#name, arrays, 1, LEVEL_NAME(name##1)}, \
    {#name, arrays, 8, LEVEL_NAME(name##8)}
static const mlx_stream LEVEL_NAME(streams)[] = {
    ROWS(read, 1),      ROWS(write, 1),       ROWS(write_past, 1), ROWS(copy, 2),
    ROWS(copy_past, 2), ROWS(triad, 3), ROWS(triad_past, 3),
};

#undef V
#undef VECTORS
#undef STREAM
#undef FROM
#undef TO
#undef PAST
#undef BOTH
#undef ROWS
