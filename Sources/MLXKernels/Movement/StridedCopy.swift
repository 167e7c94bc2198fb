import CMLXKernels
import MLXBase

/// Copies between strided layouts of one dtype: the one primitive behind contiguous copies,
/// concatenation, padding and slice updates. Rows of the collapsed walk are the unit of work;
/// where the input is contiguous along another axis than the output, the plane of the two is
/// transposed in squares.
enum StridedCopy {
    /// Writes `input` in row-major order to the contiguous `output`, which has as many elements
    /// but may have another shape: a reshape that cannot be a window is such a copy.
    static func run(from input: Operand, to output: Operand, _ fanOut: any FanOut, _ grain: Grain) {
        run(
            dims: input.shape.array, to: output.pointer, Array(input.shape.rowMajorStrides),
            from: input.pointer, input.stridesArray, itemSize: input.itemSize, fanOut, grain)
    }

    static func run(
        dims: [Int], to out: UnsafeMutableRawPointer, _ outStrides: [Int],
        from input: UnsafeRawPointer, _ inStrides: [Int], itemSize: Int,
        _ fanOut: any FanOut, _ grain: Grain
    ) {
        if dims.contains(0) { return }
        let walk = Walk(dims: dims, out: outStrides, in: inStrides)
        // SAFETY: addresses are only formed from offsets inside both layouts; chunks write
        // disjoint elements of the output.
        nonisolated(unsafe) let to = out.assumingMemoryBound(to: CChar.self)
        nonisolated(unsafe) let from = input.assumingMemoryBound(to: CChar.self)
        guard let last = walk.dims.indices.last else {
            mlx_copy_rows(to, from, Int32(itemSize), 0, nil, nil, nil, 0, 1, false)
            return
        }
        let bytes = walk.count * itemSize
        let stream = bytes >= streamThreshold && walk.dims[last] * itemSize >= 1024
        if walk.out[last] == 1, walk.input[last] != 1, walk.dims[last] >= 4,
            let plane = walk.input.firstIndex(of: 1), walk.dims[plane] >= 4
        {
            return transpose(walk, plane, to, from, itemSize, fanOut, grain)
        }
        if last == 1, walk.input[1] == 0, walk.out[1] == 1, walk.input[0] == 1,
            walk.out[0] == walk.dims[1]
        {
            let (n, count) = (walk.dims[0], walk.dims[1])
            fanOut.forRanges(
                n, size: grain.items(ofBytes: itemSize * count),
                picosecondsPerItem: itemSize * count * 100
            ) { range in
                mlx_repeat_elements(
                    to + range.lowerBound * count * itemSize, from + range.lowerBound * itemSize,
                    Int32(itemSize), range.count, count)
            }
            return
        }
        if last == 0 {
            let (n, so, si) = (walk.dims[0], walk.out[0], walk.input[0])
            fanOut.forRanges(
                n, size: grain.items(ofBytes: itemSize), picosecondsPerItem: itemSize * 100
            ) { range in
                withRow(range.count, so, si) { shape, outStride, inStride in
                    mlx_copy_rows(
                        to + range.lowerBound * so * itemSize,
                        from + range.lowerBound * si * itemSize, Int32(itemSize), 1, shape,
                        outStride, inStride, 0, 1, stream)
                }
            }
            return
        }
        let rows = walk.count / walk.dims[last]
        let rowBytes = walk.dims[last] * itemSize
        fanOut.forRanges(
            rows, size: grain.items(ofBytes: rowBytes), picosecondsPerItem: rowBytes * 100
        ) { range in
            mlx_copy_rows(
                to, from, Int32(itemSize), Int32(walk.dims.count), walk.dims, walk.out,
                walk.input, range.lowerBound, range.upperBound, stream)
        }
    }

    private static func withRow(
        _ count: Int, _ out: Int, _ input: Int,
        _ body: (UnsafePointer<Int>, UnsafePointer<Int>, UnsafePointer<Int>) -> Void
    ) {
        withUnsafePointer(to: count) { count in
            withUnsafePointer(to: out) { out in
                withUnsafePointer(to: input) { body(count, out, $0) }
            }
        }
    }

    /// From so many bytes on a plane is transposed past the caches, in tiles.
    private static let tiledBytes = 16 << 20

    /// One chunk is a part of one plane: a band of at most 64 rows, or, of a plane larger than the
    /// caches, a tile of 512 rows and as many columns, which keeps to few pages.
    private static func transpose(
        _ walk: Walk, _ plane: Int, _ to: UnsafeMutablePointer<CChar>,
        _ from: UnsafePointer<CChar>, _ itemSize: Int, _ fanOut: any FanOut, _ grain: Grain
    ) {
        nonisolated(unsafe) let to = to
        nonisolated(unsafe) let from = from
        let last = walk.dims.count - 1
        let outer = walk.dims.indices.filter { $0 != plane && $0 != last }
        let (rows, columns) = (walk.dims[plane], walk.dims[last])
        let isTiled = rows * columns * itemSize >= tiledBytes && rows >= 512 && columns >= 512
        let (height, width) = isTiled ? (512, 512) : (64, columns)
        let (bands, parts) = ((rows + height - 1) / height, (columns + width - 1) / width)
        let count = outer.reduce(bands * parts) { $0 * walk.dims[$1] }
        let partBytes = min(rows, height) * min(columns, width) * itemSize
        fanOut.forRanges(
            count, size: grain.items(ofBytes: partBytes), picosecondsPerItem: partBytes * 150
        ) { range in
            for index in range {
                var rest = index / (bands * parts)
                var (o, i) = (0, 0)
                for axis in outer.reversed() {
                    let position = rest % walk.dims[axis]
                    rest /= walk.dims[axis]
                    o += position * walk.out[axis]
                    i += position * walk.input[axis]
                }
                let row = index / parts % bands * height
                let column = index % parts * width
                mlx_transpose_plane(
                    to + (o + row * walk.out[plane] + column) * itemSize,
                    from + (i + row + column * walk.input[last]) * itemSize, Int32(itemSize),
                    min(height, rows - row), min(width, columns - column), walk.out[plane],
                    walk.input[last], isTiled)
            }
        }
    }
}
