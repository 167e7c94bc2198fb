import MLXBase
import MLXGraph

// The factories as static members, for `MLXArray.zeros([2, 3])`.
extension MLXArray {
    /// An array of zeros, float32 unless a type is given. A negative dimension or too many elements
    /// give an invalid array.
    /// ```swift
    /// let a = MLXArray.zeros([2, 3])                  // (2, 3), float32
    /// let b = MLXArray.zeros([2, 3], type: Int32.self)
    /// ```
    /// - Parameters:
    ///   - shape: the dimensions; empty for a scalar.
    ///   - type: the type of an element.
    public static func zeros(
        _ shape: some Collection<Int>, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.zeros(shape, type: type, stream: stream)
    }

    /// An array of zeros. A negative dimension or too many elements give an invalid array.
    /// ```swift
    /// let a = MLXArray.zeros([2, 3], dtype: .float16)
    /// ```
    public static func zeros(
        _ shape: some Collection<Int>, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.zeros(shape, dtype: dtype, stream: stream)
    }

    /// Zeros in the shape and dtype of another array, whose values are not used.
    public static func zeros(like array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.zeros(like: array, stream: stream)
    }

    /// An array of ones, float32 unless a type is given. A negative dimension or too many elements
    /// give an invalid array.
    /// ```swift
    /// let a = MLXArray.ones([2, 3])                  // (2, 3), float32
    /// let b = MLXArray.ones([2, 3], type: Int32.self)
    /// ```
    /// - Parameters:
    ///   - shape: the dimensions; empty for a scalar.
    ///   - type: the type of an element.
    public static func ones(
        _ shape: some Collection<Int>, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.ones(shape, type: type, stream: stream)
    }

    /// An array of ones. A negative dimension or too many elements give an invalid array.
    /// ```swift
    /// let a = MLXArray.ones([2, 3], dtype: .float16)
    /// ```
    public static func ones(
        _ shape: some Collection<Int>, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.ones(shape, dtype: dtype, stream: stream)
    }

    /// Ones in the shape and dtype of another array, whose values are not used.
    public static func ones(like array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.ones(like: array, stream: stream)
    }

    /// Ones on diagonal `k`, zeros elsewhere: (n, m), float32 unless a type is given. Negative
    /// sizes give an invalid array.
    /// ```swift
    /// let a = MLXArray.eye(2, m: 3, k: 1)    // [[0, 1, 0], [0, 0, 1]]
    /// ```
    /// - Parameters:
    ///   - n: rows.
    ///   - m: columns; n if nil.
    ///   - k: 0 for the main diagonal, positive above it, negative below.
    public static func eye(
        _ n: Int, m: Int? = nil, k: Int = 0, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.eye(n, m: m, k: k, type: type, stream: stream)
    }

    /// Ones on diagonal `k`, zeros elsewhere: (n, m), where m is n if nil. Negative sizes give an
    /// invalid array.
    public static func eye(
        _ n: Int, m: Int? = nil, k: Int = 0, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.eye(n, m: m, k: k, dtype: dtype, stream: stream)
    }

    /// Ones on and below diagonal `k`, zeros above: (n, m), float32 unless a type is given.
    /// Negative sizes give an invalid array.
    /// ```swift
    /// let a = MLXArray.tri(3)    // [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    /// ```
    public static func tri(
        _ n: Int, m: Int? = nil, k: Int = 0, type: (some HasDType).Type = Float.self,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.tri(n, m: m, k: k, type: type, stream: stream)
    }

    /// Ones on and below diagonal `k`, zeros above: (n, m), where m is n if nil. Negative sizes
    /// give an invalid array.
    public static func tri(
        _ n: Int, m: Int? = nil, k: Int = 0, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.tri(n, m: m, k: k, dtype: dtype, stream: stream)
    }

    /// The identity matrix (n, n), float32 unless a type is given. Negative sizes give an invalid
    /// array.
    public static func identity(
        _ n: Int, type: (some HasDType).Type = Float.self, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.identity(n, type: type, stream: stream)
    }

    /// The identity matrix (n, n). Negative sizes give an invalid array.
    public static func identity(
        _ n: Int, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.identity(n, dtype: dtype, stream: stream)
    }

