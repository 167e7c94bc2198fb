// The totals of vectors of float32, of each the upper half added to the lower one again and again,
// four vectors at a time.
#pragma once

typedef float QUARTER __attribute__((ext_vector_type(4)));
typedef float SIXTEEN __attribute__((ext_vector_type(16)));

/// Halves of sixteen lanes added twice.
INLINE QUARTER quarter_sum(SIXTEEN x) {
    typedef float HALF __attribute__((ext_vector_type(8)));
    HALF low = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
    HALF half = low + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    QUARTER first = __builtin_shufflevector(half, half, 0, 1, 2, 3);
    return first + __builtin_shufflevector(half, half, 4, 5, 6, 7);
}

/// The totals of four times four lanes.
INLINE void store_totals(float *out, const QUARTER *q) {
    QUARTER low = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5);
    QUARTER ab = low + __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7);
    low = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5);
    QUARTER cd = low + __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
    low = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    QUARTER total = low + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    memcpy(out, &total, sizeof total);
}
