/* The functions of the module: name, kind, engine function, arguments, result, documentation.
 *
 * Kinds: UNARY and BINARY are elementwise and recorded through their own doors; CALL goes through
 * `cmlx_call`, whose function gets the arguments in the order they have here.
 *
 * Arguments: `name:kind=default`, `/` and `*` as in Python. Kinds: a array or number (default), w
 * array or number that takes the dtype of the other w, A list of arrays, V arrays (all positional
 * ones), i integer, f number, b truth, d dtype, t text, x integer or integers, s stream (checked,
 * not passed on). A kind with ? may be None.
 *
 * Results: ONE array, LIST or TUPLE of arrays. */
#define ELEMENTWISE(F) \
    F(abs, UNARY, "abs", "a / * stream:s", ONE, \
      "|a|, elementwise; the modulus of complex numbers.") \
    F(arccos, UNARY, "arccos", "a / * stream:s", ONE, "The inverse cosine, elementwise.") \
    F(arccosh, UNARY, "arccosh", "a / * stream:s", ONE, "The inverse hyperbolic cosine.") \
    F(arcsin, UNARY, "arcsin", "a / * stream:s", ONE, "The inverse sine, elementwise.") \
    F(arcsinh, UNARY, "arcsinh", "a / * stream:s", ONE, "The inverse hyperbolic sine.") \
    F(arctan, UNARY, "arctan", "a / * stream:s", ONE, "The inverse tangent, elementwise.") \
    F(arctanh, UNARY, "arctanh", "a / * stream:s", ONE, "The inverse hyperbolic tangent.") \
    F(bitwise_invert, UNARY, "bitwise_invert", "a stream:s", ONE, "~a, elementwise.") \
    F(ceil, UNARY, "ceil", "a / * stream:s", ONE, "The next integer from above, elementwise.") \
    F(cos, UNARY, "cos", "a / * stream:s", ONE, "The cosine, elementwise.") \
    F(cosh, UNARY, "cosh", "a / * stream:s", ONE, "The hyperbolic cosine, elementwise.") \
    F(erf, UNARY, "erf", "a / * stream:s", ONE, "The error function, elementwise.") \
    F(erfinv, UNARY, "erfinv", "a / * stream:s", ONE, "The inverse of erf, elementwise.") \
    F(exp, UNARY, "exp", "a / * stream:s", ONE, "e to the power of a, elementwise.") \
    F(expm1, UNARY, "expm1", "a / * stream:s", ONE, "exp(a) - 1, accurate for small a.") \
    F(floor, UNARY, "floor", "a / * stream:s", ONE, "The next integer from below, elementwise.") \
    F(isfinite, UNARY, "isfinite", "a stream:s", ONE, "Whether each element is finite.") \
    F(isinf, UNARY, "isinf", "a stream:s", ONE, "Whether each element is infinite.") \
    F(isnan, UNARY, "isnan", "a stream:s", ONE, "Whether each element is NaN.") \
    F(log, UNARY, "log", "a / * stream:s", ONE, "The natural logarithm, elementwise.") \
    F(log10, UNARY, "log10", "a / * stream:s", ONE, "The logarithm to base 10, elementwise.") \
    F(log1p, UNARY, "log1p", "a / * stream:s", ONE, "log(1 + a), accurate for small a.") \
    F(log2, UNARY, "log2", "a / * stream:s", ONE, "The logarithm to base 2, elementwise.") \
    F(logical_not, UNARY, "logical_not", "a / * stream:s", ONE, "Whether each element is 0.") \
    F(negative, UNARY, "negative", "a / * stream:s", ONE, "-a, elementwise.") \
    F(reciprocal, UNARY, "reciprocal", "a / * stream:s", ONE, "1 / a, elementwise.") \
    F(rsqrt, UNARY, "rsqrt", "a / * stream:s", ONE, "1 / sqrt(a), elementwise.") \
    F(sigmoid, UNARY, "sigmoid", "a / * stream:s", ONE, "1 / (1 + exp(-a)), elementwise.") \
    F(sign, UNARY, "sign", "a / * stream:s", ONE, "-1, 0 or 1 by the sign of each element.") \
    F(sin, UNARY, "sin", "a / * stream:s", ONE, "The sine, elementwise.") \
    F(sinh, UNARY, "sinh", "a / * stream:s", ONE, "The hyperbolic sine, elementwise.") \
    F(sqrt, UNARY, "sqrt", "a / * stream:s", ONE, "The square root, elementwise.") \
    F(square, UNARY, "square", "a / * stream:s", ONE, "a * a, elementwise.") \
    F(tan, UNARY, "tan", "a / * stream:s", ONE, "The tangent, elementwise.") \
    F(tanh, UNARY, "tanh", "a / * stream:s", ONE, "The hyperbolic tangent, elementwise.") \
    F(add, BINARY, "add", "a b stream:s", ONE, "a + b, broadcast.") \
    F(arctan2, BINARY, "arctan2", "a b / * stream:s", ONE, "The angle of the points (b, a).") \
    F(bitwise_and, BINARY, "bitwise_and", "a b stream:s", ONE, "a & b of integers, broadcast.") \
    F(bitwise_or, BINARY, "bitwise_or", "a b stream:s", ONE, "a | b of integers, broadcast.") \
    F(bitwise_xor, BINARY, "bitwise_xor", "a b stream:s", ONE, "a ^ b of integers, broadcast.") \
    F(divide, BINARY, "divide", "a b stream:s", ONE, "a / b, broadcast; of integers float32.") \
    F(equal, BINARY, "equal", "a b stream:s", ONE, "a == b, broadcast.") \
    F(floor_divide, BINARY, "floor_divide", "a b stream:s", ONE, "a // b, broadcast.") \
    F(greater, BINARY, "greater", "a b stream:s", ONE, "a > b, broadcast.") \
    F(greater_equal, BINARY, "greater_equal", "a b stream:s", ONE, "a >= b, broadcast.") \
    F(left_shift, BINARY, "left_shift", "a b stream:s", ONE, "a << b of integers, broadcast.") \
    F(less, BINARY, "less", "a b stream:s", ONE, "a < b, broadcast.") \
    F(less_equal, BINARY, "less_equal", "a b stream:s", ONE, "a <= b, broadcast.") \
    F(logaddexp, BINARY, "logaddexp", "a b / * stream:s", ONE, "log(exp(a) + exp(b)), stable.") \
    F(logical_and, BINARY, "logical_and", "a b / * stream:s", ONE, "Whether both are not 0.") \
    F(logical_or, BINARY, "logical_or", "a b / * stream:s", ONE, "Whether one is not 0.") \
    F(maximum, BINARY, "maximum", "a b / * stream:s", ONE, "The larger of a and b, broadcast.") \
    F(minimum, BINARY, "minimum", "a b / * stream:s", ONE, "The smaller of a and b, broadcast.") \
    F(multiply, BINARY, "multiply", "a b stream:s", ONE, "a * b, broadcast.") \
    F(not_equal, BINARY, "not_equal", "a b stream:s", ONE, "a != b, broadcast.") \
    F(power, BINARY, "power", "a b / * stream:s", ONE, "a ** b, broadcast.") \
    F(remainder, BINARY, "remainder", "a b stream:s", ONE, "a % b with the sign of b, broadcast.") \
    F(right_shift, BINARY, "right_shift", "a b stream:s", ONE, "a >> b of integers, broadcast.") \
    F(subtract, BINARY, "subtract", "a b stream:s", ONE, "a - b, broadcast.") \
    F(where, CALL, "where", "condition x:w y:w / * stream:s", ONE, \
      "x where the condition is true, else y; broadcast.") \
    F(round, CALL, "round", "a / decimals:i=0 stream:s", ONE, "Rounded, halves to even.") \
    F(trunc, CALL, "trunc", "a / * stream:s", ONE, "The next integer towards 0, elementwise.") \
    F(conj, CALL, "conj", "a * stream:s", ONE, "The complex conjugate.") \
    F(conjugate, CALL, "conj", "a * stream:s", ONE, "The complex conjugate.") \
    F(isposinf, CALL, "isposinf", "a stream:s", ONE, "Whether each element is +inf.") \
    F(isneginf, CALL, "isneginf", "a stream:s", ONE, "Whether each element is -inf.") \
    F(degrees, CALL, "degrees", "a / * stream:s", ONE, "From radians to degrees.") \
    F(radians, CALL, "radians", "a / * stream:s", ONE, "From degrees to radians.") \
    F(real, CALL, "real", "a / * stream:s", ONE, "The real parts.") \
    F(imag, CALL, "imag", "a / * stream:s", ONE, "The imaginary parts.") \
    F(stop_gradient, CALL, "stop_gradient", "a / * stream:s", ONE, \
      "a, a constant to derivatives.") \
    F(nan_to_num, CALL, "nan_to_num", "a nan:f=0 posinf:f?=None neginf:f?=None * stream:s", ONE, \
      "a with other numbers for NaN and infinities (the largest finite ones unless given).") \
    F(isclose, CALL, "isclose", "a b / rtol:f=1e-05 atol:f=1e-08 * equal_nan:b=False stream:s", \
      ONE, "Whether |a - b| <= atol + rtol |b|, elementwise.") \
    F(allclose, CALL, "allclose", "a b / rtol:f=1e-05 atol:f=1e-08 * equal_nan:b=False stream:s", \
      ONE, "Whether all elements are close; an array of one truth.") \
    F(array_equal, CALL, "array_equal", "a b equal_nan:b=False stream:s", ONE, \
      "Whether shapes and all elements are equal; an array of one truth.") \
    F(astype, CALL, "astype", "a dtype:d / * stream:s", ONE, "The array in another dtype.") \
    F(view, CALL, "view", "a dtype:d stream:s", ONE, "The bytes of the array as another dtype.")

