// `import MLXFFT` compiles as with mlx-swift: everything is in MLX, and the functions that used to
// live here pass on to it.
@_exported import MLX

/// Says once, where this module is used, that MLX has everything.
@available(*, deprecated, message: "`import MLX` is enough")
public let deprecationWarning: Void = ()

/// `MLXFFT.fft`, along one axis.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func fft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fft(array, n: n, axis: axis, stream: stream)
}

/// `MLXFFT.ifft`, along one axis.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func ifft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifft(array, n: n, axis: axis, stream: stream)
}

/// `MLXFFT.rfft`, along one axis.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func rfft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.rfft(array, n: n, axis: axis, stream: stream)
}

/// `MLXFFT.irfft`, along one axis.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func irfft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.irfft(array, n: n, axis: axis, stream: stream)
}

/// `MLXFFT.fft2`, over two axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func fft2(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = [-2, -1],
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fft2(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.fftn`, over several axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func fftn(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fftn(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.ifft2`, over two axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func ifft2(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = [-2, -1],
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifft2(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.ifftn`, over several axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func ifftn(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifftn(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.rfft2`, over two axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func rfft2(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = [-2, -1],
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.rfft2(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.rfftn`, over several axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func rfftn(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.rfftn(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.irfft2`, over two axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func irfft2(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = [-2, -1],
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.irfft2(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.irfftn`, over several axes.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func irfftn(
    _ array: MLXArray, s: [Int]? = nil, axes: [Int]? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.irfftn(array, s: s, axes: axes, stream: stream)
}
