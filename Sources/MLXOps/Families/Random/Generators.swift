import MLXBase
import MLXGraph
import MLXKernels

/// Arrays made from numbers alone: ranges, random bits, and integers made of them.
package enum Generators {
    package static let rows: [OpRow] = [arange, randomBits, randomIntegers]

    private static let arange = OpRow(
        code: .arange, name: "arange", synopsis: "y[i] = start + i increment", arity: 0...0,
        traits: .generator, attributeNames: ["start", "increment"],
        attributeForm: .scalars, dynamicWords: .all, dtype: .told, shape: .told,
        vjp: .zero, work: OpWork(.memory) { Double($0.output.size) }, kernel: Kernels.arange,
        samples: SampleRule {
            [
                .init(
                    [],
                    Attributes(
                        words: Ops.arangeWords(start: 2, increment: 3, .float32),
                        outputShape: try! Shape(validating: [9]),
                        outputDType: .float32)),
                .init(
                    [],
                    Attributes(
                        words: Ops.arangeWords(start: 0, increment: -1, .int32),
                        outputShape: try! Shape(validating: [4]),
                        outputDType: .int32)),
            ]
        })

    private static let randomBits = OpRow(
        code: .randomBits, name: "random_bits",
        synopsis: "y = Threefry-2x32 of (key, counter)", arity: 1...1,
        traits: .generator, attributeNames: ["width"],
        attributeForm: .integer,
        dtype: DTypeRule { (context) throws(ArrayError) in
            let type = context.attributes.outputDType ?? .uint32
            guard context.dtypes[0] == .uint32, type.isUnsignedInteger || type == .bool else {
                throw context.error(.dtype, "makes \(type) of keys of \(context.dtypes[0])")
            }
            guard context.attributes.word == UInt64(type.size) else {
                throw context.error(.argument, "width \(context.attributes.word) of \(type)")
            }
            return (nil, type)
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            let (keys, shape) = (context.shapes[0], try ShapeRule.told.apply(context))
            guard keys.ndim >= 1, keys[keys.ndim - 1] == 2,
                shape.array.starts(with: keys.array.dropLast())
            else {
                throw context.error(.shape, "needs keys (…, 2), which lead the shape \(shape)")
            }
            return shape
        },
        vjp: .zero,
        vmap: .rule(BatchRules.randomBits), work: OpWork(.random) { Double($0.output.size) * 40 },
        kernel: Kernels.randomBits,
        samples: SampleRule {
            [7, 8, 1].map {
                .init(
                    [[2]],
                    Attributes(
                        word: 4, outputShape: try! Shape(validating: [$0]),
                        outputDType: .uint32),
                    fixedDTypes: [0: .uint32])
            }
        })
}

extension Generators {
    private static let randomIntegers = OpRow(
        code: .randomIntegers, name: "random_integers",
        synopsis: "y = l + ⌊(h - l) w / 2⁶⁴⌋", arity: 4...4,
        traits: .mayFail,
        dtype: DTypeRule { (context) throws(ArrayError) in
            let type = context.attributes.outputDType ?? .int64
            let bound: DType = type == .uint64 ? .uint64 : .int64
            guard type.isInteger, context.dtypes == [bound, bound, .uint32, .uint32] else {
                throw context.error(.dtype, "makes \(type) of bounds and words")
            }
            return (nil, type)
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            guard context.shapes.allSatisfy({ $0 == context.shapes[0] }) else {
                throw context.error(.shape, "needs bounds and words of one shape")
            }
            return context.shapes[0]
        },
        vjp: .zero, vmap: .rule { $0.record((0..<4).map($0.batched), $0.attributes) },
        work: OpWork(.random) { Double($0.output.size) * 4 }, kernel: Kernels.randomIntegers,
        samples: SampleRule {
            [[], [5], [3, 4]].map {
                .init(
                    [$0, $0, $0, $0], domains: [-9...0, 1...90, 0...4e9, 0...4e9],
                    fixedDTypes: [0: .int64, 1: .int64, 2: .uint32, 3: .uint32])
            }
        })
}

extension OpCode {
    package static let randomIntegers = OpCode(.generators)
    package static let arange = OpCode(.generators)
    package static let randomBits = OpCode(.generators)
}

extension Ops {
    /// The bits of start and increment in the dtype, as the words of an `arange`.
    package static func arangeWords(start: Double, increment: Double, _ dtype: DType) -> [Int] {
        [start, increment].map {
            Int(truncatingIfNeeded: Int64(bitPattern: ScalarBits.encode($0, dtype)))
        }
    }

    /// `count` numbers from `start`.
    package static func arange(
        start: Double, increment: Double, count: Int, _ dtype: DType,
        stream: StreamID = .unpinned
    ) -> MLXArray {
        do throws(ArrayError) {
            let shape = try Shape(validating: [count], operation: "arange")
            return record(
                .arange, [],
                Attributes(
                    words: arangeWords(start: start, increment: increment, dtype),
                    outputShape: shape, outputDType: dtype),
                stream: stream)
        } catch {
            return invalid(error, dtype: dtype)
        }
    }
}
