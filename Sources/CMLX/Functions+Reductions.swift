import MLX
import MLXBase

// Reductions over axes and running scans: sums, products, extrema, means, norms of logarithms.

/// Reductions made of others say the name of the first that they are made of.
private let composed: [String: String] = [
    "mean": "mean", "var": "mean", "std": "mean", "median": "median",
]

/// An axis that is there, or MLX's words for what it is instead.
@inline(__always)
private func checkAxis(_ axis: Int, of x: MLXArray, _ name: String) throws {
    let ndim = x.ndim
    if axis < -ndim || axis >= ndim { throw noAxis(axis, ndim, name) }
}

@inline(never)
private func noAxis(_ axis: Int, _ ndim: Int, _ name: String) -> Refusal {
    if let composed = composed[name] {
        return .axis(
            "[\(composed)] axis \(axis) is out of bounds for array with \(ndim) dimensions.")
    }
    return .axis("Invalid axis \(axis) for array with \(ndim) dimensions.")
}

/// Axes that are there and named once each.
private func checkAxes(_ axes: [Int], of x: MLXArray, _ name: String) throws {
    for axis in axes { try checkAxis(axis, of: x, name) }
    let ndim = x.ndim
    if axes.count > 1, Set(axes.map { $0 < 0 ? $0 + ndim : $0 }).count < axes.count {
        throw Refusal.argument("Duplicate axes detected in reduction.")
    }
}

extension FunctionTable {
    private typealias Over = (MLXArray, [Int], Bool) -> MLXArray
    private typealias OverAll = (MLXArray, Bool) -> MLXArray
    private typealias OverOne = (MLXArray, Int, Bool) -> MLXArray

    /// x, axes or nothing, keepdims.
    private mutating func reduction(
        _ name: String, _ all: @escaping OverAll, _ one: @escaping OverOne, _ axes: @escaping Over
    ) {
        self.one(name) { c in
            let (x, keep) = (try c.array(0), try c.bool(2))
            if c.isInteger(1) {
                let axis = try c.int(1)
                try checkAxis(axis, of: x, name)
                return one(x, axis, keep)
            }
            guard let list = try c.intsIfGiven(1) else { return all(x, keep) }
            try checkAxes(list, of: x, name)
            // Nothing is added up, so nothing can overflow: small integers stay what they are.
            if list.isEmpty, name == "sum" || name == "prod" { return x }
            return axes(x, list, keep)
        }
    }

    mutating func addReductions() {
        reduction(
            "sum", { sum($0, keepDims: $1) }, { sum($0, axis: $1, keepDims: $2) },
            { sum($0, axes: $1, keepDims: $2) })
        reduction(
            "prod", { product($0, keepDims: $1) }, { product($0, axis: $1, keepDims: $2) },
            { product($0, axes: $1, keepDims: $2) })
        reduction(
            "max", { MLX.max($0, keepDims: $1) }, { MLX.max($0, axis: $1, keepDims: $2) },
            { MLX.max($0, axes: $1, keepDims: $2) })
        reduction(
            "min", { MLX.min($0, keepDims: $1) }, { MLX.min($0, axis: $1, keepDims: $2) },
            { MLX.min($0, axes: $1, keepDims: $2) })
        reduction(
            "mean", { mean($0, keepDims: $1) }, { mean($0, axis: $1, keepDims: $2) },
            { mean($0, axes: $1, keepDims: $2) })
        reduction(
            "all", { all($0, keepDims: $1) }, { all($0, axis: $1, keepDims: $2) },
            { all($0, axes: $1, keepDims: $2) })
        reduction(
            "any", { any($0, keepDims: $1) }, { any($0, axis: $1, keepDims: $2) },
            { any($0, axes: $1, keepDims: $2) })
        reduction(
            "logsumexp", { logSumExp($0, keepDims: $1) },
            { logSumExp($0, axis: $1, keepDims: $2) }, { logSumExp($0, axes: $1, keepDims: $2) })
        reduction(
            "median", { median($0, keepDims: $1) }, { median($0, axis: $1, keepDims: $2) },
            { median($0, axes: $1, keepDims: $2) })
        reduction(
            "count_nonzero", { countNonzero($0, keepDims: $1) },
            { countNonzero($0, axes: [$1], keepDims: $2) },
            { countNonzero($0, axes: $1, keepDims: $2) })
        addOtherReductions()
    }