#define REDUCTIONS(F) \
    F(sum, CALL, "sum", "a / axis:x?=None keepdims:b=False * stream:s", ONE, "The sum over axes.") \
    F(prod, CALL, "prod", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "The product over axes.") \
    F(max, CALL, "max", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "The largest over axes.") \
    F(min, CALL, "min", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "The smallest over axes.") \
    F(mean, CALL, "mean", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "The mean over axes.") \
    F(all, CALL, "all", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "Whether all are true.") \
    F(any, CALL, "any", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "Whether any is true.") \
    F(logsumexp, CALL, "logsumexp", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "log of the sum of exp over axes, stable.") \
    F(median, CALL, "median", "a / axis:x?=None keepdims:b=False * stream:s", ONE, \
      "The median over axes.") \
    F(minmax, CALL, "minmax", "a / axis:x?=None keepdims:b=False * stream:s", TUPLE, \
      "The smallest and the largest over axes.") \
    F(count_nonzero, CALL, "count_nonzero", "a / * axis:x?=None keepdims:b=False stream:s", ONE, \
      "The number of elements that are not 0, over axes.") \
    F(var, CALL, "var", "a / axis:x?=None keepdims:b=False ddof:i=0 * stream:s", ONE, \
      "The variance over axes, by n - ddof; ddof may be called correction.") \
    F(std, CALL, "std", "a / axis:x?=None keepdims:b=False ddof:i=0 * stream:s", ONE, \
      "The standard deviation over axes, by n - ddof; ddof may be called correction.") \
    F(argmax, CALL, "argmax", "a / axis:i?=None keepdims:b=False * stream:s", ONE, \
      "The first index of the largest element.") \
    F(argmin, CALL, "argmin", "a / axis:i?=None keepdims:b=False * stream:s", ONE, \
      "The first index of the smallest element.") \
    F(softmax, CALL, "softmax", "a / axis:x?=None * precise:b=False stream:s", ONE, \
      "exp(a) over its sum along axes, of the shape of a. With `precise` halves are float32\n" \
      "on the way.\n\n>>> mx.softmax(mx.array([0.0, 0.0]))\narray([0.5, 0.5], dtype=float32)") \
    F(cumsum, CALL, "cumsum", \
      "a / axis:i?=None * reverse:b=False inclusive:b=True dtype:d?=None stream:s", ONE, \
      "Running sums along an axis, or of all elements.") \
    F(cumprod, CALL, "cumprod", \
      "a / axis:i?=None * reverse:b=False inclusive:b=True dtype:d?=None stream:s", ONE, \
      "Running products along an axis, or of all elements.") \
    F(cummax, CALL, "cummax", "a / axis:i?=None * reverse:b=False inclusive:b=True stream:s", ONE, \
      "Running maxima along an axis, or of all elements.") \
    F(cummin, CALL, "cummin", "a / axis:i?=None * reverse:b=False inclusive:b=True stream:s", ONE, \
      "Running minima along an axis, or of all elements.") \
    F(logcumsumexp, CALL, "logcumsumexp", \
      "a / axis:i?=None * reverse:b=False inclusive:b=True stream:s", ONE, \
      "Running logsumexp along an axis, or of all elements.") \
    F(sort, CALL, "sort", "a / axis:i?=-1 * stream:s", ONE, \
      "Sorted along an axis, or all elements.") \
    F(argsort, CALL, "argsort", "a / axis:i?=-1 * stream:s", ONE, \
      "The indices that sort along an axis.") \
    F(partition, CALL, "partition", "a / kth:i axis:i?=-1 * stream:s", ONE, \
      "The kth element in its sorted place, smaller ones before it.") \
    F(argpartition, CALL, "argpartition", "a / kth:i axis:i?=-1 * stream:s", ONE, \
      "The indices of partition(a).") \
    F(topk, CALL, "topk", "a / k:i axis:i?=-1 * stream:s", ONE, "The k largest along an axis.") \
    F(searchsorted, CALL, "searchsorted", "sorted_sequence values / side:t=left * stream:s", ONE, \
      "Where values would stand in a sorted array.") \
    F(_unique, CALL, "unique", "a size:i fill_value:a?=None", TUPLE, \
      "Values, indices, inverse, counts.") \
    F(diff, CALL, "diff", "a / n:i=1 axis:i=-1 * stream:s", ONE, \
      "Differences of neighbours, n times.")

