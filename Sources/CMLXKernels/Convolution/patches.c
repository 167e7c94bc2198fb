// Patch rows for convolutions. Moves elements only, so one compilation serves all levels.
#include "mlx_kernels.h"
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

void mlx_gather_patches(char *out, const char *in, const mlx_patches *p, size_t begin,
                        size_t end) {
    size_t run = (size_t)(p->channels * p->item_size);
    for (size_t row = begin; row < end; row++) {
        ptrdiff_t column = (ptrdiff_t)row % p->grid_width;
        ptrdiff_t rest = (ptrdiff_t)row / p->grid_width;
        ptrdiff_t y = rest % p->grid_height * p->step[0], x = column * p->step[1];
        const char *image = in + rest / p->grid_height * p->image_stride * p->item_size;
        for (ptrdiff_t t = 0; t < p->tap_count; t++, out += run) {
            ptrdiff_t h = place(y + p->taps[2 * t], p->dilation[0], p->height);
            ptrdiff_t w = place(x + p->taps[2 * t + 1], p->dilation[1], p->width);
            if (h < 0 || w < 0) {
                memset(out, 0, run);
            } else {
                memcpy(out, image + (h * p->row_stride + w * p->column_stride) * p->item_size,
                       run);
            }
        }
    }
}
