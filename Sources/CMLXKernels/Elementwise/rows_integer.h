// Rows of one integer dtype T; U is the unsigned type its arithmetic wraps in, SIGNED is 0 or 1.
// Included once per dtype for the functions and once for the table.
U(MLX_NEGATIVE, T, T, (T)(0 - (U_)x))
U(MLX_ABS, T, T, (T)(SIGNED && x < 0 ? (T)(0 - (U_)x) : x))
U(MLX_SIGN, T, T, (T)((x > 0) - (SIGNED && x < 0)))
U(MLX_SQUARE, T, T, (T)((U_)x * (U_)x))
U(MLX_IMAG, T, T, (T)(0 * x))
U(MLX_BITWISE_NOT, T, T, (T)~x)
U(MLX_LOGICAL_NOT, T, b8, x == 0)
B(MLX_ADD, T, T, (T)((U_)x + (U_)y))
B(MLX_SUBTRACT, T, T, (T)((U_)x - (U_)y))
B(MLX_MULTIPLY, T, T, (T)((U_)x * (U_)y))
B(MLX_FLOOR_DIVIDE, T, T, PASTE(floor_divide, T)(x, y))
B(MLX_REMAINDER, T, T, PASTE(remainder, T)(x, y))
B(MLX_POWER, T, T, PASTE(power, T)(x, y))
B(MLX_MAXIMUM, T, T, x > y ? x : y)
B(MLX_MINIMUM, T, T, x < y ? x : y)
B(MLX_AND, T, T, (T)(x & y))
B(MLX_OR, T, T, (T)(x | y))
B(MLX_XOR, T, T, (T)(x ^ y))
B(MLX_SHL, T, T, (T)((U_)x << ((U_)y & SHIFT_MASK)))
B(MLX_SHR, T, T, (T)(x >> ((U_)y & SHIFT_MASK)))
COMPARISONS(T)
#undef T
#undef U_
#undef SIGNED
#undef SHIFT_MASK
