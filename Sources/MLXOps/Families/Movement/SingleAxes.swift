import MLXBase
import MLXGraph
import MLXKernels

/// Reshapes that say what they do to the axes, for recordings that hold for any shape. Elsewhere
/// they are plain reshapes, and so they are once a recording is replayed.
package enum SingleAxes {
    static let rows = [
        row(
            .expandDims, "expand_dims", "y = x with axes of size one", inverse: .squeeze,
            samples: [([3, 4], 0b1), ([3, 4], 0b1010), ([], 0b11), ([2, 1, 3], 0b1000)]),
        row(
            .squeeze, "squeeze", "y = x without axes of size one", inverse: .expandDims,
            samples: [([1, 3, 4], 0b1), ([3, 1, 4, 1], 0b1010), ([1], 0b1), ([2, 1, 1], 0b10)]),
        regroup,
    ]

    private static let regroup = OpRow(
        code: .regroup, name: "regroup",
        synopsis: "y = x with axes put together and taken apart", arity: 1...1,
        traits: [.view, .shapeless], attributeNames: ["axis…"], dtype: .same,
        shape: ShapeRule { (context) throws(ArrayError) in
            try regrouped(context.shapes[0], context.attributes.words)
        },
        vjp: .rule { [Ops.reshape($0.cotangent, $0.inputs[0].shape, stream: $0.stream)] },
        jvp: .linear,
        vmap: .rule { context in
            context.record(
                context.inputs,
                Attributes(
                    words: [kept(0)]
                        + context.attributes.words.map { $0 < -1 ? $0 - 1 : $0 }))
        },
        work: .memory, kernel: Kernels.copy,
        samples: SampleRule {
            [
                .init([[2, 3, 4]], Attributes(words: [-1, 4])),
                .init([[2, 3, 4]], Attributes(words: [kept(0), -1])),
                .init([[2, 6]], Attributes(words: [kept(0), 3, -1])),
                .init([[2, 0, 4]], Attributes(words: [-1, kept(2)])),
                .init([[3, 1]], Attributes(words: [3])),
            ]
        })

    /// What `regroup` has for an axis that stays as it is. A number from 0 is a length, -1 is what
    /// the others leave.
    package static func kept(_ axis: Int) -> Int { -2 - axis }

    /// The shape that axes make.
    /// - Throws: where they name an axis twice or one that is not there, or do not use up the rest.
    static func regrouped(_ input: Shape, _ words: [Int]) throws(ArrayError) -> Shape {
        func failure() -> ArrayError {
            ArrayError(
                .shape, "regroup", "axes \(words) of shape \(input)", shapes: [input.array])
        }
        var isKept = [Bool](repeating: false, count: input.ndim)
        var known = 1
        for word in words where word != -1 {
            guard word >= -1 - input.ndim else { throw failure() }
            if word >= 0 {
                let (product, overflow) = known.multipliedReportingOverflow(by: word)
                if overflow { throw failure() }
                known = product
            } else if isKept[-2 - word] {
                throw failure()
            } else {
                isKept[-2 - word] = true
            }
        }
        let rest = (0..<input.ndim).reduce(1) { isKept[$1] ? $0 : $0 &* input[$1] }
        let unknown = words.count { $0 == -1 }
        guard unknown == 0 ? rest == known : unknown == 1 && known > 0 && rest % known == 0 else {
            throw failure()
        }
        return try Shape(
            validating: words.map { $0 >= 0 ? $0 : $0 == -1 ? rest / known : input[-2 - $0] },
            operation: "regroup")
    }

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, inverse: OpCode,
        samples: [(shape: [Int], mask: UInt64)]
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1,
            traits: [.view, .shapeless], attributeNames: ["axes"], attributeForm: .axisMask,
            dtype: .same,
            shape: ShapeRule { (context) throws(ArrayError) in
                try shape(code, of: context.shapes[0], context.attributes.word)
            },
            vjp: .rule {
                [Ops.singleAxes(inverse, $0.cotangent, $0.attributes.word, stream: $0.stream)]
            },
            jvp: .linear,
            vmap: .rule { context in
                context.record(
                    context.inputs, Attributes(word: context.attributes.word << 1))
            },
            work: .memory, kernel: Kernels.copy,
            samples: SampleRule {
                samples.map { .init([$0.shape], Attributes(word: $0.mask)) }
            })
    }

    /// The shape of the result.
    /// - Throws: where the mask names axes that are not there, or takes away one that is longer.
    static func shape(
        _ code: OpCode, of input: Shape, _ word: UInt64
    ) throws(ArrayError) -> Shape {
        let name = OpTable.name(code)
        let rank = code == .squeeze ? input.ndim : input.ndim + word.nonzeroBitCount
        guard rank <= Shape.maximumRank, word >> UInt64(rank) == 0 else {
            throw ArrayError(
                .axis, name, "axis mask \(word) of \(rank) axes", shapes: [input.array])
        }
        let mask = AxisMask(word)
        if code == .squeeze {
            if let wrong = mask.axes(rank: rank).first(where: { input[$0] != 1 }) {
                throw ArrayError(
                    .shape, name,
                    "Cannot squeeze axis \(wrong) with size \(input[wrong]) which is not equal to"
                        + " 1.", shapes: [input.array])
            }
            return try Shape(
                validating: (0..<rank).filter { !mask.contains($0) }.map { input[$0] },
                operation: name)
        }
        var old = input.array.makeIterator()
        return try Shape(
            validating: (0..<rank).map { mask.contains($0) ? 1 : old.next() ?? 1 },
            operation: name)
    }
}

extension OpCode {
    package static let expandDims = OpCode(.singleAxes)
    package static let squeeze = OpCode(.singleAxes)
    package static let regroup = OpCode(.singleAxes)
}

extension Ops {
    /// An array with new axes of size one at some places of the result (`expandDims`), or without
    /// some of its own (`squeeze`): a reshape, unless a recording goes on that is to hold for
    /// other shapes.
    /// - Parameter word: an `AxisMask` of these axes.
    package static func singleAxes(
        _ code: OpCode, _ x: MLXArray, _ word: UInt64, stream: StreamID = .unpinned
    ) -> MLXArray {
        reshape(x, by: code, Attributes(word: word), stream) { input throws(ArrayError) in
            try SingleAxes.shape(code, of: input, word)
        }
    }

    /// A reshape to lengths, to axes of the array itself (`SingleAxes.kept`) and to what these
    /// leave (-1).
    package static func regroup(
        _ x: MLXArray, _ words: [Int], stream: StreamID = .unpinned
    ) -> MLXArray {
        reshape(x, by: .regroup, Attributes(words: words), stream) { input throws(ArrayError) in
            try SingleAxes.regrouped(input, words)
        }
    }

    /// Records the operation while shapes are watched, else a reshape to what it makes of a shape.
    private static func reshape(
        _ x: MLXArray, by code: OpCode, _ attributes: @autoclosure () -> Attributes,
        _ stream: StreamID, _ shape: (Shape) throws(ArrayError) -> Shape
    ) -> MLXArray {
        if x.isShapeWatched { return record(code, [x], attributes(), stream: stream) }
        do throws(ArrayError) {
            return reshape(x, try shape(x.nodeShape).array, stream: stream)
        } catch {
            return invalid(error, inputs: [x])
        }
    }
}
