import MLX

/// The functions that `Benchmarks/parity` times against Python's MLX, at a million elements. The
/// script has a line of the same name for each.
enum ParityCases {
    typealias Case = (name: String, run: () -> [MLXArray])

    static func all() -> [Case] {
        let operands = Operands()
        return unary(operands) + binary(operands) + reductions(operands) + orders(operands)
            + movement(operands) + indexing(operands) + products(operands) + convolutions(operands)
            + draws(operands) + transforms(operands) + matrices(operands) + networks(operands)
    }

    /// What the functions are applied to.
    struct Operands {
        let x: MLXArray
        let y: MLXArray
        /// 1000 by 1000.
        let m: MLXArray
        let n: MLXArray
        let integers: MLXArray
        let conditions: MLXArray
        let indices: MLXArray
        let key = MLXRandom.key(3)

        init() {
            x = MLXRandom.uniform(0.05..<0.95, [1_000_000], key: MLXRandom.key(1))
            y = MLXRandom.uniform(0.05..<0.95, [1_000_000], key: MLXRandom.key(2))
            m = x.reshaped(1000, 1000)
            n = y.reshaped(1000, 1000)
            integers = (x * 1000).asType(.int32)
            conditions = x .> 0.5
            indices = (y * 1000).asType(.int32)
            eval(x, y, m, n, integers, conditions, indices, key)
        }
    }

    private static func unary(_ o: Operands) -> [Case] {
        let functions: [(String, (MLXArray) -> MLXArray)] = [
            ("abs", { abs($0) }), ("negative", { -$0 }), ("sign", { sign($0) }),
            ("square", { square($0) }), ("sqrt", { sqrt($0) }), ("rsqrt", { rsqrt($0) }),
            ("reciprocal", { reciprocal($0) }), ("exp", { exp($0) }), ("expm1", { expm1($0) }),
            ("log", { log($0) }), ("log2", { log2($0) }), ("log10", { log10($0) }),
            ("log1p", { log1p($0) }), ("sigmoid", { sigmoid($0) }), ("erf", { erf($0) }),
            ("erfinv", { erfInverse($0) }), ("sin", { sin($0) }), ("cos", { cos($0) }),
            ("tan", { tan($0) }), ("arcsin", { asin($0) }), ("arccos", { acos($0) }),
            ("arctan", { atan($0) }), ("sinh", { sinh($0) }), ("cosh", { cosh($0) }),
            ("tanh", { tanh($0) }), ("arcsinh", { asinh($0) }), ("arccosh", { acosh($0 + 1) }),
            ("arctanh", { atanh($0) }), ("floor", { floor($0) }), ("ceil", { ceil($0) }),
            ("round", { round($0) }), ("isnan", { isNaN($0) }), ("isinf", { isInf($0) }),
            ("logical_not", { logicalNot($0) }),
            ("astype float16", { $0.asType(.float16) }),
            ("astype bfloat16", { $0.asType(.bfloat16) }),
            ("astype int32", { $0.asType(.int32) }), ("astype bool", { $0.asType(.bool) }),
            ("clip", { clip($0, min: 0.2, max: 0.8) }), ("nan_to_num", { nanToNum($0) }),
        ]
        return functions.map { function in (function.0, { [function.1(o.x)] }) }
    }

    private static func binary(_ o: Operands) -> [Case] {
        let functions: [(String, (MLXArray, MLXArray) -> MLXArray)] = [
            ("add", { $0 + $1 }), ("subtract", { $0 - $1 }), ("multiply", { $0 * $1 }),
            ("divide", { $0 / $1 }), ("floor_divide", { floorDivide($0, $1) }),
            ("remainder", { remainder($0, $1) }), ("power", { pow($0, $1) }),
            ("arctan2", { atan2($0, $1) }), ("logaddexp", { logAddExp($0, $1) }),
            ("maximum", { maximum($0, $1) }), ("minimum", { minimum($0, $1) }),
            ("equal", { $0 .== $1 }), ("less", { $0 .< $1 }),
            ("logical_and", { logicalAnd($0, $1) }), ("isclose", { isClose($0, $1) }),
        ]
        let floats = functions.map { function -> Case in
            (function.0, { [function.1(o.x, o.y)] })
        }
        return floats + [
            ("where", { [which(o.conditions, o.x, o.y)] }),
            ("add int32", { [o.integers + o.indices] }),
            ("bitwise_and int32", { [o.integers & o.indices] }),
            ("left_shift int32", { [o.integers << 2] }),
            ("a * b + c", { [o.x * o.y + o.x] }),
            ("gelu", { [o.x * (1 + erf(o.x / 1.4142135)) / 2] }),
        ]
    }

