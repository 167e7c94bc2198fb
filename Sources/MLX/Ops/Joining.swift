import MLXBase
import MLXGraph
import MLXOps

// Splitting arrays and joining them, padding and repeating.

/// The arrays one after the other along an axis, in their promoted dtype. No arrays, or other axes
/// that differ, give an invalid array.
/// ```swift
/// let a = concatenated([zeros([2, 3]), ones([2, 1])], axis: 1)    // (2, 4)
/// ```
public func concatenated(
    _ arrays: some Collection<MLXArray>, axis: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    let arrays = Array(arrays)
    return recording(arrays) { () throws(ArrayError) in
        guard let first = arrays.first else {
            throw ArrayError(.argument, "concatenate", "needs at least one array")
        }
        if arrays.count == 1 { return first.aliased() }
        let axis = try Axes.normalize(axis, rank: first.ndim, operation: "concatenate")
        return Ops.concatenate(arrays, axis: axis, stream: stream.id)
    }
}

/// The arrays along a new axis, in their promoted dtype. No arrays, or shapes that differ, give an
/// invalid array.
/// ```swift
/// let a = stacked([zeros([3]), ones([3])])    // (2, 3)
/// ```
public func stacked(
    _ arrays: some Collection<MLXArray>, axis: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    let arrays = Array(arrays)
    return recording(arrays) { () throws(ArrayError) in
        guard let first = arrays.first else {
            throw ArrayError(.argument, "stack", "needs at least one array")
        }
        // Joining them finds out anew for other shapes.
        if let other = arrays.first(where: { $0.recordedShape != first.recordedShape }) {
            throw ArrayError(
                .shape, "stack", "All arrays must have the same shape",
                shapes: [first.shape, other.shape])
        }
        let place = try Axes.normalize(axis, rank: first.ndim + 1, operation: "stack")
        return concatenated(
            arrays.map { expandedDimensions($0, axis: place, stream: stream) }, axis: place,
            stream: stream)
    }
}

/// The array cut into equal parts along an axis, without a copy. A length that `parts` does not
/// divide gives invalid arrays.
/// ```swift
/// let thirds = split(arange(6), parts: 3)    // 0 1, 2 3, 4 5
/// ```
public func split(
    _ array: MLXArray, parts: Int, axis: Int = 0, stream: StreamOrDevice = .default
) -> [MLXArray] {
    let length = array.dim(axis)
    // More parts than elements only fit an empty axis, where any number would.
    guard parts > 0, parts <= Swift.max(length, 1024), length % parts == 0,
        (-array.ndim..<array.ndim).contains(axis)
    else {
        let error = ArrayError(
            .shape, "split",
            "Array split does not result in sub arrays with equal size: axis \(axis) of size"
                + " \(length) into \(parts) parts", shapes: [array.shape])
        return (0..<Swift.max(1, Swift.min(parts, 1024))).map { _ in
            Ops.invalid(error, inputs: [array])
        }
    }
    let size = length / parts
    return split(array, indices: (1..<parts).map { $0 * size }, axis: axis, stream: stream)
}

/// The two halves of an array along an axis, whose length must be even.
public func split(
    _ array: MLXArray, axis: Int = 0, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    let halves = split(array, parts: 2, axis: axis, stream: stream)
    return (halves[0], halves.count > 1 ? halves[1] : halves[0])
}

/// The array cut before each index along an axis: one part more than indices.
/// ```swift
/// let parts = split(arange(6), indices: [1, 4])    // 0, 1 2 3, 4 5
/// ```
public func split(
    _ array: MLXArray, indices: some Collection<Int>, axis: Int = 0,
    stream: StreamOrDevice = .default
) -> [MLXArray] {
    let rank = array.ndim
    guard let axis = try? Axes.normalize(axis, rank: rank, operation: "split") else {
        let error = ArrayError(
            .axis, "split", "Axis \(axis) is out of bounds for array with \(rank) dimensions.")
        return (0...indices.count).map { _ in Ops.invalid(error, inputs: [array]) }
    }
    let length = array.dim(axis)
    var parts: [MLXArray] = []
    var start = 0
    for index in Array(indices) + [length] {
        let end = Swift.min(Swift.max(index < 0 ? index + length : index, 0), length)
        let count = Swift.max(end - start, 0)
        parts.append(
            Ops.slice(array, axis: axis, Swift.min(start, length), count, stream: stream.id))
        start = end
    }
    return parts
}

/// How `padded` fills the border.
public enum PadMode: String {
    /// With a value.
    case constant
    /// With the nearest element.
    case edge
    /// With the elements mirrored at the outermost one, which is not repeated.
    case reflect
    /// With the elements mirrored beside the outermost one, which is repeated.
    case symmetric
}

/// The array with a border of the same width around all axes. A negative width gives an invalid
/// array.
/// ```swift
/// let a = padded(ones([2]), width: 1)    // 0 1 1 0
/// ```
/// - Parameters:
///   - width: how many elements before and after, on each axis.
///   - mode: what the border is filled with.
///   - value: the filling of `.constant`; 0 if nil.
public func padded(
    _ array: MLXArray, width: IntOrPair, mode: PadMode = .constant, value: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    padded(
        array, widths: Array(repeating: width, count: array.ndim), mode: mode, value: value,
        stream: stream)
}

