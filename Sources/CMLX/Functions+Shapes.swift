import MLX
import MLXBase

// Shapes, joining and parting, and arrays from nothing.

extension FunctionTable {
    mutating func addShapes() {
        one("reshape") { c in reshaped(try c.array(0), try c.ints(1)) }
        one("flatten") { c in
            flattened(try c.array(0), start: try c.int(1), end: try c.int(2))
        }
        one("unflatten") { c in
            unflatten(try c.array(0), axis: try c.int(1), shape: try c.ints(2))
        }
        one("expand_dims") { c in expandedDimensions(try c.array(0), axes: try c.ints(1)) }
        one("squeeze") { c in
            let x = try c.array(0)
            guard let axes = try c.intsIfGiven(1) else { return squeezed(x) }
            return squeezed(x, axes: axes)
        }
        one("transpose") { c in
            let x = try c.array(0)
            guard let axes = try c.intsIfGiven(1) else { return transposed(x) }
            return transposed(x, axes: axes)
        }
        one("swapaxes") { c in swappedAxes(try c.array(0), try c.int(1), try c.int(2)) }
        one("moveaxis") { c in
            movedAxis(try c.array(0), source: try c.int(1), destination: try c.int(2))
        }
        one("broadcast_to") { c in broadcast(try c.array(0), to: try c.ints(1)) }
        one("atleast_1d") { c in atLeast1D(try c.array(0)) }
        one("atleast_2d") { c in atLeast2D(try c.array(0)) }
        one("atleast_3d") { c in atLeast3D(try c.array(0)) }
        one("contiguous") { c in
            contiguous(try c.array(0), allowColMajor: try c.bool(1))
        }
        one("as_strided") { c in
            asStrided(
                try c.array(0), try c.intsIfGiven(1), strides: try c.intsIfGiven(2),
                offset: try c.int(3))
        }
        one("view") { c in view(try c.array(0), dtype: try c.type(1)) }
        one("astype") { c in try c.array(0).asType(try c.type(1)) }
        one("flip") { c in flip(try c.array(0), axes: try c.intsIfGiven(1)) }
        one("roll") { c in
            let (x, shifts) = (try c.array(0), try c.ints(1))
            guard let axes = try c.intsIfGiven(2) else {
                return roll(x, shift: shifts.reduce(0, &+))
            }
            guard shifts.count == 1 || axes.count == 1 || shifts.count == axes.count else {
                throw c.error(
                    .argument, "\(shifts.count) shifts do not fit \(axes.count) axes")
            }
            // Several shifts along one axis are their sum.
            if axes.count == 1 { return roll(x, shift: shifts.reduce(0, &+), axis: axes[0]) }
            return axes.indices.reduce(x) {
                roll($0, shift: shifts[shifts.count == 1 ? 0 : $1], axis: axes[$1])
            }
        }
        one("diagonal") { c in
            diagonal(
                try c.array(0), offset: try c.small(1), axis1: try c.int(2), axis2: try c.int(3))
        }
        one("diag") { c in diag(try c.array(0), k: try c.small(1)) }
        one("trace") { c in
            trace(
                try c.array(0), offset: try c.small(1), axis1: try c.int(2), axis2: try c.int(3),
                dtype: try c.dtypeIfGiven(4))
        }
        one("tril") { c in tril(try c.array(0), k: try c.small(1)) }
        one("triu") { c in triu(try c.array(0), k: try c.small(1)) }
    }

    mutating func addJoining() {
        one("concatenate") { c in
            let arrays = try c.arrays(0)
            guard let axis = try c.intIfGiven(1) else {
                return concatenated(arrays.map { flattened($0) })
            }
            return concatenated(arrays, axis: axis)
        }
        one("stack") { c in stacked(try c.arrays(0), axis: try c.int(1)) }
        many("split") { c in
            let (x, axis) = (try c.array(0), try c.int(2))
            try checkSplit(x, axis, parts: c.isInteger(1) ? try c.int(1) : nil)
            if c.isInteger(1) { return split(x, parts: try c.int(1), axis: axis) }
            return split(x, indices: try c.ints(1), axis: axis)
        }
        many("unstack") { c in unstack(try c.array(0), axis: try c.int(1)) }
        many("broadcast_arrays") { c in
            let arrays = try c.arrays(0)
            let shape = try commonShape(arrays.map(\.shape))
            return arrays.map { broadcast($0, to: shape) }
        }
        many("meshgrid") { c in
            let indexing: MeshGridIndexing
            switch try c.text(2) {
            case "xy": indexing = .xy
            case "ij": indexing = .ij
            default: throw c.error(.argument, "indexing is 'xy' or 'ij'")
            }
            return meshGrid(try c.arrays(0), sparse: try c.bool(1), indexing: indexing)
        }
        one("pad") { c in
            let x = try c.array(0)
            let numbers = try c.ints(1)
            let widths = stride(from: 0, to: numbers.count - 1, by: 2).map {
                IntOrPair((numbers[$0], numbers[$0 + 1]))
            }
            return padded(
                x, widths: widths, mode: try c.choice(2, PadMode.self),
                value: try c.arrayIfGiven(3))
        }
        one("repeat") { c in
            let (x, count) = (try c.array(0), try c.int(1))
            guard let axis = try c.intIfGiven(2) else { return repeated(x, count: count) }
            return repeated(x, count: count, axis: axis)
        }
        one("tile") { c in tiled(try c.array(0), repetitions: try c.ints(1)) }
    }