#define SHAPES(F) \
    F(reshape, CALL, "reshape", "a / shape:x * stream:s", ONE, \
      "The elements in another shape; -1 is what remains.") \
    F(flatten, CALL, "flatten", "a / start_axis:i=0 end_axis:i=-1 * stream:s", ONE, \
      "The axes from start to end as one.") \
    F(unflatten, CALL, "unflatten", "a / axis:i shape:x * stream:s", ONE, "One axis as several.") \
    F(expand_dims, CALL, "expand_dims", "a / axis:x * stream:s", ONE, "New axes of size 1.") \
    F(squeeze, CALL, "squeeze", "a / axis:x?=None * stream:s", ONE, "Without axes of size 1.") \
    F(transpose, CALL, "transpose", "a / axes:x?=None * stream:s", ONE, \
      "The axes in another order, by default the opposite.") \
    F(permute_dims, CALL, "transpose", "a / axes:x?=None * stream:s", ONE, \
      "The axes in another order.") \
    F(swapaxes, CALL, "swapaxes", "a / axis1:i axis2:i * stream:s", ONE, "Two axes exchanged.") \
    F(moveaxis, CALL, "moveaxis", "a / source:i destination:i * stream:s", ONE, \
      "One axis elsewhere.") \
    F(broadcast_to, CALL, "broadcast_to", "a / shape:x * stream:s", ONE, "Repeated to a shape.") \
    F(_atleast_1d, CALL, "atleast_1d", "a", ONE, NULL) \
    F(_atleast_2d, CALL, "atleast_2d", "a", ONE, NULL) \
    F(_atleast_3d, CALL, "atleast_3d", "a", ONE, NULL) \
    F(contiguous, CALL, "contiguous", "a / allow_col_major:b=False * stream:s", ONE, \
      "The array in row-major memory.") \
    F(as_strided, CALL, "as_strided", "a / shape:x?=None strides:x?=None offset:i=0 * stream:s", \
      ONE, "The flat array read with strides, in elements.") \
    F(flip, CALL, "flip", "a / axis:x?=None * stream:s", ONE, "In the opposite order along axes.") \
    F(roll, CALL, "roll", "a shift:x axis:x?=None * stream:s", ONE, "Moved round along axes.") \
    F(diagonal, CALL, "diagonal", "a offset:i=0 axis1:i=0 axis2:i=1 stream:s", ONE, "A diagonal.") \
    F(diag, CALL, "diag", "a / k:i=0 * stream:s", ONE, \
      "A matrix's diagonal, or a diagonal matrix.") \
    F(_trace, CALL, "trace", "a offset:i axis1:i axis2:i dtype:d?", ONE, NULL) \
    F(tril, CALL, "tril", "x k:i=0 * stream:s", ONE, "0 above a diagonal.") \
    F(triu, CALL, "triu", "x k:i=0 * stream:s", ONE, "0 below a diagonal.") \
    F(concatenate, CALL, "concatenate", "arrays:A axis:i?=0 * stream:s", ONE, \
      "Joined along an axis.") \
    F(concat, CALL, "concatenate", "arrays:A axis:i?=0 * stream:s", ONE, "Joined along an axis.") \
    F(stack, CALL, "stack", "arrays:A axis:i=0 * stream:s", ONE, "Joined along a new axis.") \
    F(split, CALL, "split", "a / indices_or_sections:x axis:i=0 * stream:s", LIST, \
      "Equal parts, or parts between indices, along an axis.") \
    F(unstack, CALL, "unstack", "x / * axis:i=0 stream:s", TUPLE, "The elements of an axis.") \
    F(broadcast_arrays, CALL, "broadcast_arrays", "arrays:V * stream:s", LIST, \
      "All of one shape.") \
    F(meshgrid, CALL, "meshgrid", "arrays:V * sparse:b=False indexing:t=xy stream:s", TUPLE, \
      "The coordinates of a grid.") \
    F(_pad, CALL, "pad", "a widths:x mode:t value:a?", ONE, NULL) \
    F(repeat, CALL, "repeat", "array repeats:i axis:i?=None * stream:s", ONE, \
      "Each element repeated.") \
    F(tile, CALL, "tile", "a reps:x / * stream:s", ONE, "The array repeated along axes.") \
    F(_full_like, CALL, "full_like", "a vals dtype:d", ONE, NULL) \
    F(_full, CALL, "full", "shape:x vals dtype:d?", ONE, NULL) \
    F(zeros, CALL, "zeros", "shape:x dtype:d?=float32 * stream:s", ONE, "An array of 0.") \
    F(ones, CALL, "ones", "shape:x dtype:d?=float32 * stream:s", ONE, "An array of 1.") \
    F(eye, CALL, "eye", "n:i m:i?=None k:i=0 dtype:d?=float32 * stream:s", ONE, \
      "1 on a diagonal.") \
    F(tri, CALL, "tri", "n:i m:i?=None k:i=0 dtype:d?=float32 * stream:s", ONE, \
      "1 on and below a diagonal.") \
    F(_arange, CALL, "arange", "start:f stop:f step:f dtype:d", ONE, NULL) \
    F(_linspace, CALL, "linspace", "start:f stop:f num:i endpoint:b dtype:d", ONE, NULL) \
    F(hanning, CALL, "hanning", "M:i * stream:s", ONE, "The Hanning window.") \
    F(hamming, CALL, "hamming", "M:i * stream:s", ONE, "The Hamming window.") \
    F(bartlett, CALL, "bartlett", "M:i * stream:s", ONE, "The Bartlett window.") \
    F(blackman, CALL, "blackman", "M:i * stream:s", ONE, "The Blackman window.") \
    F(_take, CALL, "take", "a indices axis:i?", ONE, NULL) \
    F(take_along_axis, CALL, "take_along_axis", "a / indices axis:i?=-1 * stream:s", ONE, \
      "The elements at indices along an axis.") \
    F(put_along_axis, CALL, "put_along_axis", "a / indices values axis:i?=None * stream:s", ONE, \
      "The array with values at indices along an axis.") \
    F(slice, CALL, "slice", "a start_indices axes:x slice_size:x * stream:s", ONE, \
      "A window whose start is an array.") \
    F(slice_update, CALL, "slice_update", "a update start_indices axes:x * stream:s", ONE, \
      "The array with a window replaced, whose start is an array.") \
    F(_depends, CALL, "depends", "inputs:A dependencies:A", LIST, NULL)

