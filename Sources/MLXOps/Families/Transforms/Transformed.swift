import MLXBase
import MLXGraph
import MLXKernels

/// Rows that compute nothing and tell function transforms something: the variable of a trace, a
/// constant to derivatives, the result of a function with rules of its own, and a wait.
package enum Transformed {
    package static let rows: [OpRow] = [
        row(
            .stopGradient, "stop_gradient", "y = x, a constant to derivatives", identity: .always,
            vjp: .zero,
            jvp: .transposed, vmap: .trailing),
        row(
            .traced, "traced", "y = x, the variable of a derivative", identity: .always,
            vjp: .rule { [$0.cotangent] }, vmap: .trailing),
        row(
            .depends, "depends", "y = x, computed after the other inputs", arity: 1...255,
            vjp: .rule { [$0.cotangent] + [MLXArray?](repeating: nil, count: $0.inputs.count - 1) },
            jvp: .rule { $0.tangents[0] },
            vmap: .rule { context in
                context.record(
                    [context.batched(0)] + context.inputs.dropFirst(), context.attributes)
            }),
        // Derivatives and batches of `custom` are found by the transforms themselves, because
        // all results of one call belong together; the columns say what happens to one alone.
        row(
            .custom, "custom", "y = a function's result, with rules of its own", arity: 1...255,
            attributes: ["chosen"], traits: .needsObject, identity: .chosen,
            vjp: .rule { context in
                let chosen = Int(context.attributes.word & 0xFFFF)
                return context.inputs.indices.map { $0 == chosen ? context.cotangent : nil }
            },
            jvp: .rule { $0.tangents[Int($0.attributes.word & 0xFFFF)] },
            vmap: .rule { $0.batched(Int($0.attributes.word & 0xFFFF)) }),
    ]

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, arity: ClosedRange<Int> = 1...1,
        attributes: [String] = [], traits: OpTraits = [], identity: OpIdentity = .none,
        vjp: VJPRule, jvp: JVPRule = .linear, vmap: VMapRule
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: arity,
            traits: traits.union([.view, .shapeless]), attributeNames: attributes,
            attributeForm: .integer,
            dtype: DTypeRule { context in
                let chosen = Int(context.attributes.word & 0xFFFF)
                return (nil, context.dtypes[min(chosen, context.dtypes.count - 1)])
            },
            shape: ShapeRule { (context) throws(ArrayError) in
                let chosen = Int(context.attributes.word & 0xFFFF)
                guard chosen < context.shapes.count else {
                    throw context.error(.argument, "has no input \(chosen)")
                }
                return context.shapes[chosen]
            },
            vjp: vjp, jvp: jvp, vmap: vmap, work: .memory, kernel: Kernels.copy, identity: identity,
            reference: .elements { $0[0] },
            samples: SampleRule { [.init([[3, 4]])] })
    }
}

extension OpCode {
    package static let stopGradient = OpCode(.transformed)
    package static let traced = OpCode(.transformed)
    package static let depends = OpCode(.transformed)
    package static let custom = OpCode(.transformed)
}

/// The rules of a function that knows its own derivatives or its own batching. One object stands
/// for one call, so that its results are recognised as belonging together.
package final class CustomRules: @unchecked Sendable {
    // SAFETY: the closures are the user's and need not be sendable. They are called only by
    // transforms that run inside the scope in which the function was recorded.
    package typealias Pullback = (
        _ primals: [MLXArray], _ cotangents: [MLXArray], _ outputs: [MLXArray]
    ) -> [MLXArray]
    package typealias Pushforward = (
        _ primals: [MLXArray], _ tangents: [MLXArray?]
    ) -> [MLXArray]
    package typealias Mapping = (
        _ inputs: [MLXArray], _ axes: [Int?]
    ) -> (outputs: [MLXArray], axes: [Int?])

    package let vjp: Pullback?
    package let jvp: Pushforward?
    package let vmap: Mapping?

    package init(vjp: Pullback?, jvp: Pushforward? = nil, vmap: Mapping? = nil) {
        self.vjp = vjp
        self.jvp = jvp
        self.vmap = vmap
    }
}

extension Ops {
    /// The outputs of a function as nodes that carry its rules.
    /// - Parameters:
    ///   - outputs: as recorded; what is evaluated.
    ///   - primals: what the function's rules are about.
    package static func custom(
        _ rules: CustomRules, outputs: [MLXArray], primals: [MLXArray]
    ) -> [MLXArray] {
        outputs.enumerated().map { index, output in
            append(
                .custom, outputs + primals, dtype: output.dtype, shape: output.nodeShape,
                Attributes(word: UInt64(index) | UInt64(outputs.count) << 16, object: rules))
        }
    }

    /// Arrays with the values of `inputs`, computed after `dependencies`.
    package static func depends(
        _ inputs: [MLXArray], on dependencies: [MLXArray]
    ) -> [MLXArray] {
        inputs.map { record(.depends, [$0] + dependencies) }
    }

    /// A node that stands for an array that is not there yet.
    package static func placeholder(_ shape: Shape, _ dtype: DType, trace: UInt8) -> MLXArray {
        var entry = GraphStore.Entry(op: .placeholder, dtype: dtype, shape: shape)
        entry.trace = trace
        return MLXArray(owning: GraphStore.shared.append(entry))
    }
}