    /// `count` numbers evenly spaced from `start` to `stop`, both included: (count), float32. A
    /// negative count gives an invalid array.
    /// ```swift
    /// let a = MLXArray.linspace(0, 10, count: 5)    // 0 2.5 5 7.5 10
    /// ```
    public static func linspace<T: HasDType & BinaryInteger>(
        _ start: T, _ stop: T, count: Int = 50, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.linspace(start, stop, count: count, stream: stream)
    }

    /// `count` numbers evenly spaced from `start` to `stop`, both included: (count), float32. A
    /// negative count gives an invalid array.
    /// ```swift
    /// let a = MLXArray.linspace(0, 10, count: 5)    // 0 2.5 5 7.5 10
    /// ```
    public static func linspace<T: HasDType & BinaryFloatingPoint>(
        _ start: T, _ stop: T, count: Int = 50, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.linspace(start, stop, count: count, stream: stream)
    }

    /// The integers from 0 below `stop`: (stop), int32; none if `stop` is negative.
    /// ```swift
    /// let a = MLXArray.arange(4)    // 0 1 2 3
    /// ```
    public static func arange(_ stop: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.arange(stop, stream: stream)
    }

    /// The integers from `start` below `stop`, `step` apart, int32. A step of 0 gives an invalid
    /// array.
    /// ```swift
    /// let a = MLXArray.arange(5, 0, step: -2)    // 5 3 1
    /// ```
    public static func arange(
        _ start: Int, _ stop: Int, step: Int = 1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(start, stop, step: step, stream: stream)
    }

    /// The numbers from 0 below `stop` in a dtype.
    public static func arange(
        _ stop: Int, dtype: DType, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(stop, dtype: dtype, stream: stream)
    }

    /// The numbers from `start` below `stop`, `step` apart, in a dtype. A step of 0 gives an
    /// invalid array.
    public static func arange(
        _ start: Int, _ stop: Int, step: Int = 1, dtype: DType,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(start, stop, step: step, dtype: dtype, stream: stream)
    }

    /// The numbers from 0 below `stop`, one apart.
    public static func arange(
        _ stop: Double, dtype: DType = .float32, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(stop, dtype: dtype, stream: stream)
    }

    /// The numbers from `start` below `stop`, `step` apart: ⌈(stop - start) / step⌉ of them. A step
    /// of 0 and bounds that are not finite give an invalid array.
    /// ```swift
    /// let a = MLXArray.arange(0.0, 1.0, step: 0.25)    // 0 0.25 0.5 0.75
    /// ```
    public static func arange(
        _ start: Double, _ stop: Double, step: Double = 1.0, dtype: DType = .float32,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arange(start, stop, step: step, dtype: dtype, stream: stream)
    }

    /// An array of one value, or of values broadcast to the shape, in a type. Values that cannot be
    /// broadcast to it give an invalid array.
    /// ```swift
    /// let a = MLXArray.full([2, 2], values: 7, type: Int32.self)
    /// ```
    public static func full(
        _ shape: some Collection<Int>, values: MLXArray,
        type: (some HasDType).Type = Float.self, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.full(shape, values: values, dtype: type.dtype, stream: stream)
    }

    /// An array of values broadcast to the shape and cast to the dtype. Values that cannot be
    /// broadcast to it give an invalid array.
    public static func full(
        _ shape: some Collection<Int>, values: MLXArray, dtype: DType,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.full(shape, values: values, dtype: dtype, stream: stream)
    }

    /// An array of one value, or of values broadcast to the shape, in their own dtype. Values that
    /// cannot be broadcast to it give an invalid array.
    /// ```swift
    /// let a = MLXArray.full([2, 3], values: MLXArray([1, 2, 3]))    // two rows 1 2 3
    /// ```
    public static func full(
        _ shape: some Collection<Int>, values: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.full(shape, values: values, stream: stream)
    }

    /// Each element repeated `count` times along an axis, which becomes as many times longer. A
    /// negative count gives an invalid array.
    /// ```swift
    /// let a = MLXArray.repeated(arange(2), count: 2, axis: 0)    // 0 0 1 1
    /// ```
    public static func repeated(
        _ array: MLXArray, count: Int, axis: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.repeated(array, count: count, axis: axis, stream: stream)
    }

    /// Each element of the flattened array repeated `count` times.
    public static func repeated(
        _ array: MLXArray, count: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.repeated(array, count: count, stream: stream)
    }
}
