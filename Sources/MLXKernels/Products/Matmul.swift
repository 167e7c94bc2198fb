import CMLXKernels
import COpenBLAS
import MLXBase

/// Matrix products over the last two axes with broadcast batch axes. Inputs: A (…, M, K) and
/// B (…, K, N) of the output's dtype (an inexact one), any strides. No attributes. K = 0 gives
/// zeros. NUMERICS: half types accumulate in float32 and round once; complex products are four
/// real ones. The tile grid is a function of M, N, K and the dtype.
enum Matmul {

    /// Small products run on one thread and go straight to the general kernel, alone as in a
    /// batch: so each has the bits that it has alone, and many run side by side.
    static func isSmall(_ product: MatrixProduct) -> Bool {
        let out = product.out
        return product.operations <= (out.rows == 1 || out.columns == 1 ? 1 << 12 : 1 << 18)
    }

    /// Products of a batch that run one to a thread instead of one over all threads; each is cut
    /// into the tiles that it has alone.
    static func runsSideBySide(_ product: MatrixProduct) -> Bool {
        let out = product.out
        let isVector = out.dtype == .float64 && (out.rows == 1 || out.columns == 1)
        return product.count > 1 && product.operations <= 1 << 22 && !isVector
    }

    static func isEmpty(_ call: borrowing KernelCall) -> Bool {
        let out = call.outputs[0]
        if out.shape.size == 0 { return true }
        if call.inputs[0].shape[call.inputs[0].shape.ndim - 1] > 0 { return false }
        var zero: UInt64 = 0
        Movement.fill(out, with: &zero, call.fanOut, call.grain)
        return true
    }

    /// A float32 matrix of the output's shape to compute in when the output is a half.
    static func target(_ out: MatrixView, _ call: borrowing KernelCall) -> MatrixView {
        guard out.dtype.isHalf else { return out }
        var wide = out
        wide.dtype = .float32
        wide.pointer = call.scratch(byteCount: out.rows * out.columns * 4)
        return wide
    }

    static func finish(_ wide: MatrixView, _ out: MatrixView, _ call: borrowing KernelCall) {
        if wide.dtype == out.dtype { return }
        let narrow = castLoop(wide.dtype, out.dtype)
        call.fanOut.forRanges(out.rows * out.columns, size: 1 << 15, picosecondsPerItem: 500) {
            narrow(
                out.pointer + $0.lowerBound * out.dtype.size,
                wide.pointer + $0.lowerBound * wide.dtype.size, nil, nil, $0.count)
        }
    }

    /// Products with few rows or one column, on either engine; false for what is for the general
    /// product.
    static func skinny(_ product: MatrixProduct, _ call: borrowing KernelCall) -> Bool {
        guard !isSmall(product),
            let skinny = SkinnyProduct(product.left, product.right, product.out)
        else { return false }
        if runsSideBySide(product) && skinny.scratchBytes <= 4 << 20 {
            sideBySide(product, scratchBytes: skinny.scratchBytes, call) { a, b, c, scratch in
                skinny.run(a, b, c, scratch: scratch, SerialFanOut())
            }
            return true
        }
        let scratch = call.scratch(byteCount: skinny.scratchBytes)
        for index in 0..<product.count {
            let (a, b, c) = product.item(index)
            skinny.run(a, b, c, scratch: scratch, call.fanOut)
        }
        return true
    }

    /// Each product of a batch on one thread, several at once, with scratch of that thread's.
    static func sideBySide(
        _ product: MatrixProduct, scratchBytes: Int, _ call: borrowing KernelCall,
        _ body: (MatrixView, MatrixView, MatrixView, UnsafeMutableRawPointer) -> Void
    ) {
        call.fanOut.forRanges(
            product.count, size: max(1, (1 << 18) / max(product.operations, 1)),
            picosecondsPerItem: product.operations * 25
        ) { range in
            // SAFETY: the scratch is this thread's and used by this chunk alone.
            let scratch = mlx_thread_scratch(max(scratchBytes, 64))!
            for index in range {
                let (a, b, c) = product.item(index)
                body(a, b, c, scratch)
            }
        }
    }

    /// One row or one column of float64.
    static func vector(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ call: borrowing KernelCall
    ) -> Bool {
        if c.rows == 1 {
            return VectorProduct.run(b.transposed, a.pointer, a.columnStride, c.pointer, call)
        }
        return c.columns == 1 && VectorProduct.run(a, b.pointer, b.rowStride, c.pointer, call)
    }
}

