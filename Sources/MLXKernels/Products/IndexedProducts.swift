import CMLXKernels
import MLXBase

/// Matrix products that are told by numbers which parts of their operands to multiply, as series of
/// products of the device's own kernel. Inputs have the output's dtype.
///
/// - gatherMM: A (…, M, K), B (…, K, N), and for each product the number of its matrix in A and
///   in B, both of one shape. Numbers that are out of range throw `.index`.
/// - segmentedMM: A (M, K), B (K, N), and for each product the range of K that it sums over.
enum IndexedProducts {
    static func gather(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        let a = call.contiguous(call.inputs[0])
        let b = call.contiguous(call.inputs[1])
        let (m, k, n) = (extent(a, 2), extent(a, 1), extent(b, 1))
        let lefts = try numbers(call, 2, below: a.shape.dims.dropLast(2).reduce(1, *))
        let rights = try numbers(call, 3, below: b.shape.dims.dropLast(2).reduce(1, *))
        if out.shape.size == 0 { return }
        let arena = ScratchArena()
        var at = 0
        while at < lefts.count {
            // Neighbours in A that meet the same matrix of B are one taller product.
            var run = 1
            while at + run < lefts.count, rights[at + run] == rights[at],
                lefts[at + run] == lefts[at] + run
            {
                run += 1
            }
            try multiply(
                (a.address(lefts[at] * m * k), [run * m, k], [k, 1]),
                (b.address(rights[at] * k * n), [k, n], [n, 1]),
                into: out.address(at * m * n), call, arena)
            at += run
        }
    }

    static func segmented(_ call: borrowing KernelCall) throws(ArrayError) {
        let (a, b, out) = (call.inputs[0], call.inputs[1], call.outputs[0])
        let (m, k, n) = (extent(a, 2), extent(a, 1), extent(b, 1))
        let bounds = call.converted(call.contiguous(call.inputs[2]), to: .int64)
        let ends = bounds.pointer.assumingMemoryBound(to: Int64.self)
        for place in 0..<bounds.shape.size where ends[place] < 0 || ends[place] > Int64(k) {
            throw ArrayError(
                .index, "segmented_mm", "\(ends[place]) is outside an axis of size \(k)",
                shapes: [a.shape.array, b.shape.array, bounds.shape.array])
        }
        if out.shape.size == 0 { return }
        let arena = ScratchArena()
        for segment in 0..<bounds.shape.size / 2 {
            let start = Int(ends[2 * segment])
            let depth = max(Int(ends[2 * segment + 1]) - start, 0)
            // An empty segment may lie behind the last element.
            let first = depth == 0 ? 0 : start
            try multiply(
                (a.address(first * a.strides[1]), [m, depth], [a.strides[0], a.strides[1]]),
                (b.address(first * b.strides[0]), [depth, n], [b.strides[0], b.strides[1]]),
                into: out.address(segment * m * n), call, arena)
        }
    }

    private static func extent(_ x: Operand, _ fromEnd: Int) -> Int {
        x.shape[x.shape.ndim - fromEnd]
    }

    private static func numbers(
        _ call: borrowing KernelCall, _ input: Int, below limit: Int
    ) throws(ArrayError) -> [Int] {
        let indices = call.contiguous(call.inputs[input])
        let wide = call.converted(indices, to: .int64)
        let values = wide.pointer.assumingMemoryBound(to: Int64.self)
        var result: [Int] = []
        result.reserveCapacity(wide.shape.size)
        for place in 0..<wide.shape.size {
            let value = Int(values[place])
            let isWrapped = indices.dtype == .uint64 && value < 0
            guard value >= -limit, value < limit, !isWrapped else {
                throw ArrayError(
                    .index, "gather_mm", "index \(value) of \(limit) matrices",
                    shapes: [call.inputs[0].shape.array, call.inputs[1].shape.array])
            }
            result.append(value < 0 ? value + limit : value)
        }
        return result
    }

    private typealias Matrix = (
        pointer: UnsafeMutablePointer<CChar>, dims: [Int], strides: [Int]
    )

    private static func multiply(
        _ a: Matrix, _ b: Matrix, into c: UnsafeMutablePointer<CChar>,
        _ call: borrowing KernelCall, _ arena: ScratchArena
    ) throws(ArrayError) {
        let dtype = call.outputs[0].dtype
        let matmul = call.device.products.matmul
        let shapes = [a.dims, b.dims, [a.dims[0], b.dims[1]]]
        var operands: [Operand] = []
        for (dims, pointer) in zip(shapes, [a.pointer, b.pointer, c]) {
            operands.append(
                Operand(
                    contiguous: pointer, dtype: dtype,
                    shape: try Shape(validating: dims, operation: "matmul")))
        }
        let strides = a.strides + b.strides
        arena.reset()
        // SAFETY: the nested call ends before the operands and strides do.
        let result: Result<Void, ArrayError> = strides.withUnsafeBufferPointer { strides in
            operands[0].strides = strides.baseAddress!
            operands[1].strides = strides.baseAddress! + 2
            return operands.withUnsafeBufferPointer { operands in
                let nested = KernelCall(
                    outputs: UnsafeBufferPointer(rebasing: operands[2...]),
                    inputs: UnsafeBufferPointer(rebasing: operands[..<2]),
                    attributes: UnsafeBufferPointer(start: nil, count: 0),
                    device: call.device, fanOut: call.fanOut, arena: arena)
                do throws(ArrayError) { return .success(try matmul(nested)) } catch {
                    return .failure(error)
                }
            }
        }
        try result.get()
    }

    /// Rows of a Hadamard transform. Attributes: [0] the bits of the float64 scale, [1] 1 for the
    /// transposed matrix. NUMERICS: half types are transformed in float32 and rounded once.
    static func hadamard(_ call: borrowing KernelCall) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let source = call.widened(call.inputs[0])
        let n = out.shape.dims.last!
        let scale = Double(bitPattern: UInt64(bitPattern: Int64(call.attributes[0])))
        let transposed = call.attributes[1] != 0
        let narrow = castLoop(source.dtype, out.dtype)
        let bytes = (n * source.itemSize + 63) & ~63
        call.fanOut.forRanges(
            out.shape.size / n, size: call.grain.items(ofBytes: bytes),
            picosecondsPerItem: n * (64 - n.leadingZeroBitCount) * 300
        ) { range in
            // SAFETY: both rows are this thread's while the chunk runs.
            let row = mlx_thread_scratch(2 * bytes)!
            for index in range {
                row.copyMemory(
                    from: source.address(index * n), byteCount: n * source.itemSize)
                if source.dtype == .float64 {
                    mlx_hadamard_f64(
                        row.assumingMemoryBound(to: Double.self),
                        (row + bytes).assumingMemoryBound(to: Double.self), n, transposed, scale)
                } else {
                    mlx_hadamard_f32(
                        row.assumingMemoryBound(to: Float.self),
                        (row + bytes).assumingMemoryBound(to: Float.self), n, transposed, scale)
                }
                narrow(out.address(index * n), row, nil, nil, n)
            }
        }
    }
}

extension Kernels {
    package static func gatherMM(_ call: borrowing KernelCall) throws(ArrayError) {
        try IndexedProducts.gather(call)
    }
    package static func segmentedMM(_ call: borrowing KernelCall) throws(ArrayError) {
        try IndexedProducts.segmented(call)
    }
    package static func hadamard(_ call: borrowing KernelCall) throws(ArrayError) {
        IndexedProducts.hadamard(call)
    }
}
