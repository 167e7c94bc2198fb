import CMLXKernels
import MLXBase

/// Gather and scatter. Attributes: [0] the mask of indexed axes, [1…] the size of the window
/// along each axis of the array (1 along indexed axes).
///
/// - gather: inputs the array and one integer index array per indexed axis; output is the indices'
///   broadcast shape, then the window.
/// - scatter…: inputs the array, the index arrays, the updates (gather's output shape); output is
///   the array with the updates merged in, in the order of the index positions, whatever the
///   threads. Output and array may be one.
///
/// Negative indices count from the end, once; any other index outside its axis throws `.index`.
enum GatherScatter {
    enum Mode {
        case assign
        case merge(mlx_elementwise)
    }

    static func gather(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.inputs[0], call.outputs[0])
        if out.shape.size == 0 { return }
        let walk = IndexWalk(
            "gather", indices: Array(call.inputs.dropFirst()), mask: call.attributes[0],
            shape: x.shape, steps: x.stridesArray)
        let window = Array(call.attributes.dropFirst())
        let layout = Walk(dims: window, out: x.stridesArray, in: x.stridesArray)
        let size = layout.count
        let isDense = layout.dims.isEmpty || (layout.dims.count == 1 && layout.out[0] == 1)
        let failure = FirstFailure()
        let bytes = size * out.itemSize
        let perChunk = max(1, min(call.grain.items(ofBytes: bytes), 1 << 16))
        call.fanOut.forRanges(
            walk.count, size: perChunk, picosecondsPerItem: 4000 + bytes * 100
        ) { range in
            withUnsafeTemporaryAllocation(
                of: Int64.self, capacity: IndexWalk.tileLength
            ) { offsets in
                var at = range.lowerBound
                while at < range.upperBound {
                    let n = min(IndexWalk.tileLength, range.upperBound - at)
                    if let bad = walk.offsets(from: at, n, into: offsets.baseAddress!) {
                        return failure.report(bad)
                    }
                    let place = out.address(at * size)
                    if isDense {
                        mlx_gather_windows(
                            place, x.chars, offsets.baseAddress!, n, Int32(x.itemSize), size)
                    } else {
                        for i in 0..<n {
                            mlx_strided_load(
                                place + i * bytes, x.address(Int(offsets[i])), Int32(x.itemSize),
                                Int32(layout.dims.count), layout.dims, layout.out, 0, size)
                        }
                    }
                    at += n
                }
            }
        }
        if let bad = failure.value { throw walk.error(at: bad, shape: x.shape) }
    }

    static func scatter(_ mode: Mode, _ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.inputs[0], call.outputs[0])
        let updates = call.contiguous(call.inputs[call.inputs.count - 1])
        if out.pointer != x.pointer { StridedCopy.run(from: x, to: out, call.fanOut, call.grain) }
        if updates.shape.size == 0 { return }
        let walk = IndexWalk(
            "scatter", indices: Array(call.inputs.dropFirst().dropLast()),
            mask: call.attributes[0], shape: x.shape, steps: out.stridesArray)
        let merge = try WindowMerge(
            mode, out, window: Array(call.attributes.dropFirst()))
        let places = call.scratch(byteCount: walk.count * 8).assumingMemoryBound(to: Int64.self)
        nonisolated(unsafe) let offsets = places
        let failure = FirstFailure()
        let tiles = (walk.count + IndexWalk.tileLength - 1) / IndexWalk.tileLength
        nonisolated(unsafe) let spans = call.scratch(byteCount: tiles * 16)
            .assumingMemoryBound(to: Span.self)
        call.fanOut.forRanges(
            walk.count, size: IndexWalk.tileLength, picosecondsPerItem: 3000
        ) { range in
            let own = offsets + range.lowerBound
            if let bad = walk.offsets(from: range.lowerBound, range.count, into: own) {
                return failure.report(bad)
            }
            spans[range.lowerBound / IndexWalk.tileLength] = Span(own, range.count)
        }
        if let bad = failure.value { throw walk.error(at: bad, shape: x.shape) }
        let parts = ScatterParts(
            tiles: UnsafeBufferPointer(start: spans, count: tiles), count: walk.count,
            windowSpan: merge.span, elements: out.shape.size, mergeSize: merge.size)
        let bytes = walk.count * merge.size * out.itemSize
        call.fanOut.forRanges(
            parts.count, size: 1, picosecondsPerItem: bytes * 400 / parts.count
        ) { range in
            let (positions, low, high) = parts[range.lowerBound]
            let source = updates.pointer + positions.lowerBound * merge.size * updates.itemSize
            merge.apply(offsets + positions.lowerBound, positions.count, source, low, high)
        }
    }
}

/// The smallest and the largest offset of a tile of positions.
private struct Span {
    var low: Int64
    var high: Int64

    init(_ offsets: UnsafePointer<Int64>, _ count: Int) {
        (low, high) = (.max, .min)
        for i in 0..<count {
            low = min(low, offsets[i])
            high = max(high, offsets[i])
        }
    }
}

/// How a scatter is shared out so that every element is written by one thread, in the order of the
/// updates. Where consecutive positions write to separate places (rows of an array, say), positions
/// are cut; elsewhere every thread looks at all positions and takes those that write to its places.
private struct ScatterParts {
    private let cuts: [Range<Int>]
    private let places: [Range<Int64>]

