// `import MLXLinalg` compiles as with mlx-swift: everything is in MLX, and the functions that used
// to live here pass on to it.
@_exported import MLX

/// Says once, where this module is used, that MLX has everything.
@available(*, deprecated, message: "`import MLX` is enough")
public let deprecationWarning: Void = ()

/// `MLXLinalg.norm`: a norm of vectors or matrices.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func norm(
    _ array: MLXArray, ord: MLXLinalg.NormKind? = nil, axes: [Int], keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axes: axes, keepDims: keepDims, stream: stream)
}

/// `MLXLinalg.norm`: a norm of vectors or matrices.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func norm(
    _ array: MLXArray, ord: Double, axes: [Int], keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axes: axes, keepDims: keepDims, stream: stream)
}

/// `MLXLinalg.norm`: a norm of vectors or matrices.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func norm(
    _ array: MLXArray, ord: MLXLinalg.NormKind? = nil, axis: Int, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// `MLXLinalg.norm`: a norm of vectors or matrices.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func norm(
    _ array: MLXArray, ord: Double, axis: Int, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// `MLXLinalg.norm`: a norm of vectors or matrices.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func norm(
    _ array: MLXArray, ord: MLXLinalg.NormKind? = nil, axis: IntOrArray? = nil,
    keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// `MLXLinalg.norm`: a norm of vectors or matrices.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func norm(
    _ array: MLXArray, ord: Double, axis: IntOrArray? = nil, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// `MLXLinalg.qr`: orthogonal and triangular factors.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func qr(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXLinalg.qr(array, stream: stream)
}

/// `MLXLinalg.svd`: the singular value decomposition.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func svd(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray, MLXArray) {
    MLXLinalg.svd(array, stream: stream)
}

/// `MLXLinalg.inv`: the inverse.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func inv(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.inv(array, stream: stream)
}

/// `MLXLinalg.triInv`: the inverse of a triangle.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func triInv(
    _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.triInv(array, upper: upper, stream: stream)
}

/// `MLXLinalg.cholesky`: the Cholesky factor.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func cholesky(
    _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.cholesky(array, upper: upper, stream: stream)
}

/// `MLXLinalg.choleskyInv`: the inverse from a Cholesky factor.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func choleskyInv(
    _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.choleskyInv(array, upper: upper, stream: stream)
}

/// `MLXLinalg.cross`: the cross product.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func cross(
    _ a: MLXArray, _ b: MLXArray, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.cross(a, b, axis: axis, stream: stream)
}

/// `MLXLinalg.lu`: factors with interchanged rows.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func lu(
    _ a: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray, MLXArray) {
    MLXLinalg.lu(a, stream: stream)
}

/// `MLXLinalg.lu_factor`: packed factors and pivots.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func lu_factor(
    _ a: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXLinalg.lu_factor(a, stream: stream)
}

/// `MLXLinalg.solve`: the solution of a system.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func solve(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.solve(a, b, stream: stream)
}

/// `MLXLinalg.solveTriangular`: the solution of a triangular system.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func solveTriangular(
    _ a: MLXArray, _ b: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.solveTriangular(a, b, upper: upper, stream: stream)
}