#define PRODUCTS(F) \
    F(matmul, CALL, "matmul", "a b / * stream:s", ONE, "The matrix product, over batches.") \
    F(addmm, CALL, "addmm", "c a b / alpha:f=1.0 beta:f=1.0 * stream:s", ONE, \
      "alpha (a @ b) + beta c.") \
    F(outer, CALL, "outer", "a b / * stream:s", ONE, \
      "All products of the elements of two vectors.") \
    F(inner, CALL, "inner", "a b / * stream:s", ONE, "Sums of products over the last axes.") \
    F(kron, CALL, "kron", "a b * stream:s", ONE, "The Kronecker product.") \
    F(vecdot, CALL, "vecdot", "a b / * axis:i=-1 stream:s", ONE, \
      "Sums of products along an axis.") \
    F(_tensordot, CALL, "tensordot", "a b axes:x others:x?", ONE, NULL) \
    F(gather_mm, CALL, "gather_mm", \
      "a b / lhs_indices:a?=None rhs_indices:a?=None * " \
      "sorted_indices:b=False stream:s", \
      ONE, "Products of the matrices with the given numbers.") \
    F(segmented_mm, CALL, "segmented_mm", "a b / segments * stream:s", ONE, \
      "Products over segments of the inner axis.") \
    F(block_masked_mm, CALL, "block_masked_mm", \
      "a b / block_size:i=64 mask_out:a?=None " \
      "mask_lhs:a?=None mask_rhs:a?=None * stream:s", \
      ONE, "A product with blocks masked.") \
    F(hadamard_transform, CALL, "hadamard_transform", "a scale:f?=None stream:s", ONE, \
      "The Walsh-Hadamard transform of the last axis.") \
    F(_conv, CALL, "conv_general", \
      "input weight stride:x low:x high:x kernel:x dilation:x " \
      "groups:i flip:b", \
      ONE, NULL) \
    F(conv_transpose1d, CALL, "conv_transpose1d", \
      "input weight / stride:i=1 padding:i=0 dilation:i=1 " \
      "output_padding:i=0 groups:i=1 * stream:s", \
      ONE, "The transposed convolution, NLC.") \
    F(conv_transpose2d, CALL, "conv_transpose2d", \
      "input weight / stride:x=1 padding:x=0 dilation:x=1 " \
      "output_padding:x=0 groups:i=1 * stream:s", \
      ONE, "The transposed convolution, NHWC.") \
    F(conv_transpose3d, CALL, "conv_transpose3d", \
      "input weight / stride:x=1 padding:x=0 dilation:x=1 " \
      "output_padding:x=0 groups:i=1 * stream:s", \
      ONE, "The transposed convolution, NDHWC.") \
    F(convolve, CALL, "convolve", "a v / mode:t=full * stream:s", ONE, "Two vectors convolved.") \
    F(quantize, CALL, "quantize", \
      "w / group_size:i?=None bits:i?=None mode:t=affine * " \
      "global_scale:a?=None stream:s", \
      LIST, "Codes, scales and (affine) biases of a matrix.") \
    F(dequantize, CALL, "dequantize", \
      "w / scales biases:a?=None group_size:i?=None bits:i?=None " \
      "mode:t=affine global_scale:a?=None dtype:d?=None * stream:s", \
      ONE, "The matrix of codes.") \
    F(quantized_matmul, CALL, "quantized_matmul", \
      "x w / scales biases:a?=None transpose:b=True " \
      "group_size:i?=None bits:i?=None mode:t=affine * stream:s", \
      ONE, "A product with codes.") \
    F(gather_qmm, CALL, "gather_qmm", \
      "x w / scales biases:a?=None lhs_indices:a?=None " \
      "rhs_indices:a?=None transpose:b=True group_size:i?=None bits:i?=None mode:t=affine " \
      "global_scale:a?=None * sorted_indices:b=False stream:s", \
      ONE, "Products with the codes of the given numbers.") \
    F(qqmm, CALL, "qqmm", \
      "x w scales:a?=None group_size:i?=None bits:i?=None mode:t=nvfp4 " \
      "global_scale_x:a?=None global_scale_w:a?=None * stream:s", \
      ONE, "A product of codes.") \
    F(gather_qqmm, CALL, "gather_qqmm", \
      "x w / scales:a?=None lhs_indices:a?=None rhs_indices:a?=None group_size:i?=None " \
      "bits:i?=None mode:t=nvfp4 global_scale_x:a?=None global_scale_w:a?=None * " \
      "sorted_indices:b=False stream:s", \
      ONE, "Products of codes, of the matrices with the given numbers.") \
    F(to_fp8, CALL, "to_fp8", "x * stream:s", ONE, "As 8-bit floats (e4m3), in uint8.") \
    F(from_fp8, CALL, "from_fp8", "x dtype:d=bfloat16 * stream:s", ONE, \
      "From 8-bit floats (e4m3).") \
    F(_max_pool, CALL, "max_pool", "x window:x stride:x padding:x", ONE, NULL) \
    F(_avg_pool, CALL, "avg_pool", "x window:x stride:x padding:x", ONE, NULL)

