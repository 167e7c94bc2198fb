import MLXBase
import MLXFormats
import MLXGraph
import MLXKernels
import MLXMemory
import MLXOps

// From tensors in files to arrays. An array is a `load` node that holds its tensor; the bytes are
// read by the node's kernel, so casts, slices and quantized layers on top of it stay lazy too, and
// a file that vanishes is an error of the evaluation.

/// A tensor of a file as a kernel reads it. It holds the open file, which all tensors of the file
/// share.
final class FileTensor: LoadSource {
    private let tensor: StoredTensor

    init(_ tensor: StoredTensor) { self.tensor = tensor }

    var byteCount: Int { tensor.description.byteCount }
    var isDivisible: Bool { tensor.source.isDivisible }

    func read(
        at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        do throws(ArrayError) {
            try tensor.read(at: byteOffset, into: destination)
        } catch {
            let name = tensor.description.name
            if name.isEmpty { throw error }
            throw ArrayError(error.kind, "load", "tensor '\(name)' of \(error.message)")
        }
    }
}

/// Arrays for all tensors of a file, or none.
func loadedTensors(
    _ tensors: [StoredTensor], _ stream: StreamOrDevice = .default
) throws(ArrayError) -> [String: MLXArray] {
    var arrays: [String: MLXArray] = [:]
    arrays.reserveCapacity(tensors.count)
    for tensor in tensors { arrays[tensor.description.name] = try loaded(tensor, stream) }
    return arrays
}

/// An array that is read when it is evaluated.
package func loaded(
    _ tensor: StoredTensor, _ stream: StreamOrDevice = .default
) throws(ArrayError) -> MLXArray {
    let array = Ops.load(
        FileTensor(tensor), try rowMajorShape(tensor.description), tensor.description.dtype,
        stream: stream.id)
    return tensor.description.fortranOrder ? transposed(array, stream: stream) : array
}

/// Arrays that are read now, into buffers that all devices share: all, or none.
func readTensors(_ tensors: [StoredTensor]) throws(ArrayError) -> [String: MLXArray] {
    var arrays: [String: MLXArray] = [:]
    for tensor in tensors {
        let description = tensor.description
        let shape = try rowMajorShape(description)
        let buffer = try Runtime.engine.allocators[0].allocate(byteCount: description.byteCount)
        try tensor.read(
            into: UnsafeMutableRawBufferPointer(
                start: buffer.pointer, count: description.byteCount))
        let array = MLXArray(Value(buffer: buffer, dtype: description.dtype, shape: shape))
        arrays[description.name] = description.fortranOrder ? transposed(array) : array
    }
    return arrays
}

/// The shape of the elements as they lie in the file.
private func rowMajorShape(_ description: TensorDescription) throws(ArrayError) -> Shape {
    try Shape(
        validating: description.fortranOrder ? description.shape.reversed() : description.shape,
        operation: "load")
}
