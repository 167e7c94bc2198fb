// Which scan a reduction and dtype have at the level in force, and what its carries start as.
#include "../Levels/common.h"
#include "../Levels/tables.h"
#include "mlx_scan.h"
#include <limits.h>

static mlx_scan_table *const scans[] = BY_LEVEL(mlx_scan_table);
static mlx_log_sums_table *const log_sums[] = BY_LEVEL(mlx_log_sums_table);

mlx_scan mlx_scan_fn(int reduction, int dtype) { return (*scans[mlx_level()])[reduction][dtype]; }
mlx_log_sums mlx_log_sums_fn(int dtype) { return (*log_sums[mlx_level()])[dtype == MLX_F64]; }

static bool is_extreme(int reduction) { return reduction == MLX_MAX || reduction == MLX_MIN; }

size_t mlx_scan_carry_size(int reduction, int dtype) {
    bool extreme = is_extreme(reduction);
    switch (dtype) {
    case MLX_BOOL: case MLX_U8: case MLX_I8: return extreme ? 1 : 4;
    case MLX_U16: case MLX_I16: return extreme ? 2 : 4;
    case MLX_U32: case MLX_I32: return 4;
    case MLX_F16: case MLX_BF16: case MLX_F32: return extreme ? 4 : 8;
    case MLX_C64: return extreme ? 8 : 16;
    default: return 8;
    }
}

/// The extreme that every element beats.
static void start_extreme(bool is_max, int dtype, void *carry) {
    switch (dtype) {
    case MLX_BOOL: *(u8 *)carry = !is_max; break;
    case MLX_U8: *(u8 *)carry = is_max ? 0 : UINT8_MAX; break;
    case MLX_U16: *(u16 *)carry = is_max ? 0 : UINT16_MAX; break;
    case MLX_U32: *(u32 *)carry = is_max ? 0 : UINT32_MAX; break;
    case MLX_U64: *(u64 *)carry = is_max ? 0 : UINT64_MAX; break;
    case MLX_I8: *(i8 *)carry = is_max ? INT8_MIN : INT8_MAX; break;
    case MLX_I16: *(i16 *)carry = is_max ? INT16_MIN : INT16_MAX; break;
    case MLX_I32: *(i32 *)carry = is_max ? INT32_MIN : INT32_MAX; break;
    case MLX_I64: *(i64 *)carry = is_max ? INT64_MIN : INT64_MAX; break;
    case MLX_F64: *(f64 *)carry = is_max ? -INFINITY : INFINITY; break;
    case MLX_C64:
        *(c64 *)carry = is_max ? (c64){-INFINITY, -INFINITY} : (c64){INFINITY, INFINITY};
        break;
    default: *(f32 *)carry = is_max ? -INFINITY : INFINITY;
    }
}

void mlx_scan_start(int reduction, int dtype, void *carry, size_t columns) {
    size_t size = mlx_scan_carry_size(reduction, dtype);
    char *first = carry;
    if (columns == 0) return;
    if (is_extreme(reduction)) {
        start_extreme(reduction == MLX_MAX, dtype, first);
    } else {
        int one = reduction == MLX_PRODUCT;
        memset(first, 0, size);
        switch (dtype) {
        case MLX_F16: case MLX_BF16: case MLX_F32: case MLX_F64: case MLX_C64:
            *(f64 *)first = one;
            break;
        case MLX_U64: case MLX_I64: *(u64 *)first = (u64)one; break;
        default: *(u32 *)first = (u32)one;
        }
    }
    for (size_t j = 1; j < columns; j++) memcpy(first + j * size, first, size);
}
