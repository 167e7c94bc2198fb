import MLX
import MLXBase
import MLXGraph
import MLXOps

/// A random program: arrays drawn from seeds, and operations of the op table on earlier results.
/// It is data, so that it can be printed, cut smaller and run in different ways.
package struct FuzzProgram: Sendable {
    package struct Leaf: Sendable {
        package var shape: [Int]
        package var dtype: DType
        package var seed: UInt64
        /// A number that all elements have; such a leaf is not mapped by `vmap`.
        package var constant: Double?
        /// Infinities, NaN, zeros of both signs and the largest numbers occur.
        package var hasSpecials = false
    }

    package struct Step: Sendable {
        package var op: OpCode
        /// Numbers of earlier nodes.
        package var inputs: [Int]
        package var attributes: Attributes
    }

    package enum Node: Sendable {
        case leaf(Leaf)
        case step(Step)
    }

    /// In the order they are recorded in; inputs name earlier ones.
    package var nodes: [Node] = []

    package init() {}

    package var leaves: [Leaf] {
        nodes.compactMap { if case .leaf(let leaf) = $0 { leaf } else { nil } }
    }

    package func step(_ number: Int) -> Step? {
        if case .step(let step) = nodes[number] { step } else { nil }
    }

    /// Steps that no step takes: what the program computes.
    package var outputs: [Int] {
        var isUsed = [Bool](repeating: false, count: nodes.count)
        for case .step(let step) in nodes { for input in step.inputs { isUsed[input] = true } }
        return nodes.indices.filter { !isUsed[$0] && step($0) != nil }
    }

    /// Records the whole program on arrays for its leaves.
    /// - Returns: all values.
    package func record(_ leaves: [MLXArray]) -> [MLXArray] {
        var rest = leaves[...]
        var values: [MLXArray] = []
        for node in nodes {
            switch node {
            case .leaf: values.append(rest.removeFirst())
            case .step(let step):
                values.append(
                    Ops.record(step.op, step.inputs.map { values[$0] }, step.attributes))
            }
        }
        return values
    }

    /// What one value needs, and nothing else.
    package func closure(of output: Int) -> FuzzProgram {
        var isNeeded = [Bool](repeating: false, count: nodes.count)
        isNeeded[output] = true
        for number in nodes.indices.reversed() where isNeeded[number] {
            for input in step(number)?.inputs ?? [] { isNeeded[input] = true }
        }
        var result = FuzzProgram()
        var numbers: [Int: Int] = [:]
        for number in nodes.indices where isNeeded[number] {
            numbers[number] = result.nodes.count
            if case .step(var step) = nodes[number] {
                step.inputs = step.inputs.map { numbers[$0]! }
                result.nodes.append(.step(step))
            } else {
                result.nodes.append(nodes[number])
            }
        }
        return result
    }
}

extension FuzzProgram: CustomStringConvertible {
    /// A line for each value.
    package var description: String {
        nodes.enumerated().map { number, node in
            switch node {
            case .leaf(let leaf): "  v\(number) = \(leaf)"
            case .step(let step): "  v\(number) = \(step)"
            }
        }.joined(separator: "\n")
    }
}

extension FuzzProgram.Leaf: CustomStringConvertible {
    package var description: String {
        let value = constant.map { "all \($0)" } ?? "seed \(seed)"
        return "\(dtype)\(Shape.describe(shape)) \(value)\(hasSpecials ? ", with specials" : "")"
    }
}

extension FuzzProgram.Step: CustomStringConvertible {
    package var description: String {
        let inputs = inputs.map { "v\($0)" }.joined(separator: ", ")
        var text = "\(OpTable.name(op))(\(inputs))"
        if attributes.word != 0 { text += " word \(attributes.word)" }
        if !attributes.words.isEmpty { text += " words \(attributes.words)" }
        if let shape = attributes.outputShape { text += " shape \(shape)" }
        if let dtype = attributes.outputDType { text += " dtype \(dtype)" }
        return text
    }
}

extension FuzzProgram.Leaf {
    /// The leaf's values. `variant` gives other values for other elements of a batch.
    package func array(variant: UInt64 = 0) -> MLXArray {
        let count = shape.reduce(1, *)
        var random = SplitMix64(seed: seed &+ variant &* 0x5851_F42D_4C95_7F2D)
        let values = (0..<count).map { _ in constant ?? draw(&random) }
        let wide = values.withUnsafeBytes { MLXArray($0, shape, type: Double.self) }
        return dtype == .complex64
            ? wide.asType(.complex64) + MLXArray(real: 0, imaginary: 0.5) : wide.asType(dtype)
    }

    private static let specials: [Double] = [
        .infinity, -.infinity, .nan, 0, -0.0, 1, -1, 3.0e38, 1e-40, 65_504,
    ]

    private func draw(_ random: inout SplitMix64) -> Double {
        if hasSpecials && random.oneIn(8) {
            return FuzzProgram.Leaf.specials[random.below(FuzzProgram.Leaf.specials.count)]
        }
        let unit = random.unit()
        switch dtype {
        case .bool: return unit < 0.5 ? 0 : 1
        case .uint8, .uint16, .uint32, .uint64: return (unit * 8).rounded(.down)
        case .int8, .int16, .int32, .int64: return (unit * 9).rounded(.down) - 4
        default: return unit * 6 - 3
        }
    }
}