    mutating func addFactories() {
        one("full") { c in
            let value = try c.array(1)
            return full(try c.ints(0), values: value, dtype: try c.type(2, else: value.dtype))
        }
        one("full_like") { c in
            let (x, value, type) = (try c.array(0), try c.array(1), try c.type(2))
            guard value.ndim == 0, x.isShapeWatched else {
                return full(x.shape, values: value, dtype: type)
            }
            // As many as there are elements, without a word about how many that is.
            return which(x .== x, value, value).asType(type)
        }
        one("zeros") { c in zeros(try c.ints(0), dtype: try c.type(1)) }
        one("ones") { c in ones(try c.ints(0), dtype: try c.type(1)) }
        one("eye") { c in
            eye(
                try c.small(0), m: try c.intIfGiven(1), k: try c.small(2), dtype: try c.type(3))
        }
        one("tri") { c in
            tri(
                try c.small(0), m: try c.intIfGiven(1), k: try c.small(2), dtype: try c.type(3))
        }
        one("arange") { c in
            arange(
                try c.double(0), try c.double(1), step: try c.double(2), dtype: try c.type(3))
        }
        one("linspace") { c in
            let (start, stop, count) = (try c.double(0), try c.double(1), try c.int(2))
            let (isWithEnd, type) = (try c.bool(3), try c.type(4))
            if isWithEnd { return linspace(start, stop, count: count, dtype: type) }
            guard count >= 0, count < Int(Int32.max) else {
                throw c.error(.argument, "\(count) numbers")
            }
            return linspace(start, stop, count: count + 1, dtype: type)[0..<count]
        }
        one("hanning") { c in hanning(try c.small(0)) }
        one("hamming") { c in hamming(try c.small(0)) }
        one("bartlett") { c in bartlett(try c.small(0)) }
        one("blackman") { c in blackman(try c.small(0)) }
    }
}

/// Parts that an axis has, in MLX's words where it has not.
private func checkSplit(_ x: MLXArray, _ axis: Int, parts: Int?) throws {
    let ndim = x.ndim
    if let parts, parts <= 0 {
        throw Refusal.argument(
            "[split] num_splits must be positive and non-zero but got \(parts).")
    }
    guard axis >= -ndim && axis < ndim else {
        throw Refusal.axis(
            "[split] Axis \(axis) is out of bounds for array with \(ndim) dimensions.")
    }
    if let parts, x.dim(axis) % parts != 0 {
        throw Refusal.argument(
            "[split] Array split does not result in sub arrays with equal size: attempting "
                + "\(parts) splits along axis \(axis) for shape \(describe(x.shape)).")
    }
}

/// The shape that arrays of all these shapes are broadcast to.
func commonShape(_ shapes: [[Int]]) throws -> [Int] {
    var result: [Int] = []
    for shape in shapes {
        var longer = shape.count > result.count ? shape : result
        let shorter = shape.count > result.count ? result : shape
        let offset = longer.count - shorter.count
        for (axis, dim) in shorter.enumerated() where longer[offset + axis] != dim {
            guard longer[offset + axis] == 1 || dim == 1 else {
                throw ArrayError(
                    .shape, "broadcast_shapes",
                    "Shapes \(describe(result)) and \(describe(shape)) cannot be broadcast.",
                    shapes: shapes)
            }
            if longer[offset + axis] == 1 { longer[offset + axis] = dim }
        }
        result = longer
    }
    return result
}

private func describe(_ shape: [Int]) -> String {
    "(" + shape.map(String.init).joined(separator: ",") + ")"
}
