import MLXBase
import MLXGraph
import MLXKernels

/// Quantization in groups along the last axis, as MLX's checkpoints have it: a few bits a number, a
/// scale (and in affine mode an offset) for each group, and FP8. The words are a `CodeFormat`'s.
/// Products with such matrices stand in `GroupProducts`.
package enum GroupCodes {
    package static let rows: [OpRow] = [
        quantize, quantizeScales, dequantize, toFP8, fromFP8,
    ]

    static func format(_ context: RuleContext) throws(ArrayError) -> CodeFormat {
        try CodeFormat(words: context.attributes.words, operation: context.row.name)
    }

    /// w must have whole groups of real floats along its last axis.
    private static func check(_ context: RuleContext) throws(ArrayError) -> CodeFormat {
        let (shape, format) = (context.shapes[0], try format(context))
        guard shape.ndim >= 2 else {
            throw context.error(.shape, "needs at least 2 axes, got \(shape)")
        }
        guard shape[shape.ndim - 1] % format.groupSize == 0 else {
            throw context.error(
                .shape,
                "the last axis of \(shape) is not divisible by the group size \(format.groupSize)")
        }
        guard shape.ndim < Shape.maximumRank else {
            throw context.error(.limit, "\(shape) has too many axes")
        }
        if context.shapes.count > 1 {
            guard format.mode == .nvfp4, context.shapes[1].size == 1 else {
                throw context.error(.argument, "only nvfp4 takes a global scale, a scalar")
            }
        }
        return format
    }

    private static func checkFloat(_ context: RuleContext) throws(ArrayError) {
        for type in context.dtypes where !type.isFloatingPoint || type == .complex64 {
            throw context.error(.dtype, "needs real floating-point numbers, not \(type)")
        }
    }

    private static let quantize = OpRow(
        code: .quantize, name: "quantize", synopsis: "q = codes of w in groups", arity: 1...2,
        traits: .shapeless, attributeNames: CodeFormat.wordNames,
        dtype: DTypeRule { (context) throws(ArrayError) in
            try checkFloat(context)
            return (nil, .uint32)
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            let (shape, format) = (context.shapes[0], try check(context))
            return try Shape(
                validating: shape.array.dropLast()
                    + [format.wordCount(shape[shape.ndim - 1])], operation: "quantize")
        },
        vjp: .zero, jvp: .transposed,
        vmap: .rule { context in
            if context.isBatched.dropFirst().contains(true) { return stacked(context) }
            return context.record(context.inputs, context.attributes)
        },
        work: OpWork(.quantized) { Double($0.shapes[0].size) * 12 },
        kernel: Kernels.quantize,
        samples: SampleRule { quantizeSamples })

    private static let quantizeScales = OpRow(
        code: .quantizeScales, name: "quantize_scales",
        synopsis: "s, b = scale and offset of each group of w", arity: 1...2,
        traits: .shapeless, attributeNames: CodeFormat.wordNames,
        dtype: DTypeRule { (context) throws(ArrayError) in
            try checkFloat(context)
            return (nil, try format(context).isAffine ? context.dtypes[0] : .uint8)
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            let (shape, format) = (context.shapes[0], try check(context))
            let own = shape.array.dropLast() + [shape[shape.ndim - 1] / format.groupSize]
            return try Shape(
                validating: format.isAffine ? [2] + own : Array(own), operation: "quantize")
        },
        vjp: .zero,
        vmap: .rule { context in
            if context.isBatched.dropFirst().contains(true) { return stacked(context) }
            let y = context.record(context.inputs, context.attributes)
            if context.attributes.words[2] != 0 { return y }
            let rank = y.ndim
            return Ops.transpose(y, [1, 0] + Array(2..<rank), stream: context.stream)
        },
        work: OpWork(.quantized) { Double($0.shapes[0].size) * 4 },
        kernel: Kernels.quantizeScales,
        samples: SampleRule { quantizeSamples })

    private static let quantizeSamples: [SampleRule.Sample] = [
        .init([[3, 64]], Attributes(words: [32, 2, 0])),
        .init([[2, 2, 64]], Attributes(words: [64, 3, 0])),
        .init([[3, 128]], Attributes(words: [64, 4, 0])),
        .init([[3, 64]], Attributes(words: [32, 5, 0]), domains: [-3...1]),
        .init([[3, 128]], Attributes(words: [128, 6, 0]), domains: [0.5...3]),
        .init([[3, 64]], Attributes(words: [64, 8, 0])),
        .init([[3, 64]], Attributes(words: [32, 4, 1])),
        .init([[3, 64]], Attributes(words: [32, 8, 2])),
        .init([[3, 64]], Attributes(words: [16, 4, 3])),
    ]

    /// The result for one element of the batch after the other.
    static func stacked(_ context: VMapContext) -> MLXArray {
        let parts = (0..<context.size).map { index in
            let inputs = context.inputs.indices.map { number in
                context.isBatched[number]
                    ? Ops.reshape(
                        Ops.slice(context.inputs[number], axis: 0, index, 1),
                        context.elementShape(number)) : context.inputs[number]
            }
            return Ops.reshape(
                context.record(inputs, context.attributes), [1] + context.shape.array)
        }
        var rest = parts
        while rest.count > 1 {
            // Few enough for one concatenation at a time.
            rest = stride(from: 0, to: rest.count, by: 128).map { first in
                let some = Array(rest[first..<min(first + 128, rest.count)])
                return some.count == 1
                    ? some[0] : Ops.record(.concatenate, some, stream: context.stream)
            }
        }
        return rest[0]
    }

    // MARK: - Back to numbers

    private static let dequantize = OpRow(
        code: .dequantize, name: "dequantize", synopsis: "w = s q + b", arity: 2...3,
        traits: .shapeless, attributeNames: CodeFormat.wordNames,
        dtype: DTypeRule { (context) throws(ArrayError) in
            let format = try format(context)
            try checkCodes(context, weight: 0, format)
            if format.isAffine {
                return (nil, DType.promote(context.dtypes[1], context.dtypes[2]))
            }
            if context.shapes.count > 2 {
                guard format.mode == .nvfp4, context.shapes[2].size == 1 else {
                    throw context.error(.argument, "only nvfp4 takes a global scale, a scalar")
                }
            }
            let type = context.attributes.outputDType ?? .bfloat16
            guard type.isFloatingPoint, type != .complex64 else {
                throw context.error(.dtype, "gives real floating-point numbers, not \(type)")
            }
            return (nil, type)
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            try numbers(context, weight: 0, try format(context))
        },
        vjp: .rule { context in
            guard context.attributes.words[2] == 0 else {
                return context.inputs.map { _ in nil }
            }
            return [nil] + overGroups(context, context.cotangent)
        },
        jvp: .rule { context in
            guard context.attributes.words[2] == 0 else { return nil }
            let tangents = (1...2).map { context.tangents[$0] ?? zerosLike(context.inputs[$0]) }
            return Ops.record(
                .dequantize, [context.inputs[0]] + tangents, context.attributes,
                stream: context.stream)
        },
        vmap: .rule { context in
            if context.attributes.words[2] != 0 && context.isBatched.dropFirst(2).contains(true) {
                return stacked(context)
            }
            let isAffine = context.attributes.words[2] == 0
            let inputs = context.inputs.indices.map {
                isAffine || $0 < 2 ? context.batched($0) : context.inputs[$0]
            }
            return context.record(inputs, context.attributes)
        },
        work: OpWork(.quantized) { Double($0.output.size) * 2 },
        kernel: Kernels.dequantize,
        samples: SampleRule {
            [
                coded([2, 2], 64, [32, 2, 0]), coded([3], 64, [64, 3, 0]),
                coded([3], 128, [64, 4, 0]), coded([3], 64, [32, 5, 0]),
                coded([3], 128, [128, 6, 0]), coded([3], 64, [64, 8, 0]),
                coded([3], 64, [32, 4, 1]), coded([3], 64, [32, 8, 2]),
                coded([3], 64, [16, 4, 3]),
            ]
        })

    /// Codes, scales and offsets of (…, length) as a sample.
    static func coded(_ lead: [Int], _ length: Int, _ words: [Int]) -> SampleRule.Sample {
        let groups = lead + [length / words[0]]
        let isAffine = words[2] == 0
        // E8M0 near 1, E4M3 without NaN; codes of E4M3 have no byte 0x7F either.
        let scales: ClosedRange<Double> = isAffine ? -2...2 : words[2] == 3 ? 0...120 : 120...134
        let most: Double = words[2] == 2 ? 0x7E00_0000 : 4_294_967_295
        return .init(
            [lead + [length * words[1] / 32], groups] + (isAffine ? [groups] : []),
            Attributes(words: words), domains: [0...most, scales],
            fixedDTypes: isAffine ? [0: .uint32] : [0: .uint32, 1: .uint8])
    }

    /// The derivative by scales and offsets from that by the numbers: sums over each group.
    static func overGroups(_ context: VJPContext, _ slope: MLXArray, weight: Int = 0) -> [MLXArray?]
    {
        let scales = context.inputs[weight + 1]
        let groups = scales.nodeShape.array + [-1]
        let last = Attributes(word: 1 << UInt64(groups.count - 1))
        func total(_ x: MLXArray, _ number: Int) -> MLXArray {
            Ops.cast(
                Ops.record(.sum, [Ops.reshape(x, groups)], last),
                to: context.inputs[weight + number].dtype)
        }
        var result: [MLXArray?] = [nil, nil]
        if context.wanted[weight + 1] {
            let codes = integers(context.inputs[weight], scales, context.attributes, slope.dtype)
            result[0] = total(mul(slope, codes), 1)
        }
        if context.wanted[weight + 2] { result[1] = total(slope, 2) }
        return result
    }

    /// The codes as numbers.
    static func integers(
        _ codes: MLXArray, _ scales: MLXArray, _ attributes: Attributes, _ dtype: DType
    ) -> MLXArray {
        Ops.record(
            .dequantize,
            [
                codes, Ops.full(scales.nodeShape, 1, dtype),
                Ops.full(scales.nodeShape, 0, dtype),
            ], Attributes(words: Array(attributes.words.prefix(3))))
    }

    /// Codes are uint32, scales and offsets as the mode has them.
    static func checkCodes(
        _ context: RuleContext, weight: Int, _ format: CodeFormat
    ) throws(ArrayError) {
        guard context.dtypes[weight] == .uint32 else {
            throw context.error(.dtype, "codes are uint32, not \(context.dtypes[weight])")
        }
        let scales = context.dtypes[weight + 1]
        if !format.isAffine {
            guard scales == .uint8 else {
                throw context.error(
                    .dtype, "scales of \(format.mode.name) are uint8, not \(scales)")
            }
            return
        }
        guard context.dtypes.count > weight + 2 else {
            throw context.error(.argument, "affine codes need offsets (biases)")
        }
        for type in [scales, context.dtypes[weight + 2]]
        where !type.isFloatingPoint || type == .complex64 {
            throw context.error(.dtype, "scales and offsets are real floats, not \(type)")
        }
    }

    /// The shape of the numbers that codes stand for.
    static func numbers(
        _ context: RuleContext, weight: Int, _ format: CodeFormat
    ) throws(ArrayError) -> Shape {
        let (codes, scales) = (context.shapes[weight], context.shapes[weight + 1])
        guard codes.ndim >= 2, codes.ndim == scales.ndim else {
            throw context.error(
                .shape, "codes \(codes) and scales \(scales) need 2 axes or more, as many each")
        }
        let words = codes[codes.ndim - 1]
        let length = format.length(words: words)
        guard format.wordCount(length) == words, length % format.groupSize == 0,
            Array(scales.dims) == Array(codes.dims.dropLast()) + [length / format.groupSize],
            !format.isAffine || context.shapes[weight + 2] == scales
        else {
            throw context.error(
                .shape,
                "codes \(codes) and scales \(scales) do not fit groups of \(format.groupSize)"
                    + " with \(format.bits) bits")
        }
        return try Shape(
            validating: codes.array.dropLast() + [length], operation: context.row.name)
    }

    // MARK: - FP8

    private static let toFP8 = OpRow(
        code: .toFP8, name: "to_fp8", synopsis: "y = x as E4M3", arity: 1...1,
        traits: .shapeless,
        dtype: DTypeRule { (context) throws(ArrayError) in
            try checkFloat(context)
            return (nil, .uint8)
        },
        shape: .same, vjp: .zero, vmap: .elementwise,
        work: OpWork(.quantized) { Double($0.output.size) * 6 },
        kernel: Kernels.toFP8,
        samples: SampleRule { [.init([[3, 5]], domains: [-500...500]), .init([[40]])] })

    private static let fromFP8 = OpRow(
        code: .fromFP8, name: "from_fp8", synopsis: "y = E4M3 as a number", arity: 1...1,
        traits: .shapeless,
        dtype: DTypeRule { (context) throws(ArrayError) in
            guard context.dtypes[0] == .uint8 else {
                throw context.error(.dtype, "needs uint8, not \(context.dtypes[0])")
            }
            let type = context.attributes.outputDType ?? .bfloat16
            guard type.isFloatingPoint, type != .complex64 else {
                throw context.error(.dtype, "gives a real floating-point type, not \(type)")
            }
            return (nil, type)
        },
        shape: .same, vjp: .zero, vmap: .elementwise,
        work: OpWork(.quantized) { Double($0.output.size) * 4 },
        kernel: Kernels.fromFP8,
        samples: SampleRule {
            [
                .init(
                    [[3, 40]], Attributes(outputDType: .float32), domains: [0...126],
                    fixedDTypes: [0: .uint8])
            ]
        })
}

extension OpCode {
    package static let quantize = OpCode(.groupCodes)
    package static let quantizeScales = OpCode(.groupCodes)
    package static let dequantize = OpCode(.groupCodes)
    package static let toFP8 = OpCode(.groupCodes)
    package static let fromFP8 = OpCode(.groupCodes)
}
