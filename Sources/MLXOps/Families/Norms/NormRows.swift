import MLXBase
import MLXGraph
import MLXKernels

/// Norms over the last axis, fused, and their derivatives. The first word holds the bits of eps as
/// a float64 and is a value, not structure; the second says which of weight (1) and bias (2) follow
/// x. Root mean square: Zhang and Sennrich, 2019; layer norm: Ba et al., 2016.
package enum NormRows {
    package static let rows: [OpRow] = [
        norm(.rms, Kernels.rmsNorm, "y = w x / root(mean x² + eps)"),
        norm(.layer, Kernels.layerNorm, "y = w (x - mean x) / root(var x + eps) + b"),
        gradient(.rms, Kernels.rmsNormGradient, "d rms_norm / dx times a cotangent"),
        gradient(.layer, Kernels.layerNormGradient, "d layer_norm / dx times a cotangent"),
    ]

    package static func words(eps: Double, hasWeight: Bool, hasBias: Bool) -> Attributes {
        Attributes(
            words: [
                Int(truncatingIfNeeded: eps.bitPattern), (hasWeight ? 1 : 0) | (hasBias ? 2 : 0),
            ])
    }

    private static let dtype = DTypeRule { (context) throws(ArrayError) in
        let type = DTypeRule.promoted(context)
        guard type.isFloatingPoint, type != .complex64 else {
            throw context.error(.dtype, "needs real floating-point numbers, not \(type)")
        }
        return (type, type)
    }

    private static func checkVector(_ context: RuleContext, _ number: Int) throws(ArrayError) {
        let (x, w) = (context.shapes[0], context.shapes[number])
        guard w.ndim == 1, w[0] == x[x.ndim - 1] else {
            throw context.error(
                .shape, "weight and bias have the length of the last axis of \(x), not \(w)")
        }
    }

    private static func norm(
        _ kind: Kind, _ kernel: @escaping Kernel, _ synopsis: String
    ) -> OpRow {
        OpRow(
            code: kind.norm, name: kind.name, synopsis: synopsis,
            arity: kind == .rms ? 1...2 : 1...3, traits: .shapeless,
            attributeNames: ["eps", "terms"], dynamicWords: .first(1), dtype: dtype,
            shape: ShapeRule { (context) throws(ArrayError) in
                guard context.shapes[0].ndim > 0 else {
                    throw context.error(.shape, "needs at least one axis")
                }
                let flags = context.attributes.words[1]
                guard flags >= 0, flags <= (kind == .rms ? 1 : 3),
                    flags & 1 + flags >> 1 == context.shapes.count - 1
                else {
                    throw context.error(.argument, "needs eps and which terms there are")
                }
                for number in 1..<context.shapes.count {
                    try checkVector(context, number)
                }
                return context.shapes[0]
            },
            vjp: .rule(kind.pulled), jvp: .rule(kind.pushed), vmap: .rule(kind.mapped),
            work: OpWork(.reduction) { Double($0.output.size) * 6 }, kernel: kernel,
            toleranceEpsilons: 64,
            samples: SampleRule {
                func attributes(_ weight: Bool, _ bias: Bool) -> Attributes {
                    words(eps: 0.01, hasWeight: weight, hasBias: bias)
                }
                let both: [SampleRule.Sample] = [
                    .init([[3, 5], [5]], attributes(true, false)),
                    .init([[2, 2, 70], [70]], attributes(true, false)),
                    .init([[2, 33]], attributes(false, false)),
                ]
                let layer: [SampleRule.Sample] = [
                    .init([[3, 5], [5], [5]], attributes(true, true)),
                    .init([[4], [4]], attributes(false, true)),
                ]
                return kind == .rms ? both : both + layer
            })
    }

    private static func gradient(
        _ kind: Kind, _ kernel: @escaping Kernel, _ synopsis: String
    ) -> OpRow {
        OpRow(
            code: kind.gradient, name: kind.name + "_gradient", synopsis: synopsis, arity: 2...3,
            traits: .shapeless, attributeNames: ["eps", "terms"], dynamicWords: .first(1),
            dtype: dtype,
            shape: ShapeRule { (context) throws(ArrayError) in
                guard context.shapes[0].ndim > 0, context.shapes[1] == context.shapes[0] else {
                    throw context.error(.shape, "x and its cotangent differ in shape")
                }
                guard context.attributes.words[1] == 0 else {
                    throw context.error(.argument, "has no terms")
                }
                if context.shapes.count > 2 { try checkVector(context, 2) }
                return context.shapes[0]
            },
            vjp: .rule(kind.pulledTwice),
            vmap: .rule { context in
                if context.isBatched.count > 2 && context.isBatched[2] {
                    let weight = kind.spread(
                        kind.wide(context.inputs[2]), context.elementShape(1).count)
                    let weighted = mul(kind.wide(context.batched(1)), weight)
                    let slope = context.record(
                        [kind.wide(context.batched(0)), weighted], context.attributes)
                    return Ops.cast(slope, to: context.dtype)
                }
                return context.record(
                    [context.batched(0), context.batched(1)] + context.inputs.dropFirst(2),
                    context.attributes)
            },
            work: OpWork(.reduction) { Double($0.output.size) * 12 }, kernel: kernel,
            toleranceEpsilons: 256,
            samples: SampleRule {
                let attributes = words(eps: 0.01, hasWeight: false, hasBias: false)
                return [
                    .init([[3, 5], [3, 5]], attributes),
                    .init([[3, 5], [3, 5], [5]], attributes),
                    .init([[2, 2, 37], [2, 2, 37], [37]], attributes),
                ]
            })
    }
}

