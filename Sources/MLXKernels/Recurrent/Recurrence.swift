import CMLXKernels
import MLXBase

/// All steps of a recurrent layer with gates. Inputs: what the input says to the gates (…, L, G H),
/// the weights of the state (G H, H), and what the attribute announces: a bias (G H), in a gated
/// recurrent unit one within the reset (H), the first state (…, H), and the first cell of a long
/// short-term memory (…, H). Output: the states (…, L, H), in a long short-term memory each with
/// its cell behind (…, L, 2 H).
///
/// Rows do not meet, so threads take some each through all steps, and the weights, packed once,
/// stay in their caches. Where rows are too few for that, threads take units of each step.
/// NUMERICS: half types are computed in float32, and rounded when all steps are done.
struct Recurrence {
    /// Which terms follow the weights, as bits of the attribute.
    private enum Term: Int { case bias = 1, innerBias = 2, state = 4, cell = 8 }

    private let gates: Int
    private let units: mlx_units_fn
    private let product: PackedProduct
    /// The output, the input's part, the first state and cell; nil where they are zero.
    private let (out, input): (Operand, Operand)
    private let (state, cell): (Operand?, Operand?)
    private let bias: UnsafeMutableRawPointer
    private let innerBias: UnsafeMutableRawPointer
    /// Zeros for as many units as the layer has.
    private let zeros: UnsafeMutableRawPointer
    private let weights: mlx_panels
    private let (rows, steps, width): (Int, Int, Int)

    private var item: Int { out.itemSize }
    private var outWidth: Int { out.shape[out.shape.ndim - 1] }
    private var panel: Int { Int(product.gemm.pointee.nr) }
    /// Picoseconds of one row of one unit in one step.
    private var cost: Int { gates * (width * 25 + 400) }

    private init(_ call: borrowing KernelCall, gates: Int, _ function: (Int32) -> mlx_units_fn?) {
        self.gates = gates
        input = call.widened(call.inputs[0])
        out = call.wideOutput()
        units = function(out.dtype.code)!
        product = PackedProduct(out.dtype)
        let matrix = call.contiguous(call.inputs[1])
        width = matrix.shape[1]
        let rank = out.shape.ndim
        steps = out.shape[rank - 2]
        rows = out.shape.size / max(1, steps * out.shape[rank - 1])
        let flags = call.attributes[0]
        var next = 2
        func following(_ term: Term, _ call: borrowing KernelCall) -> Operand? {
            if flags & term.rawValue == 0 { return nil }
            defer { next += 1 }
            return call.widened(call.inputs[next])
        }
        let itemSize = out.itemSize
        zeros = call.scratch(byteCount: gates * width * itemSize)
        zeros.initializeMemory(as: UInt8.self, repeating: 0, count: gates * width * itemSize)
        bias = following(.bias, call)?.pointer ?? zeros
        innerBias = following(.innerBias, call)?.pointer ?? zeros
        state = following(.state, call)
        cell = following(.cell, call)
        let bytes = product.rightBytes(width, width)
        let panels = call.scratch(byteCount: gates * bytes)
        for gate in 0..<gates {
            let part = MatrixView(
                pointer: matrix.address(gate * width * width), dtype: matrix.dtype, rows: width,
                columns: width, rowStride: 1, columnStride: width)
            product.packRight(part, into: panels + gate * bytes, call.fanOut)
        }
        weights = product.rightPanels(panels, width)
    }

    /// The cell of `units`, in rows from `row` on, at a step: the product, then what the gates do.
    /// - Parameter scratch: room for the product of all gates.
    private func step(
        _ step: Int, rows range: Range<Int>, units part: Range<Int>,
        scratch: UnsafeMutableRawPointer
    ) {
        let size = item
        let before = step == 0 ? nil : address(range.lowerBound, step - 1)
        let old = step == 0 ? state.map { $0.address(range.lowerBound * width) } : before
        let oldStride = step == 0 ? width : steps * outWidth
        var what = mlx_units()
        if let old {
            let left = product.rows(at: old, rowBytes: oldStride * size)
            multiply(left, range.count, part, scratch)
            what.product = UnsafeRawPointer(scratch)
            what.product_stride = part.count
            what.product_gate = range.count * part.count
        } else {
            what.product = UnsafeRawPointer(zeros)
        }
        let shift = part.lowerBound * size
        what.width = width
        what.out = UnsafeMutableRawPointer(address(range.lowerBound, step)) + shift
        what.out_stride = steps * outWidth
        what.input =
            UnsafeRawPointer(
                input.address((range.lowerBound * steps + step) * gates * width)) + shift
        what.input_stride = steps * gates * width
        what.bias = UnsafeRawPointer(bias) + shift
        what.inner_bias = UnsafeRawPointer(innerBias) + shift
        let carried = outWidth == width ? old : carriedCell(step, range.lowerBound, before)
        what.old = UnsafeRawPointer(carried ?? zeros.assumingMemoryBound(to: CChar.self)) + shift
        what.old_stride = carried == nil ? 0 : oldStride
        units(&what, range.count, part.count)
    }

