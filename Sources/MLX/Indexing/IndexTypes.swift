import MLXBase
import MLXGraph

/// One part of a subscript: a number, a range, an index array, a new axis, an ellipsis.
public enum MLXArrayIndexOperation: CustomStringConvertible {
    /// As many full slices as are needed.
    case ellipsis
    /// A new axis of size one.
    case newAxis
    /// One element of an axis, which goes away.
    case index(Int32)
    /// A range of an axis.
    case slice(MLXSlice)
    /// Elements of an axis picked by number.
    case array(MLXArray)

    public var description: String {
        switch self {
        case .ellipsis: "..."
        case .newAxis: "newAxis"
        case .index(let index): "\(index)"
        case .slice(let slice): slice.description
        case .array(let array): "array(\(Shape.describe(array.shape)))"
        }
    }

    /// The element that an index picks.
    var position: Int {
        switch self {
        case .index(let index): Int(index)
        case .slice(let slice): slice.position ?? 0
        default: 0
        }
    }

    /// Whether it uses up an axis of the array.
    var isAxis: Bool {
        switch self {
        case .ellipsis, .newAxis: false
        default: true
        }
    }
}

/// Something that can stand in a subscript of an array.
public protocol MLXArrayIndex {
    /// How a subscript reads this index.
    var mlxArrayIndexOperation: MLXArrayIndexOperation { get }
}

extension Int: MLXArrayIndex {
    /// The number; beyond 32 bits a slice of one element, whose axis goes away as well.
    public var mlxArrayIndexOperation: MLXArrayIndexOperation {
        Int32(exactly: self).map { .index($0) } ?? .slice(MLXSlice(position: self))
    }
}

extension MLXArray: MLXArrayIndex {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation { .array(self) }
}

/// As many full slices as are needed: `a[.ellipsis, 0]`.
public struct MLXEllipsisIndex: MLXArrayIndex, Sendable {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation { .ellipsis }
}

extension MLXArrayIndex where Self == MLXEllipsisIndex {
    /// As many full slices as are needed: `a[.ellipsis, 0]`.
    public static var ellipsis: Self { MLXEllipsisIndex() }
}

/// A new axis of size one: `a[.newAxis]`.
public struct MLXNewAxisIndex: MLXArrayIndex, Sendable {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation { .newAxis }
}

extension MLXArrayIndex where Self == MLXNewAxisIndex {
    /// A new axis of size one: `a[.newAxis]`.
    public static var newAxis: Self { MLXNewAxisIndex() }
}

/// A range of an axis with a stride. Missing parts reach to the ends; negative ones count from
/// the end; anything beyond the ends is cut off, so a slice never fails.
public struct MLXSlice: Equatable, CustomStringConvertible, Sendable {
    // The API's numbers have 32 bits; axes may be longer.
    let givenStart: Int?
    let givenEnd: Int?
    let givenStride: Int?
    /// The one element of an index beyond 32 bits.
    private(set) var position: Int?

    /// A slice from `start` up to but without `end`. Missing parts reach to the ends; negative
    /// numbers count from the end.
    public init(start: Int32? = nil, end: Int32? = nil, stride: Int32? = nil) {
        self.init(from: start.map(Int.init), to: end.map(Int.init), by: stride.map(Int.init))
    }

    package init(from start: Int?, to end: Int?, by stride: Int? = nil) {
        givenStart = start
        givenEnd = end
        givenStride = stride
    }

    package init(position: Int) {
        self.init(from: position, to: position == -1 ? nil : position &+ 1)
        self.position = position
    }

    /// All elements in order.
    public var isFull: Bool { givenStart == nil && givenEnd == nil && stride == 1 }

    /// Whether these are all elements in order, however it is put.
    var isWhole: Bool {
        position == nil && (givenStart ?? 0) == 0 && givenEnd == nil && step == 1
    }

    /// The distance between two elements; negative to go backwards, 1 if none was given.
    public var stride: Int32 { Int32(clamping: step) }

    var step: Int { givenStride ?? 1 }

    /// The start as given; by default the first element in the direction of the stride.
    public func start(_ size: Int32) -> Int32 {
        givenStart.map(Int32.init(clamping:)) ?? (stride < 0 ? size - 1 : 0)
    }

    /// The end as given; by default one beyond the last element.
    public func end(_ size: Int32) -> Int32 {
        givenEnd.map(Int32.init(clamping:)) ?? (stride < 0 ? -size - 1 : size)
    }

    /// The start counted from the front.
    public func absoluteStart(_ size: Int32) -> Int32 {
        let start = start(size)
        return start < 0 ? start + size : start
    }

    /// The end counted from the front.
    public func absoluteEnd(_ size: Int32) -> Int32 {
        let end = end(size)
        return end < 0 ? end + size : end
    }

    /// The first element, and how many elements the slice has on an axis.
    func resolved(_ size: Int) -> (start: Int, count: Int) {
        // Beyond a length that no axis has a number means no more, and arithmetic stays in range.
        let bound = 1 << 61
        func clamped(_ value: Int) -> Int { Swift.min(Swift.max(value, -bound), bound) }
        let step = clamped(step)
        guard step != 0 else { return (0, 0) }
        func absolute(_ value: Int?, _ fallback: Int) -> Int {
            guard let value = value.map(clamped) else { return fallback }
            return value < 0 ? value + size : value
        }
        if step > 0 {
            let start = Swift.min(Swift.max(absolute(givenStart, 0), 0), size)
            let end = Swift.min(Swift.max(absolute(givenEnd, size), start), size)
            return (start, (end - start + step - 1) / step)
        }
        let start = Swift.min(absolute(givenStart, size - 1), size - 1)
        let end = Swift.min(Swift.max(absolute(givenEnd, -1), -1), start)
        return start < 0 ? (0, 0) : (start, (start - end - step - 1) / -step)
    }

    public var description: String {
        let parts = [givenStart, givenEnd, givenStride].map { $0.map(String.init) ?? "" }
        return parts.joined(separator: ":")
    }
}

extension MLXSlice: MLXArrayIndex {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation { .slice(self) }
}

/// A slice with a stride, for subscripts: `a[stride(from: 0, by: 2)]`.
public func stride(
    from start: Int? = nil, to end: Int? = nil, by stride: Int? = nil
) -> MLXSlice {
    MLXSlice(from: start, to: end, by: stride)
}

extension MLXArrayIndex where Self == MLXSlice {
    /// A slice with a stride: `a[.stride(from: -1, by: -1)]` is the reverse.
    public static func stride(
        from start: Int? = nil, to end: Int? = nil, by stride: Int? = nil
    ) -> MLXSlice {
        MLX.stride(from: start, to: end, by: stride)
    }
}

extension Range: MLXArrayIndex where Bound == Int {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation {
        .slice(MLX.stride(from: lowerBound, to: upperBound))
    }
}

extension ClosedRange: MLXArrayIndex where Bound == Int {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation {
        .slice(MLX.stride(from: lowerBound, to: upperBound == .max ? .max : upperBound + 1))
    }
}

extension PartialRangeUpTo: MLXArrayIndex where Bound == Int {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation {
        .slice(MLX.stride(to: upperBound))
    }
}

extension PartialRangeThrough: MLXArrayIndex where Bound == Int {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation {
        .slice(MLX.stride(to: upperBound == .max ? .max : upperBound + 1))
    }
}

extension PartialRangeFrom: MLXArrayIndex where Bound == Int {
    public var mlxArrayIndexOperation: MLXArrayIndexOperation {
        .slice(MLX.stride(from: lowerBound))
    }
}