extension ProductEngine {
    /// The product of matrices, for kernels that are made of products.
    package var matmul: Kernel { self == .openBLAS ? Kernels.matmulBLAS : Kernels.matmul }
}

extension Kernels {
    /// On packed panels, with our own micro-kernels.
    package static func matmul(_ call: borrowing KernelCall) throws(ArrayError) {
        if Matmul.isEmpty(call) { return }
        let product = MatrixProduct(call)
        let out = product.out
        if out.dtype == .complex64 { return complexMatmul(product, call) }
        let packed = PackedProduct(of: out.dtype)
        if !packed.readsInPlace(product), Matmul.skinny(product, call) { return }
        if out.dtype == .float32 && Matmul.isSmall(product) { return small(product, call) }
        let bytes = packed.scratchBytes(out.rows, out.columns, product.left.columns)
        if Matmul.isSmall(product) || Matmul.runsSideBySide(product) && bytes <= 4 << 20 {
            return smallBatch(product, packed, bytes, call)
        }
        for index in 0..<product.count {
            let (a, b, c) = product.item(index)
            let wide = Matmul.target(c, call)
            if !Matmul.vector(a, b, wide, call) {
                packed.run(a, b, wide, scratch: call.scratch(byteCount: bytes), call.fanOut)
            }
            Matmul.finish(wide, c, call)
        }
    }

    /// Products that fit the first-level cache are not packed.
    private static func small(_ product: MatrixProduct, _ call: borrowing KernelCall) {
        let bytes = product.left.columns * mlx_skinny_width() * 4
        Matmul.sideBySide(product, scratchBytes: bytes, call) { a, b, c, scratch in
            mlx_small_product(
                c.pointer.assumingMemoryBound(to: Float.self), c.rowStride,
                a.pointer.assumingMemoryBound(to: Float.self), a.rowStride, a.columnStride,
                b.pointer.assumingMemoryBound(to: Float.self), b.rowStride, b.columnStride,
                c.rows, c.columns, a.columns, scratch.assumingMemoryBound(to: Float.self))
        }
    }

    /// Each product on one thread, several at once.
    private static func smallBatch(
        _ product: MatrixProduct, _ packed: PackedProduct, _ bytes: Int,
        _ call: borrowing KernelCall
    ) {
        let out = product.out
        let wideBytes = out.dtype.isHalf ? (out.rows * out.columns * 4 + 63) & ~63 : 0
        let narrow = castLoop(.float32, out.dtype)
        Matmul.sideBySide(product, scratchBytes: wideBytes + bytes, call) { a, b, c, scratch in
            var wide = c
            if wideBytes > 0 { (wide.dtype, wide.pointer) = (.float32, scratch) }
            packed.run(a, b, wide, scratch: scratch + wideBytes, SerialFanOut())
            if wideBytes > 0 { narrow(c.pointer, scratch, nil, nil, out.rows * out.columns) }
        }
    }

    /// (A + iB)(C + iD) by four float32 products on the interleaved parts.
    private static func complexMatmul(_ product: MatrixProduct, _ call: borrowing KernelCall) {
        let packed = PackedProduct(.float32)
        let (rows, columns) = (product.out.rows, product.out.columns)
        let depth = product.left.columns
        let scratch = call.scratch(byteCount: packed.scratchBytes(rows, columns, depth))
        let parts = (0..<4).map { _ in call.scratch(byteCount: rows * columns * 4) }
        for index in 0..<product.count {
            let (a, b, c) = product.item(index)
            for (part, pointer) in parts.enumerated() {
                let out = MatrixView(
                    pointer: pointer, dtype: .float32, rows: rows, columns: columns,
                    rowStride: columns, columnStride: 1)
                packed.run(
                    a.part(part & 1), b.part(part >> 1), out, scratch: scratch, call.fanOut)
            }
            let values = c.pointer.assumingMemoryBound(to: Float.self)
            let terms = parts.map { $0.assumingMemoryBound(to: Float.self) }
            for i in 0..<rows * columns {
                values[2 * i] = terms[0][i] - terms[3][i]
                values[2 * i + 1] = terms[1][i] + terms[2][i]
            }
        }
    }
}
