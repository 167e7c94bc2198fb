import MLXBase
import MLXGraph
import MLXKernels

/// All steps of a recurrent layer: long short-term memory (Hochreiter and Schmidhuber, 1997; with
/// the forget gate of Gers et al., 2000) and the gated recurrent unit (Cho et al., 2014). Their
/// products with the input are made before, for all steps at once. Derivatives are in
/// `RecurrentGradients`.
package enum RecurrentRows {
    package static let rows: [OpRow] = [
        row(
            .lstm, .lstm, Kernels.lstm,
            "c = σ(f) c + σ(i) tanh g, h = σ(o) tanh c for each step of i, f, g, o = x + b + h Wᵀ"),
        row(
            .gru, .gru, Kernels.gru,
            "h = (1 - σ(z)) tanh(n + σ(r) (h Wₙᵀ + bₙ)) + σ(z) h of r, z, n = x + b, + h Wᵀ"),
    ]

    /// A layer with gates.
    package enum Kind: String, Sendable {
        case lstm, gru

        var gates: Int { self == .lstm ? 4 : 3 }
        /// The bits of the attribute that the kind knows.
        var flags: Int { self == .lstm ? 13 : 7 }
    }

    /// What follows the input's part and the weights of the state; which there are is the word.
    package struct Terms {
        package var bias, innerBias, state, cell: MLXArray?

        package init(
            bias: MLXArray? = nil, innerBias: MLXArray? = nil, state: MLXArray? = nil,
            cell: MLXArray? = nil
        ) {
            (self.bias, self.innerBias, self.state, self.cell) = (bias, innerBias, state, cell)
        }

        package var arrays: [MLXArray] { all.compactMap { $0 } }
        package var attributes: Attributes {
            Attributes(words: [all.indices.reduce(0) { $0 | (all[$1] == nil ? 0 : 1 << $1) }])
        }
        private var all: [MLXArray?] { [bias, innerBias, state, cell] }
    }

    /// Where the terms stand among the inputs: bias, inner bias, state, cell.
    static func places(_ attributes: Attributes) -> [Int?] {
        let flags = attributes.words[0]
        return (0..<4).map { bit in
            flags >> bit & 1 == 0 ? nil : 2 + (flags & (1 << bit - 1)).nonzeroBitCount
        }
    }

    private static func row(
        _ code: OpCode, _ kind: Kind, _ kernel: @escaping Kernel, _ synopsis: String
    ) -> OpRow {
        OpRow(
            code: code, name: kind.rawValue, synopsis: synopsis, arity: 2...5, traits: .shapeless,
            attributeNames: ["terms"],
            dtype: DTypeRule { (context) throws(ArrayError) in
                let type = DTypeRule.promoted(context)
                guard type.isFloatingPoint, type != .complex64 else {
                    throw context.error(.dtype, "needs real floating-point numbers, not \(type)")
                }
                return (type, type)
            },
            shape: ShapeRule { (context) throws(ArrayError) in try checked(context, kind) },
            vjp: .rule { RecurrentGradients(kind, $0).pulled },
            vmap: .rule { mapped($0, kind) },
            work: OpWork(.matmul) { context in
                let width = Double(context.shapes[1].dims.last ?? 0)
                let units = Double(context.shapes[0].size) / Double(kind.gates)
                return units * Double(kind.gates) * (2 * width + 32)
            },
            kernel: kernel, toleranceEpsilons: 256,
            samples: SampleRule { samples(kind) })
    }

    private static func samples(_ kind: Kind) -> [SampleRule.Sample] {
        func sample(_ lead: [Int], _ steps: Int, _ width: Int, _ flags: Int) -> SampleRule.Sample {
            let gates = kind.gates * width
            let terms = [[gates], [width], lead + [width], lead + [width]]
            let shapes =
                [lead + [steps, gates], [gates, width]]
                + terms.indices.filter { flags >> $0 & 1 != 0 }.map { terms[$0] }
            return .init(
                shapes, Attributes(words: [flags]),
                domains: Array(repeating: -1...1, count: shapes.count))
        }
        return [
            sample([3], 4, 2, kind.flags), sample([], 3, 5, kind.flags), sample([2], 3, 3, 0),
            sample([2, 1], 2, 4, 4), sample([2], 1, 70, 1), sample([33], 2, 19, kind.flags & 5),
        ]
    }

    private static func checked(
        _ context: RuleContext, _ kind: Kind
    ) throws(ArrayError) -> Shape {
        let (x, weights) = (context.shapes[0], context.shapes[1])
        let flags = context.attributes.words[0]
        guard flags & ~kind.flags == 0, flags.nonzeroBitCount == context.shapes.count - 2 else {
            throw context.error(.argument, "needs to be told which terms there are")
        }
        guard x.ndim >= 2 else {
            throw context.error(.shape, "needs a sequence (L, D) or (N, L, D), not \(x)")
        }
        let gates = x[x.ndim - 1]
        let width = gates / kind.gates
        guard weights.array == [gates, width], gates % kind.gates == 0 else {
            throw context.error(
                .shape,
                "needs \(kind.gates) gates of the state's length along the last axis of"
                    + " \(x) and weights for them, not \(weights)")
        }
        let lead = Array(x.array.dropLast(2))
        let wanted = [[gates], [width], lead + [width], lead + [width]]
        for (place, wanted) in zip(places(context.attributes), wanted) {
            guard let place, context.shapes[place].array != wanted else { continue }
            throw context.error(
                .shape, "needs \(wanted) beside \(x), not \(context.shapes[place])")
        }
        let length = kind == .lstm ? 2 * width : width
        return try Shape(
            validating: lead + [x[x.ndim - 2], length], operation: context.row.name)
    }

    /// A batch is one more axis in front, unless weights or biases have it too.
    private static func mapped(_ context: VMapContext, _ kind: Kind) -> MLXArray {
        let places = places(context.attributes)
        let shared = [1] + places[..<2].compactMap { $0 }
        if shared.contains(where: { context.isBatched[$0] }) { return context.eachElement() }
        return context.record(
            context.inputs.indices.map {
                shared.contains($0) ? context.inputs[$0] : context.batched($0)
            }, context.attributes)
    }
}

extension OpCode {
    package static let lstm = OpCode(.recurrent)
    package static let gru = OpCode(.recurrent)
}