extension NormRows {
    /// One of the two norms, with its rules.
    enum Kind: Sendable {
        case rms, layer

        var name: String { self == .rms ? "rms_norm" : "layer_norm" }
        var norm: OpCode { self == .rms ? .rmsNorm : .layerNorm }
        var gradient: OpCode { self == .rms ? .rmsNormGradient : .layerNormGradient }

        /// A sum over all axes but the last.
        private func overRows(_ x: MLXArray) -> MLXArray {
            let axes = Array(0..<(x.ndim - 1))
            return axes.isEmpty
                ? x : Ops.record(.sum, [x], Attributes(word: AxisMask(axes, keepDims: false).word))
        }

        private func plain(_ attributes: Attributes) -> Attributes {
            Attributes(words: [attributes.words[0], 0])
        }

        /// A batch of vectors, aligned with a batch of elements of some rank.
        func spread(_ vector: MLXArray, _ rank: Int) -> MLXArray {
            let shape = vector.nodeShape
            return Ops.reshape(
                vector, [shape[0]] + [Int](repeating: 1, count: rank - 1) + [shape[1]])
        }

        func pulled(_ context: VJPContext) -> [MLXArray?] {
            let (x, cotangent) = (context.inputs[0], context.cotangent)
            let flags = context.attributes.words[1]
            let weight = flags & 1 != 0 ? [context.inputs[1]] : []
            var result: [MLXArray?] = [nil]
            if context.wanted[0] {
                result[0] = Ops.record(
                    gradient, [x, cotangent] + weight, plain(context.attributes))
            }
            if flags & 1 != 0 {
                let normal = Ops.record(norm, [x], plain(context.attributes))
                result.append(context.wanted[1] ? overRows(mul(cotangent, normal)) : nil)
            }
            if flags & 2 != 0 { result.append(overRows(cotangent)) }
            return result
        }

        /// The derivative by x is symmetric, so tangents pass through the row of the gradient.
        func pushed(_ context: JVPContext) -> MLXArray? {
            let flags = context.attributes.words[1]
            var terms: [MLXArray] = []
            if let tangent = context.tangents[0] {
                let slope = Ops.record(
                    gradient, [context.inputs[0], tangent], plain(context.attributes))
                terms.append(flags & 1 != 0 ? mul(slope, context.inputs[1]) : slope)
            }
            if flags & 1 != 0, let tangent = context.tangents[1] {
                let normal = Ops.record(norm, [context.inputs[0]], plain(context.attributes))
                terms.append(mul(normal, tangent))
            }
            if flags & 2 != 0, let tangent = context.tangents[flags & 1 + 1] {
                terms.append(Ops.full(context.output.nodeShape, tangent))
            }
            guard let first = terms.first else { return nil }
            return terms.dropFirst().reduce(first, add)
        }

