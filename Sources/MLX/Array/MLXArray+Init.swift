import FoundationEssentials
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import Numerics

// Arrays from Swift values. Contents are copied once, into a buffer that all devices share. What
// cannot be made (a count that does not match the shape, no memory) is an invalid array.
extension MLXArray {
    // MARK: - Numbers

    /// An int32 scalar.
    public convenience init(_ value: Int32) {
        self.init(bits: UInt64(UInt32(bitPattern: value)), .int32)
    }

    /// An int32 scalar. Values beyond 32 bits are an error; use `init(int64:)` for them.
    public convenience init(_ value: Int) {
        self.init(taking: weakInteger(value, .int32))
    }

    /// An int64 scalar.
    public convenience init(int64 value: Int) {
        self.init(bits: UInt64(bitPattern: Int64(value)), .int64)
    }

    /// A bool scalar.
    public convenience init(_ value: Bool) { self.init(bits: value ? 1 : 0, .bool) }

    /// A float32 scalar.
    public convenience init(_ value: Float) { self.init(bits: UInt64(value.bitPattern), .float32) }

    /// A float64 scalar.
    public convenience init(float64 value: Double) { self.init(bits: value.bitPattern, .float64) }

    /// A scalar. A `Double` becomes float32 as long as its magnitude fits, float64 beyond.
    public convenience init<T: HasDType>(_ value: T) {
        if let double = value as? Double {
            let fits = double.magnitude < Double(Float.greatestFiniteMagnitude) || !double.isFinite
            let type: DType = fits ? .float32 : .float64
            self.init(bits: ScalarBits.encode(double, type), type)
        } else if let int = value as? Int {
            self.init(int)
        } else if let (bits, dtype) = value._scalarBits(dtype: T.dtype) {
            self.init(bits: bits, dtype)
        } else if let bool = value as? Bool {
            self.init(bool)
        } else {
            self.init([value], [Int]())
        }
    }

    /// A bfloat16 scalar.
    public convenience init(bfloat16 value: Float32) {
        self.init(bits: UInt64(ScalarBits.bfloat16(value)), .bfloat16)
    }

    /// A scalar of the given dtype.
    public convenience init<T: HasDType>(_ value: T, dtype: DType) {
        if let (bits, type) = value._scalarBits(dtype: dtype), type == dtype {
            self.init(bits: bits, dtype)
        } else {
            self.init(taking: Ops.cast(MLXArray([value], [Int]()), to: dtype))
        }
    }

    /// A complex64 scalar.
    public convenience init(real: Float, imaginary: Float) {
        self.init(Complex(real, imaginary))
    }

    /// A complex64 scalar.
    public convenience init(_ value: Complex<Float>) {
        self.init(value, dtype: .complex64)
    }

    // MARK: - Collections

    /// The numbers of a Swift array, copied, with its element type as dtype. `[Int]` becomes
    /// int32; for `[Double]` there is `init(converting:)`. A shape that does not fit the number of
    /// elements gives an invalid array.
    /// ```swift
    /// let m = MLXArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])    // [[1, 2, 3], [4, 5, 6]]
    /// ```
    /// - Parameters:
    ///   - value: the elements, row-major.
    ///   - shape: the dimensions; one axis if nil.
    public convenience init<T: HasDType>(
        _ value: [T], _ shape: (some Collection<Int>)? = [Int]?.none
    ) {
        let array = value.withUnsafeBytes {
            MLXArray.copying($0, T.dtype, shape.map { Array($0) } ?? [value.count])
        }
        self.init(taking: array)
    }

    /// An int32 array; values beyond 32 bits are an error, use `init(int64:)` for them.
    public convenience init(_ value: [Int], _ shape: (some Collection<Int>)? = [Int]?.none) {
        if let large = value.first(where: { Int32(exactly: $0) == nil }) {
            self.init(taking: weakInteger(large, .int32))
        } else {
            self.init(value.map(Int32.init(truncatingIfNeeded:)), shape)
        }
    }

    /// An int64 array.
    public convenience init(int64 value: [Int], _ shape: (some Collection<Int>)? = [Int]?.none) {
        self.init(value.map(Int64.init), shape)
    }

    /// A float32 array of doubles.
    public convenience init(
        converting value: [Double], _ shape: (some Collection<Int>)? = [Int]?.none
    ) {
        self.init(value.map(Float.init), shape)
    }

    @available(
        *, unavailable, message: "use init(converting:) to make a float32 array from doubles"
    )
    public convenience init(_ value: [Double], _ shape: (some Collection<Int>)? = [Int]?.none) {
        self.init(converting: value, shape)
    }

    /// The numbers of a sequence, with its element type as dtype; `Int` becomes int32. A shape that
    /// does not fit the number of elements gives an invalid array.
    /// - Parameters:
    ///   - sequence: the elements, row-major.
    ///   - shape: the dimensions; one axis if nil.
    public convenience init<S: Sequence>(
        _ sequence: S, _ shape: (some Collection<Int>)? = [Int]?.none
    ) where S.Element: HasDType {
        if let range = sequence as? Range<Int> {
            self.init(taking: consecutive(range, shape.map { Array($0) }))
        } else if let integers = sequence as? any Sequence<Int> {
            self.init(Array(integers), shape)
        } else {
            self.init(Array(sequence), shape)
        }
    }

    /// An int64 array.
    public convenience init(
        int64 sequence: some Sequence<Int>, _ shape: (some Collection<Int>)? = [Int]?.none
    ) {
        self.init(sequence.map(Int64.init), shape)
    }

    // MARK: - Memory