#define LINE "a n:i?=None axis:i=-1 norm:t=backward stream:s"
#define AXES "a s:x?=None axes:x?=None norm:t=backward stream:s"
#define AXES2 "a s:x?=None axes:x?=-2,-1 norm:t=backward stream:s"
#define FOURIER(F) \
    F(fft_fft, CALL, "fft.fft", LINE, ONE, "The discrete Fourier transform along an axis.") \
    F(fft_ifft, CALL, "fft.ifft", LINE, ONE, "The inverse of fft.") \
    F(fft_rfft, CALL, "fft.rfft", LINE, ONE, "The transform of real numbers, n / 2 + 1 of it.") \
    F(fft_irfft, CALL, "fft.irfft", LINE, ONE, "The inverse of rfft.") \
    F(fft_fft2, CALL, "fft.fftn", AXES2, ONE, "The transform along two axes.") \
    F(fft_ifft2, CALL, "fft.ifftn", AXES2, ONE, "The inverse of fft2.") \
    F(fft_rfft2, CALL, "fft.rfftn", AXES2, ONE, "The transform of real numbers along two axes.") \
    F(fft_irfft2, CALL, "fft.irfftn", AXES2, ONE, "The inverse of rfft2.") \
    F(fft_fftn, CALL, "fft.fftn", AXES, ONE, "The transform along axes.") \
    F(fft_ifftn, CALL, "fft.ifftn", AXES, ONE, "The inverse of fftn.") \
    F(fft_rfftn, CALL, "fft.rfftn", AXES, ONE, "The transform of real numbers along axes.") \
    F(fft_irfftn, CALL, "fft.irfftn", AXES, ONE, "The inverse of rfftn.") \
    F(fft_fftshift, CALL, "fft.fftshift", "a axes:x?=None stream:s", ONE, \
      "Frequency 0 in the middle.") \
    F(fft_ifftshift, CALL, "fft.ifftshift", "a axes:x?=None stream:s", ONE, \
      "The inverse of fftshift.") \
    F(fft_fftfreq, CALL, "fft.fftfreq", "n:i d:f=1.0 stream:s", ONE, "The frequencies of fft.") \
    F(fft_rfftfreq, CALL, "fft.rfftfreq", "n:i d:f=1.0 stream:s", ONE, "The frequencies of rfft.") \
    F(fft_stft, CALL, "fft.stft", \
      "x n_fft:i=2048 hop_length:i?=None win_length:i?=None window:a?=None " \
      "center:b=True pad_mode:t=reflect norm:t=backward onesided:b?=None stream:s", \
      ONE, "The short-time Fourier transform.") \
    F(fft_istft, CALL, "fft.istft", \
      "stft_matrix n_fft:i?=None hop_length:i?=None win_length:i?=None " \
      "window:a?=None center:b=True norm:t=backward onesided:b?=None length:i?=None stream:s", \
      ONE, "The inverse of stft.")