        /// The half types compute in float32 and are rounded once, as the kernels do.
        func wide(_ x: MLXArray) -> MLXArray {
            x.dtype.size == 2 ? Ops.cast(x, to: .float32) : x
        }

        func mapped(_ context: VMapContext) -> MLXArray {
            if !context.isBatched.dropFirst().contains(true) {
                return context.record(context.inputs, context.attributes)
            }
            let rank = context.elementShape(0).count
            let flags = context.attributes.words[1]
            func term(_ number: Int) -> MLXArray {
                let input = wide(context.inputs[number])
                return context.isBatched[number] ? spread(input, rank) : input
            }
            var y = context.record([wide(context.batched(0))], plain(context.attributes))
            if flags & 1 != 0 { y = mul(y, term(1)) }
            if flags & 2 != 0 { y = add(y, term(flags & 1 + 1)) }
            return Ops.cast(y, to: context.dtype)
        }

        /// The derivative of <h, gradient(x, g, w)>: with a = w g, y = (x - m) r, means written
        /// mean(.), the gradient is r (a - mean(a) - y mean(a y)), linear in a and symmetric, so
        /// the part by a is the gradient of h. By x it is
        /// -r² (y (mean(ha) - mean(h) mean(a) - H A)
        /// + A (h - mean(h) - y H) + H (a - mean(a) - y A))
        /// with A = mean(a y), H = mean(h y); the root mean square has no means of a and h.
        func pulledTwice(_ context: VJPContext) -> [MLXArray?] {
            // NUMERICS: squares of halves leave their range.
            let (x, g, h) = (
                wide(context.inputs[0]), wide(context.inputs[1]), wide(context.cotangent)
            )
            let weight = context.inputs.count > 2 ? wide(context.inputs[2]) : nil
            let last = Attributes(word: 1 << UInt64(x.ndim - 1) | 1 << 16)
            let count = 1 / Double(max(x.nodeShape.dims.last!, 1))
            func mean(_ x: MLXArray) -> MLXArray { scaled(Ops.record(.sum, [x], last), count) }
            var result: [MLXArray?] = [nil, nil]
            if context.wanted[0] {
                let eps = Double(bitPattern: UInt64(bitPattern: Int64(context.attributes.words[0])))
                let a = weight.map { mul(g, $0) } ?? g
                let isLayer = self == .layer
                let centred = isLayer ? sub(x, mean(x)) : x
                let r = Ops.unary(.rsqrt, plus(mean(square(centred)), eps))
                let y = mul(centred, r)
                let (da, dh) = isLayer ? (sub(a, mean(a)), sub(h, mean(h))) : (a, h)
                let (along, across) = (mean(mul(da, y)), mean(mul(dh, y)))
                let inner = sub(mean(mul(dh, da)), mul(along, across))
                let sum = add(
                    mul(y, inner),
                    add(
                        mul(along, sub(dh, mul(y, across))), mul(across, sub(da, mul(y, along)))))
                result[0] = neg(mul(square(r), sum))
            }
            let back = Ops.record(gradient, [x, h], plain(context.attributes))
            if context.wanted[1] { result[1] = weight.map { mul(back, $0) } ?? back }
            if weight != nil { result.append(context.wanted[2] ? overRows(mul(back, g)) : nil) }
            return zip(result, context.inputs).map { gradient, input in
                gradient.map { Ops.cast($0, to: input.dtype) }
            }
        }
    }
}

extension OpCode {
    package static let rmsNorm = OpCode(.norms)
    package static let layerNorm = OpCode(.norms)
    package static let rmsNormGradient = OpCode(.norms)
    package static let layerNormGradient = OpCode(.norms)
}
