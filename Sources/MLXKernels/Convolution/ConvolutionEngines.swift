import CMLXKernels
import MLXBase

/// How each engine multiplies the tiles of a convolution, and the kernels themselves. Complex
/// convolutions are four real ones: all three operations are bilinear.
private enum BLASEngine: Convolution.Engine {
    /// OpenBLAS packs the weights anew for each tile, so tiles are large.
    static var tileLength: Int { 1 << 18 }
    static var readsRows: Bool { false }

    static func prepare(
        _ b: MatrixView, _ call: borrowing KernelCall
    ) -> UnsafeMutableRawPointer? { nil }

    static func multiply(
        _ a: MatrixView, _ b: MatrixView, _ prepared: UnsafeMutableRawPointer?, _ c: MatrixView
    ) {
        if a.columns == 0 { return clear(c) }
        BLAS.multiply(a, b, c)
    }

    static func accumulate(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer
    ) {
        BLAS.multiply(a, b, c, accumulate: true)
    }

    static func accumulateBytes(
        _ rows: Int, _ columns: Int, _ depth: Int, _ dtype: DType
    ) -> Int { 0 }
}

private enum PackedEngine: Convolution.Engine {
    /// Patches fit the second-level cache, beside panels of the weights.
    static var tileLength: Int { 1 << 17 }
    static var readsRows: Bool { true }

    static func prepare(_ b: MatrixView, _ call: borrowing KernelCall) -> UnsafeMutableRawPointer? {
        let packed = PackedProduct(b.dtype)
        let panels = call.scratch(byteCount: packed.rightBytes(b.columns, b.rows))
        packed.packRight(b, into: panels, call.fanOut)
        return panels
    }

    static func multiply(
        _ a: MatrixView, _ b: MatrixView, _ prepared: UnsafeMutableRawPointer?, _ c: MatrixView
    ) {
        if a.columns == 0 { return clear(c) }
        let packed = PackedProduct(c.dtype)
        packed.multiply(
            // Rows of patches are contiguous.
            left: packed.leftInPlace(a)!, right: packed.rightPanels(prepared!, a.columns), out: c,
            depth: a.columns, serial)
    }

    static func accumulate(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer
    ) {
        PackedProduct(c.dtype).run(a, b, c, scratch: scratch, accumulate: true, serial)
    }

    static func accumulateBytes(
        _ rows: Int, _ columns: Int, _ depth: Int, _ dtype: DType
    ) -> Int { PackedProduct(dtype).scratchBytes(rows, columns, depth) }
}

/// Tiles are computed on the thread that claimed them.
let serial = SerialFanOut()

/// A phase without taps contributes zeros.
private func clear(_ c: MatrixView) {
    for row in 0..<c.rows {
        c.address(row, 0).initializeMemory(
            as: UInt8.self, repeating: 0, count: c.columns * c.dtype.size)
    }
}

/// (a + ib)(c + id) for any bilinear kernel.
private func complex(
    _ call: borrowing KernelCall, _ kernel: (borrowing KernelCall) -> Void
) {
    if call.outputs[0].dtype != .complex64 { return kernel(call) }
    func part(_ x: Operand, _ index: Int) -> Operand {
        let copy = Operand(
            contiguous: call.scratch(byteCount: x.shape.size * 4), dtype: .float32, shape: x.shape)
        StridedCopy.run(
            dims: x.shape.array, to: copy.pointer, copy.stridesArray, from: x.pointer + 4 * index,
            x.stridesArray.map { $0 * 2 }, itemSize: 4, call.fanOut, call.grain)
        return copy
    }
    let left = [part(call.inputs[0], 0), part(call.inputs[0], 1)]
    let right = [part(call.inputs[1], 0), part(call.inputs[1], 1)]
    let out = call.outputs[0]
    var products: [UnsafeMutablePointer<Float>] = []
    for (a, b) in [(0, 0), (1, 1), (0, 1), (1, 0)] {
        let target = Operand(
            contiguous: call.scratch(byteCount: out.shape.size * 4), dtype: .float32,
            shape: out.shape)
        withUnsafePointer(to: target) { outputs in
            [left[a], right[b]].withUnsafeBufferPointer { inputs in
                kernel(
                    KernelCall(
                        outputs: UnsafeBufferPointer(start: outputs, count: 1), inputs: inputs,
                        attributes: call.attributes, device: call.device,
                        fanOut: call.fanOut, arena: call.arena))
            }
        }
        products.append(target.pointer.assumingMemoryBound(to: Float.self))
    }
    let values = out.pointer.assumingMemoryBound(to: Float.self)
    for i in 0..<out.shape.size {
        values[2 * i] = products[0][i] - products[1][i]
        values[2 * i + 1] = products[2][i] + products[3][i]
    }
}

extension ProductEngine {
    /// What multiplies the tiles of a convolution.
    fileprivate var tiles: any Convolution.Engine.Type {
        self == .openBLAS ? BLASEngine.self : PackedEngine.self
    }
}

extension Kernels {
    package static func conv2d(_ call: borrowing KernelCall) throws(ArrayError) {
        let tiles = call.device.products.tiles
        complex(call) { Convolution.forward(tiles, $0) }
    }
    package static func convInputGradient(_ call: borrowing KernelCall) throws(ArrayError) {
        let tiles = call.device.products.tiles
        complex(call) { Convolution.inputGradient(tiles, $0) }
    }
    package static func convWeightGradient(_ call: borrowing KernelCall) throws(ArrayError) {
        let tiles = call.device.products.tiles
        complex(call) { Convolution.weightGradient(tiles, $0) }
    }
}
