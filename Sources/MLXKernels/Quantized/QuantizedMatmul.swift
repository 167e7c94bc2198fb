import CMLXKernels
import MLXBase

/// The kernels around `QuantizedProduct`: which matrices of x and w meet, with broadcast batch axes
/// or picked by indices. Indices wrap once and must then lie within their matrices.
enum QuantizedMatmul {
    static func matmul(_ call: borrowing KernelCall, rounds: Bool) throws(ArrayError) {
        let (x, w, out) = (call.inputs[0], call.inputs[1], call.outputs[0])
        let product = try product(
            call, "quantized_matmul", folds: w.shape.ndim == 2, rounds: rounds)
        if out.shape.size == 0 { return }
        if w.shape.ndim == 2 {
            return run(product, [(0, 0)], call)
        }
        let batch = out.shape.ndim - 2
        let count = out.shape.size / max(out.shape[batch] * out.shape[batch + 1], 1)
        let pairs = (0..<count).map { item in
            (matrix(item, x, out, batch), matrix(item, w, out, batch))
        }
        run(product, pairs, call)
    }

    /// Which matrix of an operand meets a matrix of the output, by broadcasting.
    private static func matrix(_ item: Int, _ x: Operand, _ out: Operand, _ batch: Int) -> Int {
        let own = x.shape.ndim - 2
        var (rest, result, step) = (item, 0, 1)
        for back in 1...max(batch, 1) where back <= batch {
            let position = rest % out.shape[batch - back]
            rest /= out.shape[batch - back]
            guard back <= own else { continue }
            let dim = x.shape[own - back]
            if dim > 1 { result += position * step }
            step *= dim
        }
        return result
    }

    static func gathered(_ call: borrowing KernelCall, rounds: Bool) throws(ArrayError) {
        let (x, w, out) = (call.inputs[0], call.inputs[1], call.outputs[0])
        let product = try product(call, "gather_qmm", folds: false, rounds: rounds)
        if out.shape.size == 0 { return }
        let count = call.inputs.count
        let left = try indices(call.inputs[count - 2], out, matrices(x), call)
        let right = try indices(call.inputs[count - 1], out, matrices(w), call)
        run(product, Array(zip(left, right)), call)
    }

    private static func matrices(_ x: Operand) -> Int {
        x.shape.dims.dropLast(2).reduce(1, *)
    }

    /// Indices in the order of the output's matrices.
    private static func indices(
        _ x: Operand, _ out: Operand, _ limit: Int, _ call: borrowing KernelCall
    ) throws(ArrayError) -> [Int] {
        let batch = out.shape.ndim - 2
        let wide = call.converted(call.contiguous(x), to: .int64)
        let values = wide.pointer.assumingMemoryBound(to: Int64.self)
        let count = out.shape.dims.prefix(batch).reduce(1, *)
        var result = [Int](repeating: 0, count: count)
        for item in 0..<count {
            var (rest, at, step) = (item, 0, 1)
            for back in 1...max(batch, 1) where back <= batch {
                let position = rest % out.shape[batch - back]
                rest /= out.shape[batch - back]
                guard back <= x.shape.ndim else { continue }
                let dim = x.shape[x.shape.ndim - back]
                if dim > 1 { at += position * step }
                step *= dim
            }
            let index = Int(values[at])
            let wrapped = index < 0 ? index &+ limit : index
            guard wrapped >= 0, wrapped < limit else {
                throw ArrayError(
                    .index, "gather_qmm", "index \(index) is out of range for \(limit) matrices",
                    shapes: [x.shape.array])
            }
            result[item] = wrapped
        }
        return result
    }

    private static func product(
        _ call: borrowing KernelCall, _ operation: String, folds: Bool, rounds: Bool
    ) throws(ArrayError) -> QuantizedProduct {
        let (x, out) = (call.inputs[0], call.outputs[0])
        let format = try CodeFormat(words: call.attributes, operation: operation)
        let depth = x.shape[x.shape.ndim - 1]
        let columns = out.shape[out.shape.ndim - 1]
        let rows =
            folds
            ? out.shape.size / max(columns, 1) : x.shape.ndim < 2 ? 1 : x.shape[x.shape.ndim - 2]
        return QuantizedProduct(
            weight: CodedMatrices(call, weight: 1, format, hasGlobal: false),
            transposes: call.attributes[3] != 0, roundsRows: rounds, rows: rows, depth: depth,
            columns: columns, grain: call.grain)
    }

    private static func run(
        _ product: QuantizedProduct, _ pairs: [(Int, Int)], _ call: borrowing KernelCall
    ) {
        let out = call.outputs[0]
        if product.depth == 0 {
            var zero: UInt64 = 0
            return Movement.fill(out, with: &zero, call.fanOut, call.grain)
        }
        let x = call.contiguous(call.inputs[0])
        let isDouble = out.dtype == .float64
        let compute: DType = isDouble ? .float64 : .float32
        let wide = x.dtype == compute ? x : call.converted(x, to: compute)
        let step = product.rows * product.depth
        for (number, pair) in pairs.enumerated() {
            let source = wide.pointer + pair.0 * step * compute.size
            let offset = number * product.rows * product.columns
            if isDouble {
                product.runDouble(source, matrix: pair.1, out, at: offset, call)
            } else {
                product.run(
                    source.assumingMemoryBound(to: Float.self), matrix: pair.1, out, at: offset,
                    call)
            }
        }
    }
}

extension Kernels {
    package static func quantizedMatmul(_ call: borrowing KernelCall) throws(ArrayError) {
        try QuantizedMatmul.matmul(call, rounds: false)
    }
    package static func gatherQuantizedMatmul(_ call: borrowing KernelCall) throws(ArrayError) {
        try QuantizedMatmul.gathered(call, rounds: false)
    }
    package static func roundedMatmul(_ call: borrowing KernelCall) throws(ArrayError) {
        try QuantizedMatmul.matmul(call, rounds: true)
    }
    package static func gatherRoundedMatmul(_ call: borrowing KernelCall) throws(ArrayError) {
        try QuantizedMatmul.gathered(call, rounds: true)
    }
}
