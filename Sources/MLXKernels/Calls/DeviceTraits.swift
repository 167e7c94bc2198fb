import MLXBase

// A device as kernels know it: a value of what it does differently, handed to them with each call.

/// What multiplies matrices on a device.
package enum ProductEngine: String, Sendable, CaseIterable {
    /// OpenBLAS, tile by tile, and LAPACK.
    case openBLAS
    /// Micro-kernels of our own on packed panels.
    case packed
    /// Integers of eight bits with a scale for each row.
    case int8
}

/// How work is cut into chunks. All of it depends on shapes alone, so the bits of a result do not
/// depend on how many threads there are.
package struct Grain: Sendable {
    /// How much of a memory-bound kernel's output one chunk covers.
    package var byteCount: Int
    /// Elements of one block of a tape, at least.
    package var tapeElements: Int
    /// Blocks that a tape is cut into, at most.
    package var tapeBlocks: Int
    /// Queries that attention holds against one block of keys.
    package var queryBlock: Int
    /// Keys of one block of attention.
    package var keyBlock: Int
    /// Bytes that are read from a file at once.
    package var loadByteCount: Int

    package init(
        byteCount: Int, tapeElements: Int, tapeBlocks: Int, queryBlock: Int, keyBlock: Int,
        loadByteCount: Int
    ) {
        self.byteCount = byteCount
        self.tapeElements = tapeElements
        self.tapeBlocks = tapeBlocks
        self.queryBlock = queryBlock
        self.keyBlock = keyBlock
        self.loadByteCount = loadByteCount
    }

    /// Blocks that fill a second-level cache: few hand-overs, and small work stays on its caller.
    package static let coarse = Grain(
        byteCount: 1 << 18, tapeElements: 1 << 16, tapeBlocks: 16, queryBlock: 96, keyBlock: 256,
        loadByteCount: 4 << 20)

    /// A grid of small blocks of fixed size that many threads take as they come.
    package static let fine = Grain(
        byteCount: 1 << 16, tapeElements: 1 << 14, tapeBlocks: .max, queryBlock: 48,
        keyBlock: 128, loadByteCount: 1 << 20)

    /// Items per chunk, at least one.
    func items(ofBytes bytes: Int) -> Int { max(1, byteCount / max(bytes, 1)) }

    /// Elements of one block of a tape.
    func tapeBlock(of count: Int) -> Int { max(tapeElements, (count - 1) / tapeBlocks + 1) }
}

/// What kernels know of the device they run on. Devices that differ in nothing else run the same
/// functions; what a device does differently is said here, and nothing asks for its name.
package struct DeviceTraits: Sendable {
    package let name: StaticString
    package let products: ProductEngine
    package let grain: Grain
    /// Whether it runs every kernel and tape, or only those made for its engine of products.
    package let isGeneral: Bool
    /// For people: what the device is good at.
    package let summary: StaticString

    package init(
        name: StaticString, products: ProductEngine, grain: Grain, isGeneral: Bool = true,
        summary: StaticString = ""
    ) {
        self.name = name
        self.products = products
        self.grain = grain
        self.isGeneral = isGeneral
        self.summary = summary
    }

    package static let cpu = DeviceTraits(
        name: "cpu", products: .openBLAS, grain: .coarse,
        summary: "OpenBLAS, cache-blocked loops")
    package static let gpu = DeviceTraits(
        name: "gpu", products: .packed, grain: .fine, summary: "SIMD grids of blocks, fused")
    package static let npu = DeviceTraits(
        name: "npu", products: .int8, grain: .fine, isGeneral: false,
        summary: "int8 products with per-row scales")
}
