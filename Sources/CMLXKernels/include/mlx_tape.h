// The tape: a short list of elementwise steps run tile by tile over cache-resident tiles. This
// header is the whole contract between the planner, which builds tapes, and the C loops. A tape
// has no shapes of its own: it walks row-major output elements, and strided operands carry theirs.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "mlx_levels.h"

/// Elements in a tile.
#define MLX_TAPE_TILE 1024

/// Bytes of one scratch tile: the widest element is 8 bytes.
#define MLX_TAPE_SLOT_BYTES (MLX_TAPE_TILE * 8)

/// `n` contiguous elements. `out` may be the same address as an input of the same item size
/// (narrower results may also overwrite a wider input in place, wider ones may not).
/// Arguments a function does not take may be NULL.
typedef void (*mlx_tile_fn)(void *out, const void *a, const void *b, const void *c, size_t n);

/// The elementwise functions that Elementwise/rows.h lists. Operands of one call have one compute
/// dtype. The result has that dtype too, except where noted.
enum mlx_elementwise {
#define MLX_LIST_NAMES
#define NAME(op) op,
#include "../Elementwise/rows.h"
#undef NAME
#undef MLX_LIST_NAMES
    MLX_ELEMENTWISE_COUNT
};

/// Dtype codes are those of DType.rawValue.
enum mlx_dtype {
    MLX_BOOL = 0, MLX_U8 = 1, MLX_U16 = 2, MLX_U32 = 3, MLX_U64 = 4,
    MLX_I8 = 5, MLX_I16 = 6, MLX_I32 = 7, MLX_I64 = 8,
    MLX_F16 = 9, MLX_F32 = 10, MLX_F64 = 11, MLX_BF16 = 12, MLX_C64 = 13,
    MLX_DTYPE_COUNT = 14
};

/// The loop of `op` for a compute dtype; NULL when the pair has no meaning. The half types have
/// MLX_COPY and MLX_SELECT only: arithmetic on them is cast to float32 and rounded.
mlx_tile_fn mlx_elementwise_fn(int op, int dtype);

/// Converts between any two dtypes. A wider result needs a tile of its own.
mlx_tile_fn mlx_cast_fn(int from, int to);

/// Rounds an f32 tile to the precision of float16 or bfloat16; the result is still f32.
/// NULL for other dtypes.
mlx_tile_fn mlx_round_fn(int dtype);

/// Copies elements of `item_size` (1, 2, 4, 8) bytes past the cache: for outputs far larger than
/// the cache, as the last step of a tape. Complete when the tape run returns.
mlx_tile_fn mlx_stream_copy_fn(int item_size);

typedef struct {
    mlx_tile_fn fn;
    uint16_t out, a, b, c; // operand numbers; unused inputs repeat any valid number
} mlx_tape_step;

enum mlx_tape_operand_kind {
    MLX_TAPE_FLAT = 0,     // contiguous memory, advances with the tile
    MLX_TAPE_REGISTER = 1, // a scratch tile, does not advance
    MLX_TAPE_SCALAR = 2,   // one element in memory, filled into its scratch tile once a run
    MLX_TAPE_STRIDED = 3   // gathered into its scratch tile at the start of each tile
};

typedef struct {
    uint8_t kind;
    uint8_t item_size; // bytes of one element: 1, 2, 4 or 8
    uint8_t ndim;      // STRIDED: axes of shape and strides
    uint8_t reserved;
    uint16_t slot;     // REGISTER, SCALAR, STRIDED: number of the scratch tile
    char *base;        // FLAT: output element 0; SCALAR: the element; STRIDED: element 0
    const ptrdiff_t *shape;   // STRIDED: the row-major walk, its size is the output's
    const ptrdiff_t *strides; // STRIDED: in elements, may be 0 or negative
} mlx_tape_operand;

/// Bytes of scratch, 64-byte aligned, that one run needs: one tile per slot and one pointer per
/// operand.
static inline size_t mlx_tape_scratch_bytes(size_t operand_count, size_t slot_count) {
    return slot_count * MLX_TAPE_SLOT_BYTES + ((operand_count * sizeof(void *) + 63) & ~(size_t)63);
}

/// Runs the steps over row-major output elements [begin, end), tile by tile. Steps and operands
/// are read only, so several threads may run disjoint ranges, each with scratch of its own.
/// Any split into ranges gives the same bits.
void mlx_tape_run(const mlx_tape_step *steps, size_t count,
                  const mlx_tape_operand *operands, size_t operand_count,
                  char *scratch, size_t begin, size_t end);

/// Gathers elements [begin, begin + n) of the row-major walk over shape into `out`.
void mlx_strided_load(void *out, const char *base, int item_size, int ndim,
                      const ptrdiff_t *shape, const ptrdiff_t *strides, size_t begin, size_t n);