    private func carriedCell(
        _ step: Int, _ row: Int, _ before: UnsafeMutablePointer<CChar>?
    ) -> UnsafeMutablePointer<CChar>? {
        step == 0 ? cell.map { $0.address(row * width) } : before.map { $0 + width * item }
    }

    /// Where the state of a row after a step is.
    private func address(_ row: Int, _ step: Int) -> UnsafeMutablePointer<CChar> {
        out.address((row * steps + step) * outWidth)
    }

    /// The state's part of each gate for some units, which lie in one panel: gates, rows, units.
    private func multiply(
        _ left: mlx_panels, _ rows: Int, _ part: Range<Int>, _ scratch: UnsafeMutableRawPointer
    ) {
        let gateBytes = product.rightBytes(width, width)
        for gate in 0..<gates {
            var right = weights
            right.base += gate * gateBytes + part.lowerBound / panel * weights.panel
            right.base += part.lowerBound % panel * item
            mlx_gemm_tile(
                product.gemm, left, right, scratch + gate * rows * part.count * item, part.count,
                rows, part.count, width, false)
        }
    }

    // MARK: - Who does what

    /// Rows of one chunk at most: what it reads of the weights it uses for all.
    private static let mostRows = 24
    /// Weights that stay in one core's cache.
    private static let smallWeights = 2 << 20

    private func run(_ call: borrowing KernelCall) {
        if rows == 0 || steps == 0 || width == 0 { return }
        let cores = call.fanOut.width
        let stepWork = rows * width * cost / 1000
        let isSmall = gates * width * width * item <= Recurrence.smallWeights
        let byRows = rows >= (isSmall ? 2 : 8) * cores || cores == 1
        if byRows || stepWork < 50_000 || width < 2 * unitsOfAPart(cores) {
            overRows(call)
        } else {
            overUnits(call)
        }
    }

    /// Chunks of rows go through all steps.
    private func overRows(_ call: borrowing KernelCall) {
        let most = Recurrence.mostRows
        let each = min(most, (rows + call.fanOut.width - 1) / call.fanOut.width)
        let room = room(each, panel)
        nonisolated(unsafe) let scratch = call.scratch(byteCount: (rows + each - 1) / each * room)
        call.fanOut.forRanges(
            (rows + each - 1) / each, size: 1, picosecondsPerItem: each * steps * width * cost
        ) { range in
            for chunk in range {
                let own = chunk * each..<min(rows, (chunk + 1) * each)
                for number in 0..<steps {
                    for start in stride(from: 0, to: width, by: panel) {
                        step(
                            number, rows: own, units: start..<min(width, start + panel),
                            scratch: scratch + chunk * room)
                    }
                }
            }
        }
    }

    /// Units of one part: whole vectors, of which a panel has some.
    private func unitsOfAPart(_ cores: Int) -> Int {
        let lanes = Int(product.gemm.pointee.lanes)
        var part = panel
        while part > lanes && part % 2 == 0 && part / 2 % lanes == 0
            && (width + part - 1) / part < 2 * cores
        {
            part /= 2
        }
        return part
    }

    /// One step after the other, each divided by units.
    private func overUnits(_ call: borrowing KernelCall) {
        let size = unitsOfAPart(call.fanOut.width)
        let parts = (width + size - 1) / size
        let most = Recurrence.mostRows
        let room = room(min(rows, most), size)
        nonisolated(unsafe) let scratch = call.scratch(byteCount: parts * room)
        for number in 0..<steps {
            call.fanOut.forRanges(parts, size: 1, picosecondsPerItem: rows * size * cost) { range in
                for part in range {
                    for row in stride(from: 0, to: rows, by: most) {
                        step(
                            number, rows: row..<min(rows, row + most),
                            units: part * size..<min(width, (part + 1) * size),
                            scratch: scratch + part * room)
                    }
                }
            }
        }
    }

    /// Bytes for the product of some rows and units.
    private func room(_ rows: Int, _ units: Int) -> Int { (gates * rows * units * item + 63) & ~63 }

    static func run(
        _ call: borrowing KernelCall, gates: Int, _ function: (Int32) -> mlx_units_fn?
    ) {
        let recurrence = Recurrence(call, gates: gates, function)
        recurrence.run(call)
        call.narrow(recurrence.out)
    }
}

extension Kernels {
    package static func lstm(_ call: borrowing KernelCall) throws(ArrayError) {
        Recurrence.run(call, gates: 4, mlx_lstm_units_fn)
    }

    package static func gru(_ call: borrowing KernelCall) throws(ArrayError) {
        Recurrence.run(call, gates: 3, mlx_gru_units_fn)
    }
}
