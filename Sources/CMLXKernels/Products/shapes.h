// The shape of AMX tiles: eight of 16 rows of 64 bytes.
#pragma once

typedef struct {
    u8 palette, start, reserved[14];
    u16 row_bytes[16];
    u8 rows[16];
} tile_shapes;

INLINE void shape_tiles(void) {
    tile_shapes shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shapes.row_bytes[i] = 64;
        shapes.rows[i] = 16;
    }
    _tile_loadconfig(&shapes);
}
