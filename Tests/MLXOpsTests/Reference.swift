import Foundation
import MLX
import MLXBase
import MLXOps

/// The op table computed naively: one element at a time, in double precision, straight from each
/// row's formula. Slow, and independent of every kernel.
struct Tensor {
    var shape: [Int]
    var values: [Double]

    init(_ shape: [Int], _ values: [Double]) {
        self.shape = shape
        self.values = values
        precondition(values.count == shape.reduce(1, *))
    }

    init(_ shape: [Int], _ value: (Int) -> Double) {
        self.init(shape, (0..<shape.reduce(1, *)).map(value))
    }

    /// The index along each axis of a row-major position.
    static func index(_ position: Int, _ shape: [Int]) -> [Int] {
        var rest = position
        var index = [Int](repeating: 0, count: shape.count)
        for axis in shape.indices.reversed() {
            index[axis] = rest % shape[axis]
            rest /= shape[axis]
        }
        return index
    }

    /// The element at an index that may have more axes, as broadcasting reads it.
    subscript(index: [Int]) -> Double {
        var position = 0
        let lead = index.count - shape.count
        for axis in shape.indices {
            position = position * shape[axis] + (shape[axis] == 1 ? 0 : index[axis + lead])
        }
        return values[position]
    }
}

enum Reference {
    static let unary: [String: @Sendable (Double) -> Double] = [
        "negative": { -$0 }, "abs": { Swift.abs($0) },
        "sign": { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, "square": { $0 * $0 },
        "sqrt": { Foundation.sqrt($0) }, "rsqrt": { 1 / Foundation.sqrt($0) },
        "reciprocal": { 1 / $0 }, "exp": { Foundation.exp($0) },
        "expm1": { Foundation.expm1($0) }, "log": { Foundation.log($0) },
        "log2": { Foundation.log2($0) }, "log10": { Foundation.log10($0) },
        "log1p": { Foundation.log1p($0) }, "sigmoid": { 1 / (1 + Foundation.exp(-$0)) },
        "erf": { Foundation.erf($0) }, "erfinv": inverseErf, "sin": { Foundation.sin($0) },
        "cos": { Foundation.cos($0) }, "tan": { Foundation.tan($0) },
        "arcsin": { Foundation.asin($0) }, "arccos": { Foundation.acos($0) },
        "arctan": { Foundation.atan($0) }, "sinh": { Foundation.sinh($0) },
        "cosh": { Foundation.cosh($0) }, "tanh": { Foundation.tanh($0) },
        "arcsinh": { Foundation.asinh($0) }, "arccosh": { Foundation.acosh($0) },
        "arctanh": { Foundation.atanh($0) }, "floor": { Foundation.floor($0) },
        "ceil": { Foundation.ceil($0) }, "round": { $0.rounded(.toNearestOrEven) },
        "copy": { $0 }, "conjugate": { $0 }, "real": { $0 }, "imag": { _ in 0 },
        "logical_not": { $0 == 0 ? 1 : 0 }, "isnan": { $0.isNaN ? 1 : 0 },
        "isinf": { $0.isInfinite ? 1 : 0 }, "isfinite": { $0.isFinite ? 1 : 0 },
        "astype": { $0 }, "reshape": { $0 }, "stop_gradient": { $0 }, "traced": { $0 },
    ]

    static let binary: [String: @Sendable (Double, Double) -> Double] = [
        "add": { $0 + $1 }, "subtract": { $0 - $1 }, "multiply": { $0 * $1 },
        "divide": { $0 / $1 }, "floor_divide": { ($0 / $1).rounded(.down) },
        "remainder": { $0 - ($0 / $1).rounded(.down) * $1 },
        "power": { Foundation.pow($0, $1) }, "arctan2": { Foundation.atan2($0, $1) },
        "logaddexp": { Foundation.log(Foundation.exp($0) + Foundation.exp($1)) },
        "maximum": { Swift.max($0, $1) }, "minimum": { Swift.min($0, $1) },
        "bitwise_and": { Double(Int($0) & Int($1)) },
        "bitwise_or": { Double(Int($0) | Int($1)) },
        "bitwise_xor": { Double(Int($0) ^ Int($1)) },
        "left_shift": { Double(Int($0) << Int($1)) },
        "right_shift": { Double(Int($0) >> Int($1)) },
        "equal": { $0 == $1 ? 1 : 0 }, "not_equal": { $0 != $1 ? 1 : 0 },
        "less": { $0 < $1 ? 1 : 0 }, "less_equal": { $0 <= $1 ? 1 : 0 },
        "greater": { $0 > $1 ? 1 : 0 }, "greater_equal": { $0 >= $1 ? 1 : 0 },
        "logical_and": { $0 != 0 && $1 != 0 ? 1 : 0 },
        "logical_or": { $0 != 0 || $1 != 0 ? 1 : 0 },
    ]

    private static func converted(_ value: Double, to dtype: DType) -> Double {
        if dtype == .bool { return value == 0 ? 0 : 1 }
        return dtype.isFloatingPoint ? value : value.rounded(.towardZero)
    }

    /// By Newton's method from a rough start.
    @Sendable private static func inverseErf(_ x: Double) -> Double {
        if Swift.abs(x) >= 1 { return x * .infinity }
        var y = x
        for _ in 0..<60 {
            y -= (Foundation.erf(y) - x) / (2 / Double.pi.squareRoot() * Foundation.exp(-y * y))
        }
        return y
    }

    /// The result of a row; nil when there is no formula here.
    static func evaluate(
        _ row: OpRow, _ inputs: [Tensor], _ attributes: Attributes, output shape: [Int]
    ) -> Tensor? {
        // Checked by tests of their own.
        let elsewhere = [
            "bitwise_invert", "arange", "random_bits", "partition", "argpartition", "view",
        ]
        if elsewhere.contains(row.name) { return nil }
        if row.name == "load" { return Tensor(shape, { Double($0) }) }
        if let f = unary[row.name] {
            let values = inputs[0].values.map(f)
            guard let target = attributes.outputDType else { return Tensor(shape, values) }
            return Tensor(shape, values.map { converted($0, to: target) })
        }
        if let f = binary[row.name] {
            return Tensor(shape) {
                let index = Tensor.index($0, shape)
                return f(inputs[0][index], inputs[1][index])
            }
        }
        return structured(row, inputs, attributes, shape)
    }

    private static func structured(
        _ row: OpRow, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        switch row.name {
        case "select":
            return Tensor(shape) {
                let index = Tensor.index($0, shape)
                return inputs[0][index] != 0 ? inputs[1][index] : inputs[2][index]
            }
        case "full", "broadcast_to":
            return Tensor(shape) { inputs[0][Tensor.index($0, shape)] }
        case "matmul": return product(inputs[0], inputs[1], shape)
        case "int8_matmul": return int8Product(inputs, shape)
        default:
            return Reductions.evaluate(row.name, inputs, attributes, shape)
                ?? Movements.evaluate(row.name, inputs, attributes, shape)
                ?? Movements.along(row.name, inputs, attributes, shape)
                ?? Windows.evaluate(row.name, inputs, attributes, shape)
                ?? Sequences.evaluate(row.name, inputs, attributes, shape)
                ?? Matrices.evaluate(row.name, inputs, attributes, shape)
                ?? inputs.first.flatMap { Spectra.evaluate(row.name, $0, attributes, shape) }
                ?? Codes.evaluate(row.name, inputs, attributes, shape)
                ?? Fused.evaluate(row.name, inputs, attributes, shape)
        }
    }

    private static func product(_ a: Tensor, _ b: Tensor, _ shape: [Int]) -> Tensor {
        let depth = a.shape.last!
        return Tensor(shape) { position in
            let index = Tensor.index(position, shape)
            let batch = index.dropLast(2)
            return (0..<depth).reduce(0.0) { sum, k in
                sum + a[batch + [index[index.count - 2], k]] * b[batch + [k, index.last!]]
            }
        }
    }

    private static func int8Product(_ inputs: [Tensor], _ shape: [Int]) -> Tensor {
        Tensor(shape) { position in
            let index = Tensor.index(position, shape)
            let n = index.last!
            return (0..<inputs[0].shape.last!).reduce(0.0) { sum, k in
                sum + inputs[0][index.dropLast() + [k]] * inputs[1][[n, k]]
            } * inputs[2][[n]]
        }
    }
}
