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

enum { MOST_RUNS = 64 };
typedef struct {
    ptrdiff_t row, column, taps;
} tap_run;

/// Taps that lie side by side in the image, as one.
static size_t tap_runs(tap_run *runs, const mlx_patches *p) {
    size_t count = 0;
    bool joins = p->dilation[1] == 1 && p->channels == p->column_stride;
    for (ptrdiff_t t = 0; t < p->tap_count; t++) {
        ptrdiff_t row = p->taps[2 * t], column = p->taps[2 * t + 1];
        tap_run *last = count ? &runs[count - 1] : NULL;
        if (last && joins && last->row == row && last->column + last->taps == column) {
            last->taps++;
        } else if (count == MOST_RUNS) {
            return 0;
        } else {
            runs[count++] = (tap_run){row, column, 1};
        }
    }
    return count;
}

/// One patch row, a tap at a time.
static void gather_taps(char *out, const char *image, const mlx_patches *p, ptrdiff_t y,
                        ptrdiff_t x) {
    size_t pixel = (size_t)(p->channels * p->item_size);
    for (ptrdiff_t t = 0; t < p->tap_count; t++, out += pixel) {
        ptrdiff_t h = place(y + p->taps[2 * t], p->dilation[0], p->height);
        ptrdiff_t w = place(x + p->taps[2 * t + 1], p->dilation[1], p->width);
        if (h < 0 || w < 0) {
            memset(out, 0, pixel);
        } else {
            memcpy(out, image + (h * p->row_stride + w * p->column_stride) * p->item_size, pixel);
        }
    }
}

/// One patch row, a run of taps at a time; what lies beside the image is zero.
static void gather_runs(char *out, const char *image, const mlx_patches *p, ptrdiff_t y,
                        ptrdiff_t x, const tap_run *runs, size_t count) {
    size_t pixel = (size_t)(p->channels * p->item_size);
    // Of whole pixels the end is known.
    bool is_whole = p->channels == p->column_stride;
    const char *end = is_whole ? image + p->image_stride * p->item_size : image;
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t h = place(y + runs[i].row, p->dilation[0], p->height), taps = runs[i].taps;
        ptrdiff_t w = x + runs[i].column, left = w < 0 ? -w : 0;
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
}

void mlx_gather_patches(char *out, const char *in, const mlx_patches *p, size_t begin,
                        size_t end) {
    tap_run runs[MOST_RUNS];
    size_t count = tap_runs(runs, p);
    size_t bytes = (size_t)(p->tap_count * p->channels * p->item_size);
    for (size_t row = begin; row < end; row++, out += bytes) {
        ptrdiff_t column = (ptrdiff_t)row % p->grid_width;
        ptrdiff_t rest = (ptrdiff_t)row / p->grid_width;
        ptrdiff_t y = rest % p->grid_height * p->step[0], x = column * p->step[1];
        const char *image = in + rest / p->grid_height * p->image_stride * p->item_size;
        if (count) {
            gather_runs(out, image, p, y, x, runs, count);
        } else {
            gather_taps(out, image, p, y, x);
        }
    }
}
