import MLXBase
import MLXGraph

/// Batch rules that several rows share: the attributes that count axes from the front move back
/// by one, for the batch axis.
enum BatchRules {
    /// Attributes that are an `AxisMask`.
    static func axisMask(_ context: VMapContext) -> MLXArray {
        let mask = AxisMask(context.attributes.word)
        let keeps: UInt64 = mask.keepsDims ? 1 << 16 : 0
        return context.record(
            context.inputs,
            Attributes(word: UInt64(mask.bits) << 1 | keeps, outputDType: context.dtype))
    }

    static func reshape(_ context: VMapContext) -> MLXArray {
        Ops.reshape(
            context.inputs[0], [context.size] + context.shape.array, stream: context.stream)
    }

    static func transpose(_ context: VMapContext) -> MLXArray {
        let axes = Permutation(word: context.attributes.word, rank: context.shape.ndim).axes
        return Ops.transpose(context.inputs[0], [0] + axes.map { $0 + 1 }, stream: context.stream)
    }

    /// A repetition to a shape.
    static func broadcast(_ context: VMapContext) -> MLXArray {
        let element = context.elementShape(0)
        let ones = [Int](repeating: 1, count: context.shape.ndim - element.count)
        let aligned = Ops.reshape(
            context.inputs[0], [context.size] + ones + element, stream: context.stream)
        return Ops.broadcast(
            aligned, to: [context.size] + context.shape.array, stream: context.stream)
    }

    static func slice(_ context: VMapContext) -> MLXArray {
        let rank = context.shape.ndim
        let words = context.attributes.words
        return Ops.slice(
            context.inputs[0], starts: [0] + words.prefix(rank), steps: [1] + words.suffix(rank),
            sizes: [context.size] + context.shape.array, stream: context.stream)
    }

    static func sliceUpdate(_ context: VMapContext) -> MLXArray {
        let rank = context.shape.ndim
        let words = context.attributes.words
        return context.record(
            [context.batched(0), context.batched(1)],
            Attributes(
                words: [0] + words.prefix(rank) + [1] + words.suffix(rank)))
    }

    static func concatenate(_ context: VMapContext) -> MLXArray {
        context.record(
            context.inputs.indices.map(context.batched),
            Attributes(word: context.attributes.word + 1))
    }

    /// What surrounds an element may differ from element to element: then it is selected.
    static func pad(_ context: VMapContext) -> MLXArray {
        let rank = context.shape.ndim
        let words = context.attributes.words
        let attributes = Attributes(words: [0] + words.prefix(rank) + [0] + words.suffix(rank))
        let x = context.batched(0)
        guard context.isBatched[1] else {
            return context.record([x, context.inputs[1]], attributes)
        }
        let padded = context.record([x, Ops.scalar(0, x.dtype)], attributes)
        let inside = context.record(
            [Ops.full(x.nodeShape, 1, .bool), Ops.scalar(0, .bool)], attributes)
        let surrounding = Ops.reshape(
            context.inputs[1], [context.size] + [Int](repeating: 1, count: rank))
        return Ops.select(inside, padded, surrounding, stream: context.stream)
    }

    /// Shared indices take the same place of every element: the batch axis is a part of the
    /// window. Otherwise the batch axis is indexed too.
    static func gather(_ context: VMapContext) -> MLXArray {
        let words = context.attributes.words
        let (mask, window) = (words[0], Array(words.dropFirst()))
        let hasOwnIndices = context.isBatched.dropFirst().contains(true)
        let indexRank = context.shape.ndim - window.count
        guard context.isBatched[0] else {
            return context.record(
                [context.inputs[0]] + indices(context, 1..<context.inputs.count, rank: indexRank),
                Attributes(words: words))
        }
        guard hasOwnIndices else {
            let result = context.record(
                context.inputs, Attributes(words: [mask << 1, context.size] + window))
            var axes = Array(0..<(context.shape.ndim + 1))
            axes.insert(axes.remove(at: indexRank), at: 0)
            return Ops.transpose(result, axes, stream: context.stream)
        }
        let all =
            [batchIndex(context, rank: indexRank)]
            + indices(context, 1..<context.inputs.count, rank: indexRank)
        let result = context.record(
            [context.inputs[0]] + all, Attributes(words: [mask << 1 | 1, 1] + window))
        return Ops.reshape(result, [context.size] + context.shape.array, stream: context.stream)
    }

    static func scatter(_ context: VMapContext) -> MLXArray {
        let words = context.attributes.words
        let (mask, window) = (words[0], Array(words.dropFirst()))
        let last = context.inputs.count - 1
        let updates = context.batched(last)
        let indexRank = context.elementShape(last).count - window.count
        let all =
            [batchIndex(context, rank: indexRank)] + indices(context, 1..<last, rank: indexRank)
        var dims = updates.shape
        dims.insert(1, at: 1 + indexRank)
        return context.record(
            [context.batched(0)] + all + [Ops.reshape(updates, dims)],
            Attributes(words: [mask << 1 | 1, 1] + window))
    }

    /// The number of each element, as an index array of the batch axis.
    private static func batchIndex(_ context: VMapContext, rank: Int) -> MLXArray {
        Ops.reshape(
            Ops.arange(start: 0, increment: 1, count: context.size, .int32),
            [context.size] + [Int](repeating: 1, count: rank))
    }

    /// Index arrays of one rank, those that are batched with the batch axis in front.
    private static func indices(
        _ context: VMapContext, _ numbers: Range<Int>, rank: Int
    ) -> [MLXArray] {
        numbers.map { number in
            let element = context.elementShape(number)
            guard context.isBatched[number] else { return context.inputs[number] }
            let ones = [Int](repeating: 1, count: rank - element.count)
            return Ops.reshape(context.inputs[number], [context.size] + ones + element)
        }
    }

    static func randomBits(_ context: VMapContext) -> MLXArray {
        var attributes = context.attributes
        attributes.outputShape = try? Shape(
            validating: [context.size] + context.shape.array, operation: context.row.name)
        return context.record(context.inputs, attributes)
    }
}
