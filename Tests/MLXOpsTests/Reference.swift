import Foundation
import MLX
import MLXBase
import MLXOps

/// The op table computed naively: one element at a time, in double precision, from each row's
/// formula or, where that takes more than a line, from what is written here. Slow, and independent
/// of every kernel.
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
    private static func converted(_ value: Double, to dtype: DType) -> Double {
        if dtype == .bool { return value == 0 ? 0 : 1 }
        return dtype.isFloatingPoint ? value : value.rounded(.towardZero)
    }

    /// The result of a row; nil when there is no formula, neither in the row nor here.
    static func evaluate(
        _ row: OpRow, _ inputs: [Tensor], _ attributes: Attributes, output shape: [Int]
    ) -> Tensor? {
        switch row.reference {
        case .elements(let f):
            return Tensor(shape) { position in
                let index = Tensor.index(position, shape)
                let value = f(inputs.map { $0[index] })
                return attributes.outputDType.map { converted(value, to: $0) } ?? value
            }
        case .fold(let f):
            return Reductions.folded(inputs[0], attributes, shape, f)
        case nil:
            return structured(row, inputs, attributes, shape)
        }
    }

    private static func structured(
        _ row: OpRow, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        if row.name == "load" { return Tensor(shape) { Double($0) } }
        if inputs.isEmpty { return nil }
        switch row.name {
        case "reshape", "expand_dims", "squeeze", "regroup":
            return Tensor(shape, inputs[0].values)
        case "broadcast_to":
            return Tensor(shape) { inputs[0][Tensor.index($0, shape)] }
        case "matmul", "matmul_within": return product(inputs[0], inputs[1], shape)
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
