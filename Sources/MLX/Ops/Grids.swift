import MLXBase
import MLXGraph
import MLXOps

// Coordinate grids, windows, rolling, and windows of any strides.

/// Which axis of a grid belongs to which vector.
public enum MeshGridIndexing: String, Sendable {
    /// Cartesian: the first vector runs along the second axis.
    case xy
    /// Matrix: vector i runs along axis i.
    case ij
}

/// The coordinates of a grid over vectors: one array for each, of as many axes as vectors.
/// - Parameter sparse: leave axes along which a coordinate does not change at size one.
public func meshGrid(
    _ arrays: some Collection<MLXArray>, sparse: Bool = false, indexing: MeshGridIndexing = .xy,
    stream: StreamOrDevice = .default
) -> [MLXArray] {
    let vectors = Array(arrays)
    let sizes = vectors.map(\.size)
    var axes = Array(vectors.indices)
    if indexing == .xy, axes.count > 1 { axes.swapAt(0, 1) }
    var full = sizes
    for (vector, axis) in axes.enumerated() { full[axis] = sizes[vector] }
    return vectors.enumerated().map { vector, array in
        var shape = Array(repeating: 1, count: vectors.count)
        shape[axes[vector]] = sizes[vector]
        let grid = Ops.reshape(array, shape, stream: stream.id)
        return sparse ? grid : broadcast(grid, to: full, stream: stream)
    }
}

/// The array moved along an axis; what leaves at one end enters at the other.
public func roll(
    _ a: MLXArray, shift: Int, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    roll(a, shift: shift, axes: [axis], stream: stream)
}

/// The array moved along axes, or flattened for it and given its shape back.
public func roll(
    _ a: MLXArray, shift: Int, axes: (some Collection<Int>)? = [Int]?.none,
    stream: StreamOrDevice = .default
) -> MLXArray {
    guard let axes else {
        let flat = roll(flattened(a, stream: stream), shift: shift, axes: [0], stream: stream)
        return Ops.reshape(flat, a.shape, stream: stream.id)
    }
    return recording([a]) { () throws(ArrayError) in
        var result = a.aliased()
        for axis in axes {
            let axis = try Axes.normalize(axis, rank: a.ndim, operation: "roll")
            let length = a.dim(axis)
            guard length > 0, shift % length != 0 else { continue }
            let cut = (length - shift % length) % length
            let parts = split(result, indices: [cut], axis: axis, stream: stream)
            result = concatenated([parts[1], parts[0]], axis: axis, stream: stream)
        }
        return result
    }
}

/// The Hann window, sin²(π n / (m - 1)); float32.
public func hanning(_ m: Int, stream: StreamOrDevice = .default) -> MLXArray {
    window(m, stream) { phase in
        let half = recordBinary(.multiply, phase, Float(0.5), stream)
        return square(sin(half, stream: stream), stream: stream)
    }
}

/// The Hamming window, 0.54 - 0.46 cos(2π n / (m - 1)); float32.
public func hamming(_ m: Int, stream: StreamOrDevice = .default) -> MLXArray {
    window(m, stream) { phase in
        let wave = recordBinary(.multiply, cos(phase, stream: stream), Float(0.46), stream)
        return recordBinary(.subtract, Float(0.54), wave, stream)
    }
}

/// The Bartlett window, 1 - |2n / (m - 1) - 1|; float32.
public func bartlett(_ m: Int, stream: StreamOrDevice = .default) -> MLXArray {
    window(m, stream) { phase in
        let line = recordBinary(.multiply, phase, 1 / Float.pi, stream)
        let distance = abs(recordBinary(.subtract, line, Float(1), stream), stream: stream)
        return recordBinary(.subtract, Float(1), distance, stream)
    }
}

/// The Blackman window, 0.34 - 0.5 cos x + 0.16 cos² x with x = 2π n / (m - 1); float32.
public func blackman(_ m: Int, stream: StreamOrDevice = .default) -> MLXArray {
    window(m, stream) { phase in
        let wave = cos(phase, stream: stream)
        let base = recordBinary(
            .subtract, Float(0.34), recordBinary(.multiply, wave, Float(0.5), stream), stream)
        let bend = recordBinary(.multiply, square(wave, stream: stream), Float(0.16), stream)
        return Ops.binary(.add, base, bend, stream: stream.id)
    }
}

/// A window of m numbers from the phases 0 to 2π.
private func window(
    _ m: Int, _ stream: StreamOrDevice, _ shape: (MLXArray) -> MLXArray
) -> MLXArray {
    if m < 1 { return zeros([0], stream: stream) }
    if m == 1 { return ones([1], stream: stream) }
    let steps = arange(0.0, Double(m), stream: stream)
    return shape(recordBinary(.multiply, steps, 2 * Float.pi / Float(m - 1), stream))
}

/// The elements of the flattened array at offset + Σ index × stride, for each index of a shape.
/// - Parameters:
///   - shape: of the result; by default the array's.
///   - strides: in elements, one for each axis; by default those of a row-major array.
public func asStrided(
    _ array: MLXArray, _ shape: (some Collection<Int>)? = [Int]?.none,
    strides: (some Collection<Int>)? = [Int]?.none, offset: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let dims = shape.map { Array($0) } ?? array.shape
        let result = try Shape(validating: dims, operation: "as_strided")
        let strides = strides.map { Array($0) } ?? Array(result.rowMajorStrides)
        guard strides.count == dims.count else {
            throw ArrayError(
                .argument, "as_strided", "\(strides.count) strides for \(dims.count) axes",
                shapes: [array.shape, dims])
        }
        // What no step is made along has no stride, and what is empty begins nowhere.
        let isEmpty = result.size == 0
        let steps = zip(strides, dims).map { isEmpty || $1 == 1 ? 0 : $0 }
        return Ops.record(
            .asStrided, [array],
            Attributes(words: [isEmpty ? 0 : offset] + steps, outputShape: result),
            stream: stream.id)
    }
}