#define LINALG(F) \
    F(linalg_inv, CALL, "linalg.inv", "a * stream:s", ONE, "The inverse of matrices.") \
    F(linalg_tri_inv, CALL, "linalg.tri_inv", "a upper:b=False * stream:s", ONE, \
      "The inverse of triangular matrices.") \
    F(linalg_pinv, CALL, "linalg.pinv", "a * stream:s", ONE, "The pseudo-inverse of matrices.") \
    F(linalg_cholesky, CALL, "linalg.cholesky", "a upper:b=False * stream:s", ONE, \
      "The Cholesky factor of matrices.") \
    F(linalg_cholesky_inv, CALL, "linalg.cholesky_inv", "a upper:b=False * stream:s", ONE, \
      "The inverse of matrices from their Cholesky factors.") \
    F(linalg_cross, CALL, "linalg.cross", "a b axis:i=-1 * stream:s", ONE, "The cross product.") \
    F(linalg_det, CALL, "linalg.det", "a * stream:s", ONE, "The determinant of matrices.") \
    F(linalg_slogdet, CALL, "linalg.slogdet", "a * stream:s", TUPLE, \
      "Sign and log of the determinant.") \
    F(linalg_qr, CALL, "linalg.qr", "a * stream:s", TUPLE, "The QR decomposition.") \
    F(linalg__svd, CALL, "linalg.svd", "a * stream:s", TUPLE, "The singular value decomposition.") \
    F(linalg__svdvals, CALL, "linalg.svdvals", "a * stream:s", ONE, "The singular values.") \
    F(linalg_eig, CALL, "linalg.eig", "a * stream:s", TUPLE, "Eigenvalues and eigenvectors.") \
    F(linalg_eigvals, CALL, "linalg.eigvals", "a * stream:s", ONE, "The eigenvalues.") \
    F(linalg_eigh, CALL, "linalg.eigh", "a UPLO:t=L * stream:s", TUPLE, \
      "Eigenvalues and eigenvectors of symmetric matrices.") \
    F(linalg_eigvalsh, CALL, "linalg.eigvalsh", "a UPLO:t=L * stream:s", ONE, \
      "The eigenvalues of symmetric matrices.") \
    F(linalg_lu, CALL, "linalg.lu", "a * stream:s", TUPLE, "P, L and U.") \
    F(linalg_lu_factor, CALL, "linalg.lu_factor", "a * stream:s", TUPLE, "LU in one, and pivots.") \
    F(linalg_solve, CALL, "linalg.solve", "a b * stream:s", ONE, "x with a x = b.") \
    F(linalg_solve_triangular, CALL, "linalg.solve_triangular", "a b * upper:b=False stream:s", \
      ONE, "x with a x = b, a triangular.") \
    F(linalg__norm, CALL, "linalg.norm", "a number:f? text:t? axis:x? keepdims:b", ONE, NULL)

