import CMLXKernels
import MLXBase

// The contract between whoever runs a plan and the kernels. A kernel gets addresses, dtypes,
// shapes and strides, a team to spread over, and flat integers for everything else. It owns
// nothing and keeps nothing. Outputs are row-major contiguous and, unless a kernel says so,
// do not overlap inputs; inputs may have any strides.

/// One array as a kernel sees it: the address of element 0 and how to walk from there.
package struct Operand {
    package var pointer: UnsafeMutableRawPointer
    package var dtype: DType
    package var shape: Shape
    /// In elements, `shape.ndim` of them; zero and negative strides are allowed.
    package var strides: UnsafePointer<Int>

    package init(
        pointer: UnsafeMutableRawPointer, dtype: DType, shape: Shape, strides: UnsafePointer<Int>
    ) {
        self.pointer = pointer
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
    }

    /// Row-major contiguous: the strides are those of the shape.
    package init(contiguous pointer: UnsafeMutableRawPointer, dtype: DType, shape: Shape) {
        self.init(
            pointer: pointer, dtype: dtype, shape: shape,
            strides: shape.rowMajorStrides.baseAddress!)
    }

    /// True when element i of the row-major walk lies at element offset i.
    package var isContiguous: Bool {
        var expected = 1
        for axis in stride(from: shape.ndim - 1, through: 0, by: -1) where shape[axis] != 1 {
            if shape[axis] == 0 { return true }
            if strides[axis] != expected { return false }
            expected *= shape[axis]
        }
        return true
    }
}

/// Memory that lives for one kernel call. One owner at a time; `reset` makes it reusable.
package final class ScratchArena {
    private var blocks: [(address: UnsafeMutableRawPointer, byteCount: Int)] = []
    private var used = 0
    private var inUse = 0

    package init() {}

    deinit {
        for block in blocks { block.address.deallocate() }
    }

    /// `byteCount` bytes, 64-byte aligned, uninitialised, valid until `reset`.
    package func take(byteCount: Int) -> UnsafeMutableRawPointer {
        let rounded = max(byteCount + 63, 64) & ~63
        while inUse < blocks.count {
            if used + rounded <= blocks[inUse].byteCount {
                defer { used += rounded }
                return blocks[inUse].address + used
            }
            inUse += 1
            used = 0
        }
        let size = max(rounded, 1 << 16)
        let address = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        blocks.append((address, size))
        used = rounded
        return address
    }

    /// Forgets what was taken. Keeps the memory, in one block when there were several.
    package func reset() {
        if blocks.count > 1 {
            let total = blocks.reduce(0) { $0 + $1.byteCount }
            for block in blocks { block.address.deallocate() }
            blocks = [(.allocate(byteCount: total, alignment: 64), total)]
        }
        used = 0
        inUse = 0
    }
}

/// One invocation of a kernel.
package struct KernelCall {
    package let outputs: UnsafeBufferPointer<Operand>
    package let inputs: UnsafeBufferPointer<Operand>
    package let attributes: UnsafeBufferPointer<Int>
    /// What it runs on.
    package let device: DeviceTraits
    package let fanOut: any FanOut
    package let arena: ScratchArena
    /// What no number can say; nil for all but a few operations.
    package let object: (any AnyObject & Sendable)?

    package init(
        outputs: UnsafeBufferPointer<Operand>, inputs: UnsafeBufferPointer<Operand>,
        attributes: UnsafeBufferPointer<Int>, device: DeviceTraits, fanOut: any FanOut,
        arena: ScratchArena, object: (any AnyObject & Sendable)? = nil
    ) {
        self.outputs = outputs
        self.inputs = inputs
        self.attributes = attributes
        self.device = device
        self.fanOut = fanOut
        self.arena = arena
        self.object = object
    }

    /// How the device cuts work into chunks.
    var grain: Grain { device.grain }

    /// Memory for this call, 64-byte aligned, uninitialised.
    package func scratch(byteCount: Int) -> UnsafeMutableRawPointer {
        arena.take(byteCount: byteCount)
    }
}

/// A kernel as the op table holds it.
package typealias Kernel = @Sendable (borrowing KernelCall) throws(ArrayError) -> Void

/// The kernels: one function for each computation, told by its call which device it runs on.
package enum Kernels {}
