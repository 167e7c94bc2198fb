import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import MLXRuntime
import Testing

/// Shared by the suites: an engine of its own, arrays from literals, values back.
let engine = Engine(Engine.Configuration(topology: .system()))

func array(_ values: [Float], _ shape: [Int]) -> MLXArray {
    let buffer = try! engine.allocators[0].allocate(byteCount: values.count * 4)
    values.withUnsafeBytes {
        if $0.count > 0 {
            buffer.pointer.copyMemory(from: $0.baseAddress!, byteCount: $0.count)
        }
    }
    return MLXArray(
        Value(buffer: buffer, dtype: .float32, shape: try! Shape(validating: shape)))
}

func values(_ x: MLXArray, on engine: Engine = engine) throws -> [Float] {
    let dense = Ops.unary(.copy, x)
    try engine.evaluateBlocking(.init(roots: [x, dense]))
    let value = try #require(x.value)
    var result: [Float] = []
    let strides = value.strides
    for index in 0..<value.shape.size {
        var rest = index
        var offset = 0
        for axis in (0..<value.shape.ndim).reversed() {
            offset += rest % value.shape[axis] * strides[axis]
            rest /= value.shape[axis]
        }
        result.append(value.pointer.load(fromByteOffset: offset * 4, as: Float.self))
    }
    return result
}
