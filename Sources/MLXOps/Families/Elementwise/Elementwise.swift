import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels

/// The elementwise rows that are neither unary nor binary functions: select, cast and full, and
/// the sample inputs of all elementwise rows.
package enum Elementwise {
    package static let rows: [OpRow] = [select, cast, full]

    private static let select = OpRow(
        code: OpCode(MLX_SELECT), name: "select", synopsis: "d = a where c, else b",
        arity: 3...3,
        traits: .shapeless,
        dtype: DTypeRule { context in
            let type = DType.promote(context.dtypes[1], context.dtypes[2])
            return (nil, type)
        },
        shape: .broadcast,
        vjp: Binary.unbroadcasting(
            .rule { context in
                let zero = zerosLike(context.cotangent)
                let condition = context.inputs[0]
                return [
                    nil,
                    context.wanted[1] ? Ops.select(condition, context.cotangent, zero) : nil,
                    context.wanted[2] ? Ops.select(condition, zero, context.cotangent) : nil,
                ]
            }),
        vmap: .elementwise, elementwise: Int32(MLX_SELECT.rawValue),
        work: OpWork(.elementwise) { Double($0.output.size) },
        reference: .elements { $0[0] != 0 ? $0[1] : $0[2] },
        samples: SampleRule {
            [
                .init([[3, 5], [3, 5], [3, 5]], fixedDTypes: [0: .bool]),
                .init([[5], [3, 1], [3, 5]], fixedDTypes: [0: .bool]),
                .init([[], [4], []], fixedDTypes: [0: .bool]),
            ]
        })

    private static let cast = OpRow(
        code: .cast, name: "astype", synopsis: "y = x in another dtype", arity: 1...1,
        traits: [.cast, .shapeless], dtype: .told, shape: .same,
        vjp: .rule { [Ops.cast($0.cotangent, to: $0.inputs[0].dtype)] },
        jvp: .linear, vmap: .trailing,
        work: OpWork(.elementwise) { Double($0.output.size) },
        reference: .elements { $0[0] },
        samples: SampleRule {
            [DType.float32, .int32, .bool, .float16, .uint8].map {
                .init([[3, 5]], Attributes(outputDType: $0), domains: [0...9])
            }
        })

    private static let full = OpRow(
        code: .full, name: "full", synopsis: "y = x repeated to a shape", arity: 1...1,
        dtype: .same, shape: .repeated,
        vjp: .rule { [Ops.sum($0.cotangent, toShape: $0.inputs[0].nodeShape)] },
        jvp: .linear, vmap: .rule(BatchRules.broadcast), elementwise: Int32(MLX_COPY.rawValue),
        work: OpWork(.elementwise) { Double($0.output.size) },
        identity: .ofSameShape, reference: .elements { $0[0] },
        samples: SampleRule {
            [
                .init([[]], Attributes(outputShape: try! Shape(validating: [3, 4]))),
                .init([[3, 1]], Attributes(outputShape: try! Shape(validating: [2, 3, 4]))),
            ]
        })

    static func unarySamples(_ domain: ClosedRange<Double>) -> [SampleRule.Sample] {
        [[], [1], [7], [3, 5], [2, 0, 3]].map { .init([$0], domains: [domain]) }
    }

    static func binarySamples(_ domains: [ClosedRange<Double>]) -> [SampleRule.Sample] {
        [[[], []], [[7], []], [[3, 5], [3, 5]], [[3, 1], [4]], [[2, 0], [1]]].map {
            .init($0, domains: domains)
        }
    }
}

extension OpCode {
    package static let select = OpCode(MLX_SELECT)
    package static let cast = OpCode(.elementwise)
    package static let full = OpCode(.elementwise)
}

extension Ops {
    /// `a` where the condition holds, `b` elsewhere; all three broadcast.
    package static func select(
        _ condition: MLXArray, _ a: MLXArray, _ b: MLXArray, stream: StreamID = .unpinned
    ) -> MLXArray {
        let type = DType.promote(a.dtype, b.dtype)
        return record(
            .select,
            [
                cast(condition, to: .bool, stream: stream), cast(a, to: type, stream: stream),
                cast(b, to: type, stream: stream),
            ], stream: stream)
    }

    /// An array of one number.
    package static func full(
        _ shape: Shape, _ value: Double, _ dtype: DType, stream: StreamID = .unpinned
    ) -> MLXArray {
        full(shape, scalar(value, dtype), stream: stream)
    }

    /// The array repeated to a shape that it broadcasts to.
    package static func full(
        _ shape: Shape, _ value: MLXArray, stream: StreamID = .unpinned
    ) -> MLXArray {
        append(.full, [value], dtype: value.dtype, shape: shape, .none, stream)
    }
}
