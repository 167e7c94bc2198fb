import MLXBase
import MLXGraph

// The factories as static members, for `MLXArray.zeros([2, 3])`.
extension MLXArray {
    /// An array of zeros.
    public static func zeros(
        _ shape: some Collection<Int>, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.zeros(shape, type: type, stream: stream)
    }

    /// An array of zeros.
    public static func zeros(
        _ shape: some Collection<Int>, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.zeros(shape, dtype: dtype, stream: stream)
    }

    /// Zeros in the shape and dtype of another array.
    public static func zeros(like array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.zeros(like: array, stream: stream)
    }

    /// An array of ones.
    public static func ones(
        _ shape: some Collection<Int>, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.ones(shape, type: type, stream: stream)
    }

    /// An array of ones.
    public static func ones(
        _ shape: some Collection<Int>, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.ones(shape, dtype: dtype, stream: stream)
    }

    /// Ones in the shape and dtype of another array.
    public static func ones(like array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.ones(like: array, stream: stream)
    }

    /// Ones on diagonal `k`, zeros elsewhere; n rows, m columns.
    public static func eye(
        _ n: Int, m: Int? = nil, k: Int = 0, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.eye(n, m: m, k: k, type: type, stream: stream)
    }

    /// Ones on diagonal `k`, zeros elsewhere; n rows, m columns.
    public static func eye(
        _ n: Int, m: Int? = nil, k: Int = 0, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.eye(n, m: m, k: k, dtype: dtype, stream: stream)
    }

    /// Ones on and below diagonal `k`, zeros above; n rows, m columns.
    public static func tri(
        _ n: Int, m: Int? = nil, k: Int = 0, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.tri(n, m: m, k: k, type: type, stream: stream)
    }

    /// Ones on and below diagonal `k`, zeros above; n rows, m columns.
    public static func tri(
        _ n: Int, m: Int? = nil, k: Int = 0, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.tri(n, m: m, k: k, dtype: dtype, stream: stream)
    }

    /// The identity matrix.
    public static func identity(
        _ n: Int, type: (some HasDType).Type = Float.self, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.identity(n, type: type, stream: stream)
    }

    /// The identity matrix.
    public static func identity(
        _ n: Int, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.identity(n, dtype: dtype, stream: stream)
    }

    /// `count` numbers evenly spaced from `start` to `stop`, both included; float32.
    public static func linspace<T: HasDType & BinaryInteger>(
        _ start: T, _ stop: T, count: Int = 50, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.linspace(start, stop, count: count, stream: stream)
    }

    /// `count` numbers evenly spaced from `start` to `stop`, both included; float32.
    public static func linspace<T: HasDType & BinaryFloatingPoint>(
        _ start: T, _ stop: T, count: Int = 50, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.linspace(start, stop, count: count, stream: stream)
    }

    /// The integers from 0 below `stop`; int32.
    public static func arange(_ stop: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.arange(stop, stream: stream)
    }

    /// The integers from `start` below `stop`; int32.
    public static func arange(
        _ start: Int, _ stop: Int, step: Int = 1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(start, stop, step: step, stream: stream)
    }

    /// The numbers from 0 below `stop`.
    public static func arange(
        _ stop: Int, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(stop, dtype: dtype, stream: stream)
    }

    /// The numbers from `start` below `stop`.
    public static func arange(
        _ start: Int, _ stop: Int, step: Int = 1, dtype: DType,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(start, stop, step: step, dtype: dtype, stream: stream)
    }

    /// The numbers from 0 below `stop`.
    public static func arange(
        _ stop: Double, dtype: DType = .float32, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(stop, dtype: dtype, stream: stream)
    }

    /// The numbers from `start` below `stop`.
    public static func arange(
        _ start: Double, _ stop: Double, step: Double = 1.0, dtype: DType = .float32,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(start, stop, step: step, dtype: dtype, stream: stream)
    }

    /// An array of values broadcast to the shape.
    public static func full(
        _ shape: some Collection<Int>, values: MLXArray,
        type: (some HasDType).Type = Float.self, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.full(shape, values: values, dtype: type.dtype, stream: stream)
    }

    /// An array of values broadcast to the shape.
    public static func full(
        _ shape: some Collection<Int>, values: MLXArray, dtype: DType,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.full(shape, values: values, dtype: dtype, stream: stream)
    }

    /// An array of values broadcast to the shape.
    public static func full(
        _ shape: some Collection<Int>, values: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.full(shape, values: values, stream: stream)
    }

    /// Each element repeated `count` times.
    public static func repeated(
        _ array: MLXArray, count: Int, axis: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.repeated(array, count: count, axis: axis, stream: stream)
    }

    /// Each element repeated `count` times.
    public static func repeated(
        _ array: MLXArray, count: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.repeated(array, count: count, stream: stream)
    }
}
