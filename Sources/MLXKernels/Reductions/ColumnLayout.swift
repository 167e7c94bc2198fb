import MLXBase

/// An array whose reduced axes are one run of rows with contiguous kept columns to their right,
/// perhaps repeated along kept axes to their left: (outer, middle, inner) with steps.
struct ColumnLayout: Equatable {
    let outer: Int
    let outerStride: Int
    let middle: Int
    let middleStride: Int
    let inner: Int

    /// Nil when the layout is another or the columns are too few to be worth it.
    init?(_ x: Operand, mask: Int) {
        if RowSource.isTrailing(x.shape, mask: mask) { return nil }
        let walk = Walk(
            dims: x.shape.array, out: x.stridesArray, in: x.stridesArray,
            groups: UInt64(UInt(bitPattern: mask & 0xFFFF)))
        let lead = walk.dims.count - 2
        guard lead == 0 || lead == 1 else { return nil }
        let long = (0..<x.shape.ndim).filter { x.shape[$0] != 1 }
        let startsReduced = mask >> (long.first ?? 0) & 1 != 0
        let endsReduced = mask >> (long.last ?? 0) & 1 != 0
        guard startsReduced == (lead == 0), !endsReduced, walk.out[lead + 1] == 1,
            walk.dims[lead + 1] >= 16
        else { return nil }
        outer = lead == 1 ? walk.dims[0] : 1
        outerStride = lead == 1 ? walk.out[0] : 0
        middle = walk.dims[lead]
        middleStride = walk.out[lead]
        inner = walk.dims[lead + 1]
    }

    /// True when both walk the same rows and columns, whatever their steps.
    func matches(_ other: ColumnLayout) -> Bool {
        outer == other.outer && middle == other.middle && inner == other.inner
    }
}