    init(
        tiles: UnsafeBufferPointer<Span>, count: Int, windowSpan: Int, elements: Int,
        mergeSize: Int
    ) {
        let wanted = count * mergeSize >= 1 << 15 ? 16 : 1
        let perPart = (tiles.count + wanted - 1) / wanted
        var cuts: [Range<Int>] = []
        var spans: [(low: Int64, high: Int64)] = []
        for first in stride(from: 0, to: tiles.count, by: max(perPart, 1)) {
            let last = min(first + perPart, tiles.count)
            let length = IndexWalk.tileLength
            cuts.append(first * length..<min(last * length, count))
            let own = tiles[first..<last]
            spans.append((own.map(\.low).min()!, own.map(\.high).max()! + Int64(windowSpan)))
        }
        let ordered = spans.sorted { $0.low < $1.low }
        if zip(ordered, ordered.dropFirst()).allSatisfy({ $0.high <= $1.low }) {
            self.cuts = cuts
            places = cuts.map { _ in .min ..< .max }
            return
        }
        // Windows at different offsets are disjoint, so ranges of offsets can go side by side
        // while each keeps the order of the updates.
        let shares = mergeSize == 1 ? min(wanted, 4) : wanted
        self.cuts = Array(repeating: 0..<count, count: shares)
        places = (0..<shares).map { part in
            let low = Int64(elements / shares * part)
            return low..<(part == shares - 1 ? .max : low + Int64(elements / shares))
        }
    }

    var count: Int { cuts.count }

    subscript(part: Int) -> (positions: Range<Int>, low: Int64, high: Int64) {
        (cuts[part], places[part].lowerBound, places[part].upperBound)
    }
}

/// Merges one window of contiguous updates into the output, run by run.
private struct WindowMerge {
    let size: Int
    private let out: Operand
    private let dims: [Int]
    private let strides: [Int]
    private let run: Int
    private let function: mlx_tile_fn?
    private let widen: mlx_tile_fn?
    private let narrow: mlx_tile_fn?

    init(_ mode: GatherScatter.Mode, _ out: Operand, window: [Int]) throws(ArrayError) {
        let walk = Walk(dims: window, out: out.stridesArray, in: out.stridesArray)
        self.out = out
        size = walk.count
        let isRun = walk.out.last == 1
        run = isRun ? walk.dims.last! : 1
        dims = isRun ? Array(walk.dims.dropLast()) : walk.dims
        strides = isRun ? Array(walk.out.dropLast()) : walk.out
        let half = out.dtype.isHalf
        widen = half ? castLoop(out.dtype, .float32) : nil
        narrow = half ? castLoop(.float32, out.dtype) : nil
        switch mode {
        case .assign: function = nil
        case .merge(let op): function = try elementwise(op, out.dtype.computeType)
        }
    }

    /// How far a window reaches beyond its first element.
    var span: Int {
        zip(dims, strides).reduce(run) { $0 + ($1.0 - 1) * $1.1 }
    }

    /// Merges the windows of some positions whose offsets lie in a range.
    func apply(
        _ offsets: UnsafePointer<Int64>, _ count: Int, _ updates: UnsafeMutableRawPointer,
        _ low: Int64, _ high: Int64
    ) {
        if function == nil, size == 1 {
            return mlx_scatter_elements(
                out.chars, updates, offsets, count, Int32(out.itemSize), low, high)
        }
        for i in 0..<count where offsets[i] >= low && offsets[i] < high {
            apply(at: Int(offsets[i]), updates + i * size * out.itemSize)
        }
    }

    private func apply(at offset: Int, _ update: UnsafeMutableRawPointer) {
        let runs = size / max(run, 1)
        for index in 0..<runs {
            var (rest, place) = (index, offset)
            for axis in dims.indices.reversed() {
                place += rest % dims[axis] * strides[axis]
                rest /= dims[axis]
            }
            merge(out.address(place), update + index * run * out.itemSize)
        }
    }

    private func merge(_ target: UnsafeMutablePointer<CChar>, _ source: UnsafeMutableRawPointer) {
        guard let function else {
            UnsafeMutableRawPointer(target).copyMemory(
                from: source, byteCount: run * out.itemSize)
            return
        }
        guard let widen, let narrow else { return function(target, target, source, nil, run) }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { tile in
            let (a, b) = (tile.baseAddress!, tile.baseAddress! + 128)
            var at = 0
            while at < run {
                let n = min(128, run - at)
                widen(a, target + at * 2, nil, nil, n)
                widen(b, source + at * 2, nil, nil, n)
                function(a, a, b, nil, n)
                narrow(target + at * 2, a, nil, nil, n)
                at += n
            }
        }
    }
}

extension Kernels {
    package static func gather(_ call: borrowing KernelCall) throws(ArrayError) {
        try GatherScatter.gather(call)
    }
    package static func scatterAssign(_ call: borrowing KernelCall) throws(ArrayError) {
        try GatherScatter.scatter(.assign, call)
    }
    package static func scatterAdd(_ call: borrowing KernelCall) throws(ArrayError) {
        try GatherScatter.scatter(.merge(MLX_ADD), call)
    }
    package static func scatterMax(_ call: borrowing KernelCall) throws(ArrayError) {
        try GatherScatter.scatter(.merge(MLX_MAXIMUM), call)
    }
    package static func scatterMin(_ call: borrowing KernelCall) throws(ArrayError) {
        try GatherScatter.scatter(.merge(MLX_MINIMUM), call)
    }
    package static func scatterProduct(_ call: borrowing KernelCall) throws(ArrayError) {
        try GatherScatter.scatter(.merge(MLX_MULTIPLY), call)
    }
}