    private static func reductions(_ o: Operands) -> [Case] {
        let functions: [(String, (MLXArray, Int) -> MLXArray)] = [
            ("sum", { $0.sum(axis: $1) }), ("prod", { $0.product(axis: $1) }),
            ("max", { $0.max(axis: $1) }), ("min", { $0.min(axis: $1) }),
            ("mean", { $0.mean(axis: $1) }), ("var", { $0.variance(axis: $1) }),
            ("argmax", { argMax($0, axis: $1) }), ("argmin", { argMin($0, axis: $1) }),
            ("logsumexp", { logSumExp($0, axis: $1) }), ("softmax", { softmax($0, axis: $1) }),
            ("cumsum", { cumsum($0, axis: $1) }), ("cumprod", { cumprod($0, axis: $1) }),
            ("cummax", { cummax($0, axis: $1) }), ("logcumsumexp", { logCumsumExp($0, axis: $1) }),
            ("median", { median($0, axis: $1) }), ("std", { std($0, axis: $1) }),
        ]
        let axes = functions.flatMap { function in
            [0, 1].map { axis -> Case in
                ("\(function.0) axis \(axis)", { [function.1(o.m, axis)] })
            }
        }
        return axes + [
            ("sum all", { [o.x.sum()] }), ("max all", { [o.x.max()] }),
            ("all bool", { [o.conditions.all()] }), ("any bool", { [o.conditions.any()] }),
            ("sum int32", { [o.integers.sum()] }), ("allclose", { [allClose(o.x, o.x)] }),
            ("array_equal", { [arrayEqual(o.x, o.x)] }),
        ]
    }

    private static func orders(_ o: Operands) -> [Case] {
        [
            ("sort all", { [sorted(o.x)] }), ("sort axis 1", { [sorted(o.m, axis: 1)] }),
            ("sort axis 0", { [sorted(o.m, axis: 0)] }), ("sort int32", { [sorted(o.integers)] }),
            ("argsort all", { [argSort(o.x)] }), ("argsort axis 1", { [argSort(o.m, axis: 1)] }),
            ("partition all", { [partitioned(o.x, kth: 1000)] }),
            ("argpartition axis 1", { [argPartition(o.m, kth: 10, axis: 1)] }),
            ("topk axis 1", { [top(o.m, k: 10, axis: 1)] }),
        ]
    }

    private static func movement(_ o: Operands) -> [Case] {
        [
            ("transpose copy", { [contiguous(o.m.T)] }),
            ("concatenate 0", { [concatenated([o.m, o.n], axis: 0)] }),
            ("concatenate 1", { [concatenated([o.m, o.n], axis: 1)] }),
            ("stack", { [stacked([o.m, o.n], axis: 1)] }),
            ("tile", { [tiled(o.m, repetitions: [2, 2])] }),
            ("repeat", { [repeated(o.m, count: 2, axis: 1)] }),
            ("pad", { [padded(o.m, width: 8)] }), ("roll", { [roll(o.m, shift: 3, axis: 1)] }),
            ("tril", { [tril(o.m)] }), ("triu", { [triu(o.m)] }), ("diag", { [diag(o.m)] }),
            ("strided slice", { [contiguous(o.m[0..., .stride(by: 2)])] }),
            ("flip", { [contiguous(o.m[0..., .stride(by: -1)])] }),
            ("arange", { [MLXArray(0..<1_000_000)] }), ("eye", { [MLXArray.eye(1000)] }),
            ("linspace", { [linspace(Float(0), Float(1), count: 1_000_000)] }),
            ("zeros", { [MLXArray.zeros([1_000_000])] }),
            ("full", { [MLXArray.full([1_000_000], values: MLXArray(2 as Float))] }),
            ("outer", { [outer(o.x[0..<1000], o.y[0..<1000])] }),
        ]
    }

    private static func indexing(_ o: Operands) -> [Case] {
        let rows = o.indices[0..<1000]
        let columns = o.indices.reshaped(1000, 1000)
        eval(rows, columns)
        return [
            ("take", { [take(o.x, o.integers)] }), ("take rows", { [take(o.m, rows, axis: 0)] }),
            ("take columns", { [take(o.m, rows, axis: 1)] }),
            ("take_along_axis", { [takeAlong(o.m, columns, axis: 1)] }),
            ("put_along_axis", { [putAlong(o.m, columns, values: o.n, axis: 1)] }),
            ("scatter add rows", { [o.m.at[rows].add(o.n)] }),
            ("scatter add all", { [MLXArray.zeros([1000]).at[o.integers].add(o.x)] }),
            ("scatter max rows", { [o.m.at[rows].maximum(o.n)] }),
        ]
    }
}
