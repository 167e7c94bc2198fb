import CMLXKernels
import MLXBase

/// A matrix anywhere in memory: dtype, extents and two strides, in elements.
struct MatrixView {
    var pointer: UnsafeMutableRawPointer
    var dtype: DType
    var rows: Int
    var columns: Int
    var rowStride: Int
    var columnStride: Int

    var transposed: MatrixView {
        MatrixView(
            pointer: pointer, dtype: dtype, rows: columns, columns: rows, rowStride: columnStride,
            columnStride: rowStride)
    }

    func address(_ row: Int, _ column: Int) -> UnsafeMutableRawPointer {
        pointer + (row * rowStride + column * columnStride) * dtype.size
    }

    /// The float32 matrix of the real (0) or imaginary (1) parts of a complex one.
    func part(_ index: Int) -> MatrixView {
        MatrixView(
            pointer: pointer + 4 * index, dtype: .float32, rows: rows, columns: columns,
            rowStride: 2 * rowStride, columnStride: 2 * columnStride)
    }
}

/// A batch of products C = A B with broadcast batch axes, as strides of batch items. When B has no
/// batch axis and A's items continue its rows, the batch folds into the rows. A B that is repeated
/// along a batch axis does not fold: which bits an item has follows from shapes alone.
struct MatrixProduct {
    var left: MatrixView
    var right: MatrixView
    var out: MatrixView
    private var dims: [Int] = []
    private var leftStrides: [Int] = []
    private var rightStrides: [Int] = []
    private var rightDims: [Int] = []

    init(_ call: borrowing KernelCall) {
        let (a, b, c) = (call.inputs[0], call.inputs[1], call.outputs[0])
        left = MatrixProduct.matrix(a)
        right = MatrixProduct.matrix(b)
        out = MatrixProduct.matrix(c)
        let batch = c.shape.ndim - 2
        for axis in 0..<batch {
            dims.append(c.shape[axis])
            leftStrides.append(MatrixProduct.stride(a, axis - (c.shape.ndim - a.shape.ndim)))
            let own = axis - (c.shape.ndim - b.shape.ndim)
            rightStrides.append(MatrixProduct.stride(b, own))
            rightDims.append(own < 0 ? 1 : b.shape[own])
        }
        fold()
    }

    private static func matrix(_ x: Operand) -> MatrixView {
        let rank = x.shape.ndim
        return MatrixView(
            pointer: x.pointer, dtype: x.dtype, rows: x.shape[rank - 2],
            columns: x.shape[rank - 1], rowStride: x.strides[rank - 2],
            columnStride: x.strides[rank - 1])
    }

    private static func stride(_ x: Operand, _ axis: Int) -> Int {
        axis < 0 || x.shape[axis] == 1 ? 0 : x.strides[axis]
    }

    private mutating func fold() {
        while let last = dims.last {
            let foldable =
                last == 1
                || (rightDims.last! == 1
                    && (leftStrides.last! == left.rows * left.rowStride || left.rows == 1)
                    && leftStrides.last! != 0)
            if !foldable { return }
            if last > 1 {
                if left.rows == 1 { left.rowStride = leftStrides.last! }
                left.rows *= last
                out.rows *= last
                out.rowStride = out.columns
            }
            dims.removeLast()
            leftStrides.removeLast()
            rightStrides.removeLast()
            rightDims.removeLast()
        }
    }

    var count: Int { dims.reduce(1, *) }

    /// One item's matrices.
    func item(_ index: Int) -> (left: MatrixView, right: MatrixView, out: MatrixView) {
        var (a, b, c) = (left, right, out)
        var rest = index
        for axis in dims.indices.reversed() {
            let position = rest % dims[axis]
            rest /= dims[axis]
            a.pointer += position * leftStrides[axis] * a.dtype.size
            b.pointer += position * rightStrides[axis] * b.dtype.size
        }
        c.pointer += index * out.rows * out.columns * c.dtype.size
        return (a, b, c)
    }

    var operations: Int {
        let (mn, o1) = out.rows.multipliedReportingOverflow(by: out.columns)
        let (all, o2) = mn.multipliedReportingOverflow(by: left.columns)
        return o1 || o2 ? .max : all
    }
}
