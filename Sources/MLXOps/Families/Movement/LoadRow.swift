import MLXBase
import MLXGraph
import MLXKernels

/// The row of arrays whose elements are read when they are wanted. A node of it has no inputs; what
/// it reads from hangs on it as an object, so plans are shared between loads of one shape and a run
/// takes the object of its own node. It is a constant to every transform.
package enum LoadRow {
    package static let rows: [OpRow] = [
        OpRow(
            code: .load, name: "load", synopsis: "y = elements stored elsewhere", arity: 0...0,
            traits: [.generator, .mayFail, .needsObject], dtype: .told,
            shape: ShapeRule { (context) throws(ArrayError) in
                let shape = try ShapeRule.told.apply(context)
                guard let source = context.attributes.object as? any LoadSource else {
                    throw context.error(.argument, "was given nothing to read from")
                }
                let dtype = try context.row.dtype.apply(context).1
                guard source.byteCount == shape.size * dtype.size else {
                    throw context.error(
                        .shape, "\(source.byteCount) bytes do not make \(dtype) of shape \(shape)")
                }
                return shape
            },
            vjp: .zero, work: .memory, kernel: Kernels.load,
            samples: SampleRule {
                [[6], [2, 3], [], [0, 4]].map { dims in
                    let shape = try! Shape(validating: dims)
                    return .init(
                        [],
                        Attributes(
                            outputShape: shape, outputDType: .float32,
                            object: LoadedNumbers(shape.size)))
                }
            })
    ]
}

extension OpCode {
    package static let load = OpCode(.load)
}

extension Ops {
    /// An array that is read from `source` when it is evaluated.
    package static func load(
        _ source: any LoadSource, _ shape: Shape, _ dtype: DType, stream: StreamID = .unpinned
    ) -> MLXArray {
        record(
            .load, [], Attributes(outputShape: shape, outputDType: dtype, object: source),
            stream: stream)
    }
}

/// The numbers 0, 1, 2, … in float32: what the row's samples read.
package final class LoadedNumbers: LoadSource {
    package let byteCount: Int
    package let isDivisible = true

    package init(_ count: Int) { byteCount = count * 4 }

    package func read(
        at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        for index in 0..<destination.count / 4 {
            destination.storeBytes(
                of: Float(byteOffset / 4 + index), toByteOffset: index * 4, as: Float.self)
        }
    }
}
