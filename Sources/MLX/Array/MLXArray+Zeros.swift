import MLXBase
import MLXGraph
import MLXMemory
import MLXOps

extension MLXArray {
    /// Zeros that exist already, instead of an operation that makes them: the first step of a
    /// training loop then has the structure, and the plan, of all later ones.
    package static func storedZeros(like array: MLXArray) -> MLXArray {
        recording([array]) { () throws(ArrayError) in
            let shape = array.nodeShape
            let buffer = try Runtime.engine.allocators[0].allocate(
                byteCount: shape.size * array.dtype.size)
            buffer.pointer.initializeMemory(
                as: UInt8.self, repeating: 0, count: shape.size * array.dtype.size)
            return MLXArray(Value(buffer: buffer, dtype: array.dtype, shape: shape))
        }
    }
}