    private mutating func addOtherReductions() {
        many("minmax") { c in
            let pair = minMax(
                try c.array(0), axes: try c.intsIfGiven(1), keepDims: try c.bool(2))
            return [pair.min, pair.max]
        }
        one("var") { c in
            let (x, keep, ddof) = (try c.array(0), try c.bool(2), try c.int(3))
            guard let axes = try c.intsIfGiven(1) else {
                return variance(x, keepDims: keep, ddof: ddof)
            }
            try checkAxes(axes, of: x, "var")
            return variance(x, axes: axes, keepDims: keep, ddof: ddof)
        }
        one("std") { c in
            let (x, keep, ddof) = (try c.array(0), try c.bool(2), try c.int(3))
            guard let axes = try c.intsIfGiven(1) else {
                return std(x, keepDims: keep, ddof: ddof)
            }
            try checkAxes(axes, of: x, "std")
            return std(x, axes: axes, keepDims: keep, ddof: ddof)
        }
        one("argmax") { c in
            let (x, keep) = (try c.array(0), try c.bool(2))
            guard let axis = try c.intIfGiven(1) else { return argMax(x, keepDims: keep) }
            return argMax(x, axis: axis, keepDims: keep)
        }
        one("argmin") { c in
            let (x, keep) = (try c.array(0), try c.bool(2))
            guard let axis = try c.intIfGiven(1) else { return argMin(x, keepDims: keep) }
            return argMin(x, axis: axis, keepDims: keep)
        }
        one("softmax") { c in
            let (x, precise) = (try c.array(0), try c.bool(2))
            if c.isInteger(1) {
                let axis = try c.int(1)
                try checkAxis(axis, of: x, "softmax")
                return softmax(x, axis: axis, precise: precise)
            }
            guard let axes = try c.intsIfGiven(1) else { return softmax(x, precise: precise) }
            try checkAxes(axes, of: x, "softmax")
            return softmax(x, axes: axes, precise: precise)
        }
    }

    mutating func addScans() {
        scan("cumsum", { cumsum($0, reverse: $1, inclusive: $2) }) {
            cumsum($0, axis: $1, reverse: $2, inclusive: $3)
        }
        scan("cumprod", { cumprod($0, reverse: $1, inclusive: $2) }) {
            cumprod($0, axis: $1, reverse: $2, inclusive: $3)
        }
        scan("cummax", { cummax($0, reverse: $1, inclusive: $2) }) {
            cummax($0, axis: $1, reverse: $2, inclusive: $3)
        }
        scan("cummin", { cummin($0, reverse: $1, inclusive: $2) }) {
            cummin($0, axis: $1, reverse: $2, inclusive: $3)
        }
        scan("logcumsumexp", { logCumsumExp($0, reverse: $1, inclusive: $2) }) {
            logCumsumExp($0, axis: $1, reverse: $2, inclusive: $3)
        }
    }

    /// x, axis or nothing, reverse, inclusive, and a dtype that x is cast to first.
    private mutating func scan(
        _ name: String, _ flat: @escaping (MLXArray, Bool, Bool) -> MLXArray,
        _ along: @escaping (MLXArray, Int, Bool, Bool) -> MLXArray
    ) {
        one(name) { c in
            let (x, reverse, inclusive) = (try c.array(0), try c.bool(2), try c.bool(3))
            let y = try c.dtypeIfGiven(4).map { x.asType($0) } ?? x
            guard let axis = try c.intIfGiven(1) else { return flat(y, reverse, inclusive) }
            return along(y, axis, reverse, inclusive)
        }
    }
}
