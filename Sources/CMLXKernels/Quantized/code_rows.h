// Rows of codes that meet the rows of x together, and where their sums go.
#pragma once

typedef const u8 *code_rows[4];
typedef const float *group_scales[4];

/// How many rows of w meet so many rows of x.
INLINE size_t rows_of_codes(size_t rows) { return rows == 1 ? 4 : 2; }

/// Rows of w from i on, with their scales; those beyond the last are the last again.
INLINE void pick_code_rows(code_rows codes, group_scales own, const u8 *w, size_t row_bytes,
                           const float *scales, size_t groups, size_t i, size_t together,
                           size_t count) {
    for (size_t j = 0; j < together; j++) {
        size_t row = i + j < count ? i + j : count - 1;
        codes[j] = w + row * row_bytes;
        own[j] = scales + row * groups;
    }
}

/// The sums of rows of x with those rows of w that there are.
INLINE void place_sums(float *out, ptrdiff_t ldo, const float *sums, size_t rows, size_t i,
                       size_t together, size_t count) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < together && i + j < count; j++) {
            out[(ptrdiff_t)r * ldo + (ptrdiff_t)(i + j)] = sums[r * together + j];
        }
    }
}
