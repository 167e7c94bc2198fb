import MLXBase
import MLXGraph
import MLXKernels

/// Products of x with quantized matrices. The words are a `CodeFormat`'s and whether the matrix is
/// transposed: (N, K) codes along K give x wᵀ, (K, N) codes along N give x w. Batch axes before
/// the last two broadcast, or two index arrays pick the matrices that meet.
///
/// The rounded products also round each group of a row of x to int8 and sum integers: affine codes
/// of 2, 4 or 8 bits along K, whatever device runs them. Their derivatives are those of the
/// products that do not round: the roundings count as the identity.
package enum GroupProducts {
    package static let rows: [OpRow] = [
        matmul(.quantizedMatmul), gathered(.gatherQuantizedMatmul), matmul(.roundedMatmul),
        gathered(.gatherRoundedMatmul),
    ]

    /// Whether a product rounds the rows of x to int8.
    private static func rounds(_ code: OpCode) -> Bool {
        code == .roundedMatmul || code == .gatherRoundedMatmul
    }
    private static func isGathered(_ code: OpCode) -> Bool {
        code == .gatherQuantizedMatmul || code == .gatherRoundedMatmul
    }

    private static let wordNames = CodeFormat.wordNames + ["transpose"]

    private static let dtype = DTypeRule { (context) throws(ArrayError) in
        let format = try GroupCodes.format(context)
        let codes = context.dtypes.count - (isGathered(context.row.code) ? 3 : 1)
        guard codes == (format.isAffine ? 3 : 2) else {
            throw context.error(.argument, "codes and scales, and offsets in affine mode only")
        }
        try GroupCodes.checkCodes(context, weight: 1, format)
        let scales =
            format.isAffine
            ? DType.promote(context.dtypes[2], context.dtypes[3]) : context.dtypes[0]
        let type = DType.promote(context.dtypes[0], scales)
        guard type.isFloatingPoint, type != .complex64 else {
            throw context.error(.dtype, "needs real floating-point numbers, not \(type)")
        }
        if rounds(context.row.code) {
            guard format.meetsInt8 else {
                throw context.error(
                    .argument,
                    "rounds x beside affine codes of 2, 4 or 8 bits, not"
                        + " \(format.mode.name) of \(format.bits)")
            }
            if type == .float64 {
                throw context.error(.dtype, "rounds float32 and halves to int8, not float64")
            }
        }
        return (nil, type)
    }

    /// The numbers of outputs and of terms, once x and w are known to fit.
    private static func extents(
        _ context: RuleContext
    ) throws(ArrayError) -> (columns: Int, batch: [Int]) {
        guard context.attributes.words.count == 4 else {
            throw context.error(.argument, "needs a format and whether w is transposed")
        }
        let format = try GroupCodes.format(context)
        let w = try GroupCodes.numbers(context, weight: 1, format)
        let x = context.shapes[0]
        let transposes = context.attributes.words[3] != 0
        if !transposes && rounds(context.row.code) {
            throw context.error(.argument, "needs codes along the terms: transpose")
        }
        let depth = transposes ? w[w.ndim - 1] : w[w.ndim - 2]
        guard x.ndim >= 1, x[x.ndim - 1] == depth else {
            throw context.error(
                .shape, "the last axis of \(x) does not fit the weight, which stands for \(w)")
        }
        return (transposes ? w[w.ndim - 2] : w[w.ndim - 1], Array(w.array.dropLast(2)))
    }

    private static func matmul(_ code: OpCode) -> OpRow {
        OpRow(
            code: code, name: rounds(code) ? "quantized_matmul_int8" : "quantized_matmul",
            synopsis: rounds(code) ? "y = int8(x) (s q + b)ᵀ" : "y = x (s q + b)ᵀ", arity: 3...4,
            traits: .shapeless, attributeNames: wordNames, dtype: dtype,
            shape: ShapeRule { (context) throws(ArrayError) in
                let x = context.shapes[0]
                let (columns, batch) = try extents(context)
                if batch.isEmpty {
                    return try Shape(
                        validating: x.array.dropLast() + [columns], operation: context.row.name)
                }
                guard x.ndim >= 2 else {
                    throw context.error(.shape, "\(x) needs 2 axes beside a batch of weights")
                }
                let lead = try Broadcasting.shape(
                    [
                        try Shape(validating: x.array.dropLast(2), operation: context.row.name),
                        try Shape(validating: batch, operation: context.row.name),
                    ], operation: context.row.name)
                return try Shape(
                    validating: lead.array + [x[x.ndim - 2], columns], operation: context.row.name)
            },
            vjp: .rule(pulled),
            jvp: .rule { context in
                for input in [1, 2] where isCoded(input, context.attributes) {
                    if context.tangents[input] == nil { continue }
                    return Ops.invalid(refusal("quantized_matmul"), dtype: context.inputs[0].dtype)
                }
                var terms: [MLXArray] = []
                func product(_ x: MLXArray, _ scales: ArraySlice<MLXArray>) {
                    terms.append(
                        Ops.record(
                            .quantizedMatmul, [x, context.inputs[1]] + scales, context.attributes,
                            stream: context.stream))
                }
                if let x = context.tangents[0] { product(x, context.inputs[2...]) }
                if context.attributes.words[2] == 0,
                    context.tangents[2] != nil || context.tangents[3] != nil
                {
                    product(
                        context.inputs[0],
                        (2...3).map { context.tangents[$0] ?? zerosLike(context.inputs[$0]) }[...])
                }
                return terms.count == 2 ? add(terms[0], terms[1]) : terms.first
            },
            vmap: .rule(mapped),
            work: OpWork(rounds(code) ? .int8 : .quantized, flops: flops),
            kernel: rounds(code) ? Kernels.roundedMatmul : Kernels.quantizedMatmul,
            specialKernels: rounds(code) ? [.int8: Kernels.roundedMatmul] : [:],
            toleranceEpsilons: 256, errorBound: rounds(code) ? errorBound : nil,
            samples: SampleRule { rounds(code) ? roundedSamples : matmulSamples })
    }

    private static let errorBound = ErrorBound { context in
        let size = max(context.words.first ?? 1, 1)
        let terms = context.shapes[0].dims.last ?? 0
        return ErrorBound.groups(
            of: min(size, terms), count: (terms + size - 1) / size, itemSize: context.itemSize)
    }

    private static var roundedSamples: [SampleRule.Sample] {
        [
            sample([3, 64], [5], 64, [32, 2, 0, 1]), sample([192], [40], 192, [64, 4, 0, 1]),
            sample([2, 2, 128], [35], 128, [128, 8, 0, 1]),
            sample([2, 3, 64], [2, 5], 64, [32, 4, 0, 1]),
            sample([29, 576], [5], 576, [64, 4, 0, 1]), sample([2, 96], [3], 96, [32, 8, 0, 1]),
        ]
    }
    private static var matmulSamples: [SampleRule.Sample] {
        [
            sample([3, 64], [5], 64, [32, 2, 0, 1]), sample([64], [40], 64, [64, 3, 0, 1]),
            sample([2, 2, 128], [5], 128, [64, 4, 0, 1]),
            sample([2, 3, 64], [2, 5], 64, [32, 5, 0, 1]),
            sample([14, 256], [5], 256, [128, 6, 0, 1]),
            sample([3, 7], [7], 64, [64, 8, 0, 0]), sample([14, 7], [7], 64, [32, 4, 0, 0]),
            sample([2, 1, 3, 7], [4, 7], 64, [32, 3, 0, 0]),
            sample([3, 64], [5], 64, [32, 4, 1, 1]), sample([3, 64], [5], 64, [32, 8, 2, 1]),
            sample([5, 128], [5], 128, [16, 4, 3, 1]),
        ]
    }

    private static func flops(_ context: CostContext) -> Double {
        2 * Double(context.output.size) * Double(context.shapes[0].dims.last ?? 1)
    }

    private static func sample(
        _ x: [Int], _ lead: [Int], _ length: Int, _ words: [Int],
        indices: [([Int], ClosedRange<Double>)] = []
    ) -> SampleRule.Sample {
        let coded = GroupCodes.coded(lead, length, Array(words.prefix(3)))
        var fixed: [Int: DType] = [:]
        for (number, type) in coded.fixedDTypes { fixed[number + 1] = type }
        var domains = [-1...1] + coded.domains
        while domains.count < coded.shapes.count + 1 { domains.append(-2...2) }
        for (number, index) in indices.enumerated() {
            fixed[coded.shapes.count + 1 + number] = .int32
            domains.append(index.1)
        }
        return .init(
            [x] + coded.shapes + indices.map(\.0), Attributes(words: words), domains: domains,
            fixedDTypes: fixed)
    }

    /// The attributes of the product with the other side of w.
    private static func flipped(_ attributes: Attributes) -> Attributes {
        var words = attributes.words
        words[3] = 1 - words[3]
        return Attributes(words: words)
    }

    /// Says that there is no derivative by codes, nor by the scales of the floating-point modes,
    /// which are codes themselves: zeros would pass for a gradient.
    private static func refusal(_ name: String) -> ArrayError {
        ArrayError(
            .notDifferentiable, name,
            "no gradient with respect to quantized weights, nor to the scales of mxfp4, mxfp8 and"
                + " nvfp4")
    }

    /// Whether an input of a product is made of codes.
    private static func isCoded(_ input: Int, _ attributes: Attributes) -> Bool {
        input == 1 || input == 2 && attributes.words[2] != 0
    }

    /// Cotangents of a product's inputs before there are any: the refusals.
    private static func refusals(_ context: VJPContext, _ name: String) -> [MLXArray?] {
        context.inputs.indices.map { input in
            guard context.wanted[input], isCoded(input, context.attributes) else { return nil }
            return Ops.invalid(
                refusal(name), shapeHint: context.inputs[input].nodeShape,
                dtype: context.inputs[input].dtype)
        }
    }

    private static func pulled(_ context: VJPContext) -> [MLXArray?] {
        let inputs = context.inputs
        var result = refusals(context, "quantized_matmul")
        if context.wanted[0] {
            let product = Ops.record(
                .quantizedMatmul, [context.cotangent] + inputs.dropFirst(),
                flipped(context.attributes))
            result[0] = Ops.cast(
                Ops.sum(product, toShape: inputs[0].nodeShape), to: inputs[0].dtype)
        }
        guard context.attributes.words[2] == 0, context.wanted[2] || context.wanted[3] else {
            return result
        }
        var (x, y) = (Ops.cast(inputs[0], to: context.cotangent.dtype), context.cotangent)
        let batch = inputs[1].nodeShape.array.dropLast(2)
        if batch.isEmpty {
            x = Ops.reshape(x, [-1, x.nodeShape.dims.last!])
            y = Ops.reshape(y, [-1, y.nodeShape.dims.last!])
        }
        let slope =
            context.attributes.words[3] != 0
            ? Ops.matmul(Ops.swapLast(y), x) : Ops.matmul(Ops.swapLast(x), y)
        let own = Array(batch) + slope.nodeShape.array.suffix(2)
        // The shape of the weight, whose batch axes may have been broadcast.
        guard let shape = try? Shape(validating: own) else { return result }
        let parts = GroupCodes.overGroups(
            context, Ops.sum(slope, toShape: shape), weight: 1)
        (result[2], result[3]) = (parts[0], parts[1])
        return result
    }

    private static func mapped(_ context: VMapContext) -> MLXArray {
        let isShared = !context.isBatched.dropFirst().contains(true)
        let rank = context.elementShape(0).count
        if isShared && context.elementShape(1).count == 2 {
            return context.record(context.inputs, context.attributes)
        }
        if rank < 2 {
            // A vector beside a batch of weights becomes a matrix of one row.
            let x = context.batched(0)
            let row = Ops.reshape(x, [context.size, 1] + x.nodeShape.array.dropFirst())
            let w = context.inputs.indices.dropFirst().map { context.batched($0) }
            let y = context.record([row] + w, context.attributes)
            return Ops.reshape(y, [context.size] + context.shape.array)
        }
        let weightRank = context.elementShape(1).count
        let wide = max(rank, weightRank)
        let inputs = context.inputs.indices.map { number -> MLXArray in
            if number > 0 && isShared { return context.inputs[number] }
            let x = context.batched(number)
            let element = Array(x.nodeShape.array.dropFirst())
            let ones = [Int](repeating: 1, count: wide - element.count)
            return Ops.reshape(x, [context.size] + ones + element)
        }
        return context.record(inputs, context.attributes)
    }

    // MARK: - Matrices picked by index

    private static func gathered(_ code: OpCode) -> OpRow {
        OpRow(
            code: code, name: rounds(code) ? "gather_qmm_int8" : "gather_qmm",
            synopsis: rounds(code) ? "y = int8(x[i]) (s q + b)[j]ᵀ" : "y = x[i] (s q + b)[j]ᵀ",
            arity: 5...6, traits: [.mayFail, .shapeless], attributeNames: wordNames,
            dtype: DTypeRule { (context) throws(ArrayError) in
                for type in context.dtypes.suffix(2) where !type.isInteger {
                    throw context.error(.dtype, "needs integer indices, not \(type)")
                }
                return try dtype.apply(context)
            },
            shape: ShapeRule { (context) throws(ArrayError) in
                let x = context.shapes[0]
                let (columns, _) = try extents(context)
                guard x.ndim >= 2 else { throw context.error(.shape, "\(x) needs 2 axes") }
                let lead = try Broadcasting.shape(
                    Array(context.shapes.suffix(2)), operation: context.row.name)
                return try Shape(
                    validating: lead.array + [x[x.ndim - 2], columns], operation: context.row.name)
            },
            vjp: .rule(gatheredPulled), vmap: .rule(GroupCodes.stacked),
            work: OpWork(rounds(code) ? .int8 : .quantized, flops: flops),
            kernel: rounds(code) ? Kernels.gatherRoundedMatmul : Kernels.gatherQuantizedMatmul,
            specialKernels: rounds(code) ? [.int8: Kernels.gatherRoundedMatmul] : [:],
            toleranceEpsilons: 256, errorBound: rounds(code) ? errorBound : nil,
            samples: SampleRule {
                [
                    sample(
                        [2, 3, 64], [4, 5], 64, [32, 4, 0, 1],
                        indices: [([2, 1], 0...1), ([3], 0...3)])
                ]
                    + (rounds(code)
                        ? []
                        : [
                            sample(
                                [2, 2, 3, 7], [4, 7], 64, [64, 8, 0, 0],
                                indices: [([3], 0...3), ([3], 0...3)])
                        ])
            })
    }

    /// Sums the matrices that were made for picked ones onto those they were picked from.
    private static func scattered(
        _ parts: MLXArray, _ indices: MLXArray, _ batch: MLXArray
    ) -> MLXArray {
        let shape = batch.nodeShape.array
        let flat = [shape.dropLast(2).reduce(1, *)] + shape.suffix(2)
        let own = parts.nodeShape.array
        let picked = Ops.broadcast(indices, to: Array(own.dropLast(2)))
        let updates = Ops.reshape(parts, own.dropLast(2) + [1] + own.suffix(2))
        guard let zero = try? Shape(validating: flat) else { return parts }
        let sum = Ops.record(
            .scatterAdd, [Ops.full(zero, 0, parts.dtype), picked, updates],
            Attributes(words: [1, 1] + flat.suffix(2)))
        return Ops.reshape(sum, shape)
    }

    private static func gatheredPulled(_ context: VJPContext) -> [MLXArray?] {
        let (inputs, cotangent) = (context.inputs, context.cotangent)
        let (left, right) = (inputs[inputs.count - 2], inputs[inputs.count - 1])
        var result = refusals(context, "gather_qmm")
        let lead = Array(cotangent.nodeShape.array.dropLast(2))
        let own = Ops.reshape(
            Ops.arange(start: 0, increment: 1, count: lead.reduce(1, *), .int32), lead)
        if context.wanted[0] {
            let parts = Ops.record(
                .gatherQuantizedMatmul,
                [cotangent] + inputs.dropFirst().dropLast(2) + [own, right],
                flipped(context.attributes))
            result[0] = Ops.cast(scattered(parts, left, inputs[0]), to: inputs[0].dtype)
        }
        guard context.attributes.words[2] == 0, context.wanted[2] || context.wanted[3] else {
            return result
        }
        let shape = inputs[0].nodeShape.array
        let flat = Ops.reshape(
            Ops.cast(inputs[0], to: cotangent.dtype),
            [shape.dropLast(2).reduce(1, *)] + shape.suffix(2))
        let x = Ops.reshape(
            Ops.record(
                .gather, [flat, Ops.broadcast(left, to: lead)],
                Attributes(words: [1, 1] + shape.suffix(2))), lead + shape.suffix(2))
        let slope =
            context.attributes.words[3] != 0
            ? Ops.matmul(Ops.swapLast(cotangent), x) : Ops.matmul(Ops.swapLast(x), cotangent)
        let integers = GroupCodes.integers(
            inputs[1], inputs[2], context.attributes, cotangent.dtype)
        let parts = GroupCodes.overGroups(
            context, scattered(slope, right, integers), weight: 1)
        (result[2], result[3]) = (parts[0], parts[1])
        return result
    }
}

extension OpCode {
    package static let quantizedMatmul = OpCode(.groupProducts)
    package static let gatherQuantizedMatmul = OpCode(.groupProducts)
    package static let roundedMatmul = OpCode(.groupProducts)
    package static let gatherRoundedMatmul = OpCode(.groupProducts)
}
