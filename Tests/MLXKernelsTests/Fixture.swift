import MLXBase

@testable import MLXKernels

/// An array for tests: values in row-major order, held under any layout.
final class TestArray {
    let operand: Operand
    private let storage: UnsafeMutableRawPointer
    private let strides: UnsafeMutablePointer<Int>

    init(_ dims: [Int], _ dtype: DType, strides given: [Int]? = nil, _ value: (Int) -> Double) {
        let shape = try! Shape(validating: dims)
        let layout = given ?? Array(shape.rowMajorStrides)
        var (low, high) = (0, 0)
        for (dim, stride) in zip(dims, layout) where dim > 0 {
            low += min(0, (dim - 1) * stride)
            high += max(0, (dim - 1) * stride)
        }
        let count = shape.size == 0 ? 1 : high - low + 1
        storage = .allocate(byteCount: count * dtype.size + 64, alignment: 64)
        storage.initializeMemory(as: UInt8.self, repeating: 0, count: count * dtype.size)
        strides = .allocate(capacity: max(dims.count, 1))
        for (axis, stride) in layout.enumerated() { strides[axis] = stride }
        operand = Operand(
            pointer: storage + -low * dtype.size, dtype: dtype, shape: shape, strides: strides)
        for index in 0..<shape.size {
            var number = value(index)
            castLoop(.float64, dtype)(operand.address(offset(index)), &number, nil, nil, 1)
        }
    }

    deinit {
        storage.deallocate()
        strides.deallocate()
    }

    private func offset(_ index: Int) -> Int {
        var (rest, offset) = (index, 0)
        for axis in (0..<operand.shape.ndim).reversed() {
            offset += rest % operand.shape[axis] * operand.strides[axis]
            rest /= operand.shape[axis]
        }
        return offset
    }

    /// The elements as numbers, in row-major order.
    var values: [Double] {
        (0..<operand.shape.size).map { index in
            var number = 0.0
            castLoop(operand.dtype, .float64)(&number, operand.address(offset(index)), nil, nil, 1)
            return number
        }
    }
}

/// Several chunks at once in a fixed, odd order: what depends on order shows.
final class ShuffledFanOut: FanOut {
    var width: Int { 3 }
    func run(chunks: Int, nanoseconds: Int, _ body: (Int) -> Void) {
        for chunk in stride(from: 1, to: chunks, by: 2) { body(chunk) }
        for chunk in stride(from: 0, to: chunks, by: 2) { body(chunk) }
    }
}

/// Runs a kernel on test arrays and returns the output.
func run(
    _ kernel: Kernel, _ dims: [Int], _ dtype: DType, _ inputs: [TestArray],
    _ attributes: [Int] = [], device: DeviceTraits = .cpu,
    on fanOut: any FanOut = ShuffledFanOut()
) throws(ArrayError) -> TestArray {
    let out = TestArray(dims, dtype) { _ in 0 }
    let (outputs, operands) = ([out.operand], inputs.map(\.operand))
    let arena = ScratchArena()
    var failure: ArrayError?
    outputs.withUnsafeBufferPointer { outputs in
        operands.withUnsafeBufferPointer { operands in
            attributes.withUnsafeBufferPointer { attributes in
                let call = KernelCall(
                    outputs: outputs, inputs: operands, attributes: attributes, device: device,
                    fanOut: fanOut, arena: arena)
                do throws(ArrayError) { try kernel(call) } catch { failure = error }
            }
        }
    }
    if let failure { throw failure }
    return out
}

/// Row-major index arithmetic of the naive references.
func unravel(_ index: Int, _ dims: [Int]) -> [Int] {
    var rest = index
    return dims.reversed().map { dim in
        defer { rest /= dim }
        return rest % dim
    }.reversed()
}

func ravel(_ position: [Int], _ dims: [Int]) -> Int {
    zip(position, dims).reduce(0) { $0 * $1.1 + $1.0 }
}

/// Cycles through small numbers with both signs.
func pattern(_ index: Int) -> Double { Double((index * 7919) % 23) - 11 }

func isClose(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-5) -> Bool {
    a.count == b.count
        && zip(a, b).allSatisfy {
            ($0.isNaN && $1.isNaN) || $0 == $1
                || abs($0 - $1) <= tolerance * max(1, abs($1))
        }
}

/// What runs every kernel: the two devices, and one that cuts work into very small chunks.
let generalDevices: [DeviceTraits] = [
    .cpu, .gpu,
    DeviceTraits(
        name: "tiny", products: .packed,
        grain: Grain(
            byteCount: 64, tapeElements: 16, tapeBlocks: .max, queryBlock: 10, keyBlock: 16,
            loadByteCount: 64)),
]

/// The bytes of a contiguous result.
func bits(_ array: TestArray) -> [UInt8] {
    Array(
        UnsafeRawBufferPointer(
            start: array.operand.pointer,
            count: array.operand.shape.size * array.operand.dtype.size))
}
