// Patch rows for convolutions. Moves elements only, so one compilation serves all levels.
#include "mlx_kernels.h"
#include <stdbool.h>
#include <string.h>

/// The position in an undilated axis, or -1.
static ptrdiff_t place(ptrdiff_t position, ptrdiff_t dilation, ptrdiff_t length) {
    if (position < 0) return -1;
    if (dilation != 1) {
        if (position % dilation) return -1;
        position /= dilation;
    }
    return position < length ? position : -1;
}

/// Copies a run that may write, but not read, up to 15 bytes further.
static inline void copy_run(char *out, const char *in, size_t bytes, const char *end) {
    if (bytes > 256 || in + bytes + 15 > end) {
        memcpy(out, in, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += 16) memcpy(out + i, in + i, 16);
}

/// One patch row; what lies beside the image is zero.
/// Returns where the next row starts.
static char *gather_row(char *out, const char *image, const mlx_patches *p, ptrdiff_t y,
                        ptrdiff_t x) {
    size_t pixel = (size_t)(p->channels * p->item_size);
    // Of whole pixels the end is known.
    bool is_whole = p->channels == p->column_stride;
    const char *end = is_whole ? image + p->image_stride * p->item_size : image;
    for (const mlx_tap_run *run = p->runs; run < p->runs + p->run_count; run++) {
        ptrdiff_t h = place(y + run->row, p->dilation[0], p->height), taps = run->taps;
        ptrdiff_t w = x + run->column, left = w < 0 ? -w : 0;
        ptrdiff_t right = w + taps > p->width ? w + taps - p->width : 0;
        if (taps == 1) {
            w = place(w, p->dilation[1], p->width);
            left = w < 0;
            right = 0;
        }
        size_t bytes = (size_t)taps * pixel;
        if (h < 0 || left + right >= taps) {
            memset(out, 0, bytes);
        } else {
            const char *in = image + (h * p->row_stride + w * p->column_stride) * p->item_size;
            size_t before = (size_t)left * pixel, after = (size_t)right * pixel;
            if (before) memset(out, 0, before);
            copy_run(out + before, in + before, bytes - before - after, end);
            if (after) memset(out + bytes - after, 0, after);
        }
        out += bytes;
    }
    return out;
}

void mlx_gather_patches(char *out, const char *in, const mlx_patches *p, size_t begin,
                        size_t end) {
    for (size_t row = begin; row < end; row++) {
        ptrdiff_t column = (ptrdiff_t)row % p->grid_width;
        ptrdiff_t rest = (ptrdiff_t)row / p->grid_width;
        ptrdiff_t y = rest % p->grid_height * p->step[0], x = column * p->step[1];
        const char *image = in + rest / p->grid_height * p->image_stride * p->item_size;
        out = gather_row(out, image, p, y, x);
    }
}
