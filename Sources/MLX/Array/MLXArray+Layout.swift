import MLXBase
import MLXGraph

// How an array lies in memory. Layout is a property of an evaluated array: an array that is not
// evaluated yet has none, so asking evaluates it. Nothing but tests and old programs should ask.
extension MLXArray {
    /// The distance, in elements, between neighbours along each axis. Evaluates the array.
    @available(*, deprecated, message: "use asData(access:), which says how its bytes are laid out")
    public var strides: [Int] { internalStrides }

    /// The distance, in elements, between neighbours along each axis.
    var internalStrides: [Int] {
        guard blockingEvaluate([self]), let value else { return contiguousStrides(shape: shape) }
        return Array(value.strides)
    }

    /// The number of elements of memory from the first to the last one of the array.
    var physicalSize: Int {
        if size == 0 { return 0 }
        return zip(shape, internalStrides).reduce(1) { $0 + ($1.0 - 1) * Int($1.1.magnitude) }
    }
}

/// The strides of a row-major array.
func contiguousStrides(shape: [Int]) -> [Int] {
    var stride = 1
    return shape.reversed().map { dim in
        defer { stride *= Swift.max(dim, 1) }
        return stride
    }.reversed()
}

extension Sequence where Element == Int {
    /// The numbers in 32 bits; what does not fit becomes the nearest number that does.
    var asInt32: [Int32] { map(Int32.init(clamping:)) }
}
