import CMLXKernels
import Foundation
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps

/// Calls kernels without an engine: on any device, at any instruction-set level, with one thread or
/// two.
struct KernelRun {
    var device: DeviceTraits
    var level: Int32
    var threads: Int
    var layout = KernelLayout.rowMajor

    var description: String {
        "\(device.name) \(device.products), level \(level), \(threads) threads, \(layout)"
    }

    /// The kernel's result.
    func call(
        _ kernel: Kernel, _ inputs: [StoredTensor], into out: StoredTensor,
        _ attributes: Attributes
    ) throws {
        mlx_override_level(level)
        defer { mlx_override_level(-1) }
        let words =
            attributes.words.isEmpty ? [Int(bitPattern: UInt(attributes.word))] : attributes.words
        let fanOut: any FanOut = threads == 1 ? SerialFanOut() : TwoThreads(level: level)
        let arena = ScratchArena()
        let operands = inputs.map(\.operand)
        let failure: ArrayError? = operands.withUnsafeBufferPointer { operands in
            words.withUnsafeBufferPointer { words in
                withUnsafePointer(to: out.operand) { out in
                    let call = KernelCall(
                        outputs: UnsafeBufferPointer(start: out, count: 1), inputs: operands,
                        attributes: words, device: device, fanOut: fanOut, arena: arena,
                        object: attributes.object)
                    do throws(ArrayError) { try kernel(call) } catch { return error }
                    return nil
                }
            }
        }
        if let failure { throw failure }
    }
}

/// Two threads, each with every other chunk, both at one level.
final class TwoThreads: FanOut {
    private let level: Int32

    init(level: Int32) { self.level = level }

    var width: Int { 2 }

    func run(chunks: Int, nanoseconds: Int, _ body: (Int) -> Void) {
        if chunks == 1 { return body(0) }
        // SAFETY: chunks write disjoint memory, and all are done before this returns.
        nonisolated(unsafe) let body = body
        let level = level
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            mlx_override_level(level)
            for chunk in stride(from: 1 - thread, to: chunks, by: 2) { body(chunk) }
            mlx_override_level(-1)
        }
        // The caller was one of the threads.
        mlx_override_level(level)
    }
}

/// How an input of a kernel lies in memory.
enum KernelLayout: Int, CaseIterable {
    case rowMajor, reversedAxes, spread, backwards

    func strides(_ shape: [Int]) -> [Int] {
        var rowMajor = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            rowMajor[axis] = rowMajor[axis + 1] * max(shape[axis + 1], 1)
        }
        switch self {
        case .rowMajor: return rowMajor
        case .spread: return rowMajor.map { $0 * 3 }
        case .backwards: return rowMajor.map { -$0 }
        case .reversedAxes:
            var strides = rowMajor
            var step = 1
            for axis in shape.indices {
                strides[axis] = step
                step *= max(shape[axis], 1)
            }
            return strides
        }
    }
}

/// A tensor in memory, in a dtype and a layout.
final class StoredTensor {
    let operand: Operand
    private let memory: UnsafeMutableRawPointer
    private let strides: UnsafeMutablePointer<Int>

    init(_ tensor: Tensor, _ dtype: DType, _ layout: KernelLayout = .rowMajor) throws {
        let steps = layout.strides(tensor.shape)
        let reach = zip(tensor.shape, steps).map { max($0 - 1, 0) * $1 }
        let (low, high) = (
            reach.reduce(0) { $0 + min($1, 0) }, reach.reduce(0) { $0 + max($1, 0) }
        )
        let byteCount = (high - low + 1) * dtype.size
        memory = .allocate(byteCount: byteCount + 64, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0x5A, count: byteCount + 64)
        strides = .allocate(capacity: max(steps.count, 1))
        for (axis, step) in steps.enumerated() { strides[axis] = step }
        operand = Operand(
            pointer: memory - low * dtype.size, dtype: dtype,
            shape: try Shape(validating: tensor.shape), strides: strides)
        let cast = mlx_cast_fn(Int32(DType.float64.rawValue), Int32(dtype.rawValue))!
        for (position, value) in tensor.values.enumerated() {
            var number = value
            cast(address(position), &number, nil, nil, 1)
        }
    }

    deinit {
        memory.deallocate()
        strides.deallocate()
    }

    private func address(_ position: Int) -> UnsafeMutableRawPointer {
        let index = Tensor.index(position, operand.shape.array)
        let offset = index.enumerated().reduce(0) { $0 + $1.element * strides[$1.offset] }
        return operand.pointer + offset * operand.dtype.size
    }

    /// The elements as numbers; the real parts of complex ones.
    var tensor: Tensor {
        let cast = mlx_cast_fn(Int32(operand.dtype.rawValue), Int32(DType.float64.rawValue))!
        return Tensor(operand.shape.array) { position in
            var number = 0.0
            cast(&number, address(position), nil, nil, 1)
            return number
        }
    }

    /// Writes over a row-major tensor, so that what a kernel leaves out is seen.
    func scramble() {
        operand.pointer.initializeMemory(
            as: UInt8.self, repeating: 0x5A, count: operand.shape.size * operand.dtype.size)
    }

    /// The bytes of a row-major tensor.
    var bytes: [UInt8] {
        Array(
            UnsafeRawBufferPointer(
                start: operand.pointer, count: operand.shape.size * operand.dtype.size))
    }
}
