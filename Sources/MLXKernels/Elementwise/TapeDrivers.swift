import CMLXKernels
import MLXBase

/// A tape with its addresses filled in, ready to run over its elements.
package struct TapeLaunch {
    package let steps: UnsafeBufferPointer<mlx_tape_step>
    package let operands: UnsafePointer<mlx_tape_operand>
    package let operandCount: Int
    package let slotCount: Int
    package let elementCount: Int
    /// Estimated time of the whole tape on one thread.
    package let nanoseconds: Int
    package let device: DeviceTraits

    package init(
        steps: UnsafeBufferPointer<mlx_tape_step>, operands: UnsafePointer<mlx_tape_operand>,
        operandCount: Int, slotCount: Int, elementCount: Int, nanoseconds: Int,
        device: DeviceTraits
    ) {
        self.steps = steps
        self.operands = operands
        self.operandCount = operandCount
        self.slotCount = slotCount
        self.elementCount = elementCount
        self.nanoseconds = nanoseconds
        self.device = device
    }

    /// How many blocks there are at least where each takes so long and has so many elements.
    private static let (fewBlocks, blockNanoseconds, leastElements) = (16, 5_000, 1_024)

    /// Runs elements `begin ..< end` on the calling thread. A tape gives the same bits however
    /// its elements are divided.
    package func run(_ begin: Int, _ end: Int) {
        let byteCount = mlx_tape_scratch_bytes(operandCount, slotCount)
        let scratch = mlx_thread_scratch(byteCount)!.assumingMemoryBound(to: CChar.self)
        mlx_tape_run(
            steps.baseAddress, steps.count, operands, operandCount, scratch, begin, end)
    }

    /// Divides the elements into the device's blocks and runs them over the team: smaller ones
    /// where there would be few, and an element takes long.
    package func run(over fanOut: any FanOut) {
        var blockSize = device.grain.tapeBlock(of: elementCount)
        let most = min(TapeLaunch.fewBlocks, elementCount / TapeLaunch.leastElements)
        let wanted = min(most, nanoseconds / TapeLaunch.blockNanoseconds)
        if elementCount < blockSize * wanted { blockSize = (elementCount + wanted - 1) / wanted }
        if elementCount <= blockSize { return run(0, elementCount) }
        let blocks = (elementCount + blockSize - 1) / blockSize
        fanOut.run(chunks: blocks, nanoseconds: nanoseconds) { block in
            run(block * blockSize, Swift.min((block + 1) * blockSize, elementCount))
        }
    }
}