    /// The numbers in memory, copied. A shape that does not fit the number of elements gives an
    /// invalid array.
    /// - Parameters:
    ///   - ptr: the elements, row-major.
    ///   - shape: the dimensions; one axis if nil.
    public convenience init<T: HasDType>(
        _ ptr: UnsafeBufferPointer<T>, _ shape: (some Collection<Int>)? = [Int]?.none
    ) {
        self.init(
            taking: MLXArray.copying(
                UnsafeRawBufferPointer(ptr), T.dtype, shape.map { Array($0) } ?? [ptr.count]))
    }

    /// The bytes in memory, copied, as elements of a type. A shape that does not fit the number of
    /// elements gives an invalid array.
    /// - Parameters:
    ///   - ptr: the elements in the byte order of the machine, row-major.
    ///   - shape: the dimensions; one axis if nil.
    ///   - type: the type of an element.
    public convenience init(
        _ ptr: UnsafeRawBufferPointer, _ shape: (some Collection<Int>)? = [Int]?.none,
        type: (some HasDType).Type
    ) {
        let dtype = type.dtype
        self.init(
            taking: MLXArray.copying(
                ptr, dtype, shape.map { Array($0) } ?? [ptr.count / dtype.size]))
    }

    /// The bytes of data as elements of a type. A shape that does not fit the number of elements
    /// gives an invalid array.
    /// - Parameters:
    ///   - data: the elements in the byte order of the machine, row-major.
    ///   - shape: the dimensions; one axis if nil.
    ///   - type: the type of an element.
    public convenience init(
        _ data: Data, _ shape: (some Collection<Int>)? = [Int]?.none, type: (some HasDType).Type
    ) {
        self.init(data, shape, dtype: type.dtype)
    }

    /// The bytes of data as elements of a dtype. A shape that does not fit the number of elements
    /// gives an invalid array.
    /// - Parameters:
    ///   - data: the elements in the byte order of the machine, row-major.
    ///   - shape: the dimensions; one axis if nil.
    ///   - dtype: the type of an element.
    public convenience init(
        _ data: Data, _ shape: (some Collection<Int>)? = [Int]?.none, dtype: DType
    ) {
        let array = data.withUnsafeBytes {
            MLXArray.copying($0, dtype, shape.map { Array($0) } ?? [data.count / dtype.size])
        }
        self.init(taking: array)
    }

    /// Adopts memory without copying it.
    /// - Parameter finalizer: called when no array uses the memory any more, on any thread.
    public convenience init(
        rawPointer: UnsafeMutableRawPointer, _ shape: (some Collection<Int>)? = [Int]?.none,
        dtype: DType, finalizer: @escaping () -> Void
    ) {
        // SAFETY: mlx-swift's signature has no Sendable here; the closure is called once, after
        // the last use of the memory.
        nonisolated(unsafe) let finalizer = finalizer
        let dims = shape.map { Array($0) } ?? []
        do throws(ArrayError) {
            let shape = try Shape(validating: dims, operation: "array")
            let buffer = Buffer(
                adopting: rawPointer, byteCount: shape.size * dtype.size,
                finalizer: { finalizer() })
            self.init(Value(buffer: buffer, dtype: dtype, shape: shape))
        } catch {
            self.init(taking: Ops.invalid(error, dtype: dtype))
        }
    }

    // MARK: -

    private convenience init(bits: UInt64, _ dtype: DType) {
        self.init(owning: GraphStore.shared.append(Ops.scalarEntry(bits: bits, dtype)))
    }

    /// Another object for the node of a temporary array.
    convenience init(taking array: MLXArray) { self.init(owning: array.acquire()) }

    /// An array of copied bytes.
    package static func copying(
        _ bytes: UnsafeRawBufferPointer, _ dtype: DType, _ dims: [Int]
    ) -> MLXArray {
        do throws(ArrayError) {
            let shape = try Shape(validating: dims, operation: "array")
            guard shape.size * dtype.size == bytes.count else {
                throw ArrayError(
                    .shape, "array",
                    "\(bytes.count / dtype.size) elements do not fill the shape \(shape)",
                    shapes: [dims])
            }
            let buffer = try Runtime.engine.allocators[0].allocate(byteCount: bytes.count)
            if let base = bytes.baseAddress, bytes.count > 0 {
                buffer.pointer.copyMemory(from: base, byteCount: bytes.count)
            }
            return MLXArray(Value(buffer: buffer, dtype: dtype, shape: shape))
        } catch {
            // What memory was refused for has its shape still: operations on it go by that.
            return Ops.invalid(error, shapeHint: try? Shape(validating: dims), dtype: dtype)
        }
    }
}

/// The integers of a range as int32, without making a list of them.
private func consecutive(_ range: Range<Int>, _ dims: [Int]?) -> MLXArray {
    guard
        range.isEmpty
            || Int32(exactly: range.lowerBound) != nil
                && Int32(exactly: range.upperBound - 1) != nil
    else { return weakInteger(range.upperBound - 1, .int32) }
    let numbers = Ops.arange(
        start: Double(range.lowerBound), increment: 1, count: range.count, .int32)
    guard let dims, dims != [range.count] else { return numbers }
    do throws(ArrayError) {
        let shape = try Shape(validating: dims, operation: "array")
        guard shape.size == range.count else {
            throw ArrayError(
                .shape, "array", "\(range.count) elements do not fill the shape \(shape)",
                shapes: [dims])
        }
    } catch {
        return Ops.invalid(error, dtype: .int32)
    }
    return Ops.reshape(numbers, dims)
}

extension MLXArray: ExpressibleByArrayLiteral {
    /// An int32 array of one axis.
    public convenience init(arrayLiteral elements: Int32...) { self.init(elements) }
}