#define FAST(F) \
    F(fast_rms_norm, CALL, "fast.rms_norm", "x weight:a? eps:f * stream:s", ONE, \
      "x over its root mean square along the last axis, times the weight.") \
    F(fast_layer_norm, CALL, "fast.layer_norm", "x weight:a? bias:a? eps:f * stream:s", ONE, \
      "x with mean 0 and variance 1 along the last axis, times weight plus bias.") \
    F(fast_rope, CALL, "fast.rope", \
      "a dims:i * traditional:b base:f? scale:f offset:o freqs:a?=None " \
      "stream:s", \
      ONE, "Rotary positions; the second axis from the end is the sequence.") \
    F(fast__attention, CALL, "fast.scaled_dot_product_attention", \
      "q k v scale:f mask:a? causal:b sinks:a?", ONE, NULL) \
    F(_lstm, CALL, "recurrent.lstm", "x weights:a bias:a? state:a? cell:a?", TUPLE, NULL) \
    F(_gru, CALL, "recurrent.gru", "x weights:a bias:a? inner_bias:a? state:a?", ONE, NULL)

#define RANDOM(F) \
    F(random_key, CALL, "random.key", "seed:i", ONE, "The key of a seed, two uint32.") \
    F(random_split, CALL, "random.split", "key num:i=2 stream:s", ONE, \
      "Keys from a key, (num, 2).") \
    F(random_uniform, CALL, "random.uniform", \
      "low=0 high=1 shape:x= dtype:d?=float32 key:k=None stream:s", ONE, \
      "Uniform numbers from low to high.") \
    F(random_normal, CALL, "random.normal", \
      "shape:x= dtype:d?=float32 loc:a?=None scale:a?=None " \
      "key:k=None stream:s", \
      ONE, "Normal numbers.") \
    F(random_randint, CALL, "random.randint", \
      "low high shape:x= dtype:d?=int32 key:k=None stream:s", ONE, \
      "Integers from low to high, which is excluded.") \
    F(random_bernoulli, CALL, "random.bernoulli", "p=0.5 shape:x?=None key:k=None stream:s", ONE, \
      "True with probability p.") \
    F(random_truncated_normal, CALL, "random.truncated_normal", \
      "lower upper shape:x?=None dtype:d?=float32 key:k=None stream:s", ONE, \
      "Normal numbers between bounds.") \
    F(random_gumbel, CALL, "random.gumbel", "shape:x= dtype:d?=float32 key:k=None stream:s", ONE, \
      "Numbers of the Gumbel distribution.") \
    F(random_laplace, CALL, "random.laplace", \
      "shape:x= dtype:d?=float32 loc:f=0.0 scale:f=1.0 " \
      "key:k=None stream:s", \
      ONE, "Numbers of the Laplace distribution.") \
    F(random_categorical, CALL, "random.categorical", \
      "logits axis:i=-1 shape:x?=None num_samples:i?=None key:k=None stream:s", ONE, \
      "Classes with the probabilities softmax(logits).") \
    F(random_multivariate_normal, CALL, "random.multivariate_normal", \
      "mean cov shape:x= dtype:d?=float32 key:k=None stream:s", ONE, "Normal vectors.") \
    F(random_permutation, CALL, "random.permutation", "x:o axis:i=0 key:k=None stream:s", ONE, \
      "The numbers below x, or the elements of x, in random order.")

#define FUNCTIONS(F) \
    ELEMENTWISE(F) REDUCTIONS(F) SHAPES(F) PRODUCTS(F) FOURIER(F) LINALG(F) FAST(F) RANDOM(F)
