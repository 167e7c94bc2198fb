import MLXBase
import MLXGraph
import MLXMemory

/// Bytes in and out of arrays without going through an engine.
extension Tracked {
    /// An evaluated array with the given contents.
    package static func leaf(
        _ contents: Dense, from allocator: SlabAllocator
    ) throws(ArrayError) -> Tracked {
        Tracked(try contents.array(from: allocator), contents)
    }

    /// What differs from the reference; nil when all is as it must be.
    package var difference: String? {
        guard let value = array.value else { return "has no value" }
        return expected.difference(from: value)
    }
}

extension Dense {
    package func array(from allocator: SlabAllocator) throws(ArrayError) -> MLXArray {
        let buffer = try allocator.allocate(byteCount: values.count * 4)
        let target = buffer.pointer.assumingMemoryBound(to: Float.self)
        for (index, value) in values.enumerated() { target[index] = value }
        let shape = try Shape(validating: shape)
        return MLXArray(Value(buffer: buffer, dtype: .float32, shape: shape))
    }

    package init(_ value: Value) {
        let strides = value.strides
        self.init(shape: value.shape.array) { index in
            let offset = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
            return value.pointer.load(fromByteOffset: offset * 4, as: Float.self)
        }
    }

    package func difference(from value: Value) -> String? {
        guard value.dtype == .float32 else { return "has dtype \(value.dtype)" }
        let found = Dense(value)
        if found.shape != shape { return "has shape \(found.shape), not \(shape)" }
        for (index, pair) in zip(found.values, values).enumerated() where pair.0 != pair.1 {
            return "is \(pair.0) at \(index), not \(pair.1), in shape \(shape)"
        }
        return nil
    }
}