/// The array with a border, its width before and after given for each axis.
/// ```swift
/// let a = padded(ones([2, 2]), widths: [0, [1, 2]])    // (2, 5)
/// ```
public func padded(
    _ array: MLXArray, widths: some Collection<IntOrPair>, mode: PadMode = .constant,
    value: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let shape = array.shape
        let widths =
            widths.count == 1 && shape.count != 1
            ? Array(repeating: widths.first!, count: shape.count) : Array(widths)
        guard widths.count == shape.count else {
            throw ArrayError(
                .argument, "pad", "\(widths.count) widths for \(shape.count) axes",
                shapes: [shape])
        }
        if let bad = widths.first(where: { $0.first < 0 || $0.second < 0 }) {
            throw ArrayError(
                .argument, "pad", "invalid padding (\(bad.first), \(bad.second))",
                shapes: [shape])
        }
        if mode == .edge { return try edgePadded(array, widths, stream) }
        if mode != .constant { return try mirrored(array, widths, mode, stream) }
        let fill = value.given ?? Ops.scalar(0, array.dtype)
        return Ops.record(
            .pad, [array, fill],
            Attributes(words: widths.map(\.first) + widths.map(\.second)), stream: stream.id)
    }
}

private func edgePadded(
    _ array: MLXArray, _ widths: [IntOrPair], _ stream: StreamOrDevice
) throws(ArrayError) -> MLXArray {
    var result = array.aliased()
    for (axis, width) in widths.enumerated() where width.first > 0 || width.second > 0 {
        let length = result.dim(axis)
        guard length > 0 else {
            throw ArrayError(
                .argument, "pad", "axis \(axis) has no edge: it has no elements",
                shapes: [array.shape])
        }
        func border(_ start: Int, _ count: Int) -> [MLXArray] {
            if count == 0 { return [] }
            var shape = result.shape
            shape[axis] = count
            let edge = Ops.slice(result, axis: axis, start, 1, stream: stream.id)
            return [broadcast(edge, to: shape, stream: stream)]
        }
        result = concatenated(
            border(0, width.first) + [result] + border(length - 1, width.second), axis: axis,
            stream: stream)
    }
    return result
}

/// The border continues the elements back and forth, however wide it is.
private func mirrored(
    _ array: MLXArray, _ widths: [IntOrPair], _ mode: PadMode, _ stream: StreamOrDevice
) throws(ArrayError) -> MLXArray {
    var result = array.aliased()
    for (axis, width) in widths.enumerated() where width.first > 0 || width.second > 0 {
        let length = array.dim(axis)
        let (border, o1) = width.first.addingReportingOverflow(width.second)
        let (total, o2) = border.addingReportingOverflow(length)
        guard length > 0, !o1, !o2, total <= Int(Int32.max) else {
            throw ArrayError(
                .argument, "pad",
                "cannot mirror an axis of \(length) elements into"
                    + " (\(width.first), \(width.second))", shapes: [array.shape])
        }
        // One period is there and back again.
        let period = mode == .reflect ? Swift.max(2 * (length - 1), 1) : 2 * length
        let start = (period - width.first % period) % period
        let steps = recordBinary(
            .remainder, recordBinary(.add, arange(total, stream: stream), start, stream), period,
            stream)
        let back = Ops.binary(
            .subtract, MLXArray(mode == .reflect ? period : period - 1), steps, stream: stream.id)
        let places = Ops.binary(.minimum, steps, back, stream: stream.id)
        result = take(result, places, axis: axis, stream: stream)
    }
    return result
}

/// Each element repeated `count` times along an axis, which becomes as many times longer. A
/// negative count gives an invalid array.
/// ```swift
/// let a = repeated(arange(2), count: 2, axis: 0)    // 0 0 1 1
/// ```
public func repeated(
    _ array: MLXArray, count: Int, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: array.ndim, operation: "repeat")
        guard count >= 0 else {
            throw ArrayError(.argument, "repeat", "a negative number of repeats: \(count)")
        }
        var wide = array.shape
        wide.insert(count, at: axis + 1)
        let (length, overflow) = array.dim(axis).multipliedReportingOverflow(by: count)
        guard !overflow else {
            throw ArrayError(.limit, "repeat", "the axis would be too long")
        }
        var result = array.shape
        result[axis] = length
        let column = expandedDimensions(array, axis: axis + 1, stream: stream)
        return Ops.reshape(broadcast(column, to: wide, stream: stream), result, stream: stream.id)
    }
}

/// Each element of the flattened array repeated `count` times.
public func repeated(
    _ array: MLXArray, count: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    repeated(flattened(array, stream: stream), count: count, axis: 0, stream: stream)
}

/// The array laid out side by side, the given number of times along each axis; missing numbers and
/// axes count as one, in front.
/// ```swift
/// let a = tiled(arange(2), repetitions: [2, 2])    // two rows 0 1 0 1
/// ```
public func tiled(
    _ array: MLXArray, repetitions: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = Swift.max(array.ndim, repetitions.count)
        let counts = Array(repeating: 1, count: rank - repetitions.count) + Array(repetitions)
        let shape = Array(repeating: 1, count: rank - array.ndim) + array.shape
        var wide: [Int] = []
        var narrow: [Int] = []
        var result: [Int] = []
        for (count, dim) in zip(counts, shape) {
            let (length, overflow) = count.multipliedReportingOverflow(by: dim)
            guard count >= 0, !overflow else {
                throw ArrayError(.argument, "tile", "cannot repeat \(dim) \(count) times")
            }
            narrow += [1, dim]
            wide += [count, dim]
            result.append(length)
        }
        let spread = broadcast(
            Ops.reshape(array, narrow, stream: stream.id), to: wide, stream: stream)
        return Ops.reshape(spread, result, stream: stream.id)
    }
}

/// The array laid out side by side along the last axis.
public func tiled(
    _ array: MLXArray, repetitions: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    tiled(array, repetitions: [repetitions], stream: stream)
}
