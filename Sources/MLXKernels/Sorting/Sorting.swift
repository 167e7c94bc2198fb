import CMLXKernels
import MLXBase

/// Sorting, selecting and searching along the last axis. Attributes:
///
/// - sort, argsort: none. Stable, NaN last; complex numbers by real part, then imaginary part.
/// - partition, argpartition: [0] the rank that gets to its place.
/// - searchSorted: [0] how many leading axes are a batch, [1] whether equal elements come first;
///   inputs the sorted rows and the values.
///
/// Rows are sorted side by side. A row of more than `parallelLength` elements is spread over the
/// team, in chunks of fixed length; passes are stable, so the chunks leave no trace in the result.
enum Sorting {
    static let parallelLength = 1 << 17
    private static let chunkLength = 1 << 15
    private static let digitBits = 11

    private struct Row {
        let dtype: DType
        let item: Int32
        let itemSize: Int
        let keyBits: Int
        let positions: Bool
        let length: Int
        /// The rank to select; nil sorts.
        let kth: Int?

        init(_ x: Operand, positions: Bool, kth: Int?) {
            dtype = x.dtype
            item = mlx_sort_item(x.dtype.code, positions)
            itemSize = mlx_sort_item_size(item)
            keyBits = Int(mlx_sort_key_bits(x.dtype.code))
            self.positions = positions
            length = x.shape.dims.last ?? 1
            self.kth = kth
        }

        func finish(
            _ out: UnsafeMutablePointer<CChar>, _ items: UnsafeMutableRawPointer,
            _ x: UnsafeMutablePointer<CChar>, _ range: Range<Int>
        ) {
            let from = items + range.lowerBound * itemSize
            if positions {
                let to = UnsafeMutableRawPointer(out).assumingMemoryBound(to: UInt32.self)
                mlx_sort_positions(to + range.lowerBound, from, item, range.count)
            } else {
                mlx_sort_store(
                    out + range.lowerBound * dtype.size, from, item, dtype.code, x, range.count)
            }
        }

        func restoreZeros(_ out: UnsafeMutablePointer<CChar>, _ x: UnsafeMutablePointer<CChar>) {
            if !positions && kth == nil { mlx_sort_zeros(out, x, dtype.code, length) }
        }
    }

    static func run(
        positions: Bool, select: Bool, _ call: borrowing KernelCall
    ) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let x = call.contiguous(call.inputs[0])
        let row = Row(x, positions: positions, kth: select ? call.attributes[0] : nil)
        let n = row.length
        let rows = x.shape.size / n
        let bytes = (n * row.itemSize + 63) & ~63
        if n > parallelLength {
            nonisolated(unsafe) let items = call.scratch(byteCount: 2 * bytes)
            for index in 0..<rows {
                wide(
                    row, x.address(index * n), out.address(index * n), items, items + bytes, call)
            }
            return
        }
        call.fanOut.forRanges(
            rows, size: max(1, call.grain.items(ofBytes: bytes) / 2),
            picosecondsPerItem: n * row.keyBits * (select ? 200 : 500)
        ) { range in
            // SAFETY: both buffers are this thread's while the chunk runs.
            let items = mlx_thread_scratch(2 * bytes)!
            for index in range {
                let (from, to) = (x.address(index * n), out.address(index * n))
                mlx_sort_load(items, row.item, from, row.dtype.code, n, 0)
                if let kth = row.kth {
                    mlx_select_row(
                        items, items + bytes, row.item, Int32(row.keyBits), n, kth)
                } else {
                    mlx_sort_row(items, items + bytes, row.item, Int32(row.keyBits), n)
                }
                row.finish(to, items, from, 0..<n)
                row.restoreZeros(to, from)
            }
        }
    }

    // MARK: - Long rows

    private static func wide(
        _ row: Row, _ x: UnsafeMutablePointer<CChar>, _ out: UnsafeMutablePointer<CChar>,
        _ first: UnsafeMutableRawPointer, _ second: UnsafeMutableRawPointer,
        _ call: borrowing KernelCall
    ) {
        nonisolated(unsafe) let (x, out, items) = (x, out, first)
        forChunks(row, call) { range in
            mlx_sort_load(
                items + range.lowerBound * row.itemSize, row.item,
                x + range.lowerBound * row.dtype.size, row.dtype.code, range.count,
                range.lowerBound)
        }
        nonisolated(unsafe) let sorted =
            row.kth.map { selected(row, $0, first, second, call) }
            ?? sortedItems(row, first, second, call)
        forChunks(row, call) { range in row.finish(out, sorted, x, range) }
        row.restoreZeros(out, x)
    }

    private static func forChunks(
        _ row: Row, _ call: borrowing KernelCall, _ body: (Range<Int>) -> Void
    ) {
        call.fanOut.forRanges(
            row.length, size: chunkLength, picosecondsPerItem: 1000, body)
    }

    /// How often each digit occurs, chunk by chunk.
    private static func counts(
        _ row: Row, _ items: UnsafeMutableRawPointer, shift: Int, bits: Int,
        into table: UnsafeMutablePointer<Int>, _ call: borrowing KernelCall
    ) {
        let digits = 1 << bits
        nonisolated(unsafe) let (items, table) = (items, table)
        forChunks(row, call) { range in
            let own = table + range.lowerBound / chunkLength * digits
            own.update(repeating: 0, count: digits)
            mlx_sort_count(
                own, items + range.lowerBound * row.itemSize, row.item, Int32(shift),
                Int32(bits), range.count)
        }
    }

    /// Returns the buffer that has the result.
    private static func sortedItems(
        _ row: Row, _ first: UnsafeMutableRawPointer, _ second: UnsafeMutableRawPointer,
        _ call: borrowing KernelCall
    ) -> UnsafeMutableRawPointer {
        let chunks = (row.length + chunkLength - 1) / chunkLength
        let table = call.scratch(byteCount: chunks * 8 << digitBits)
            .assumingMemoryBound(to: Int.self)
        var (from, to) = (first, second)
        var shift = 0
        while shift < row.keyBits {
            let bits = min(row.keyBits <= 16 ? 8 : digitBits, row.keyBits - shift)
            let digits = 1 << bits
            counts(row, from, shift: shift, bits: bits, into: table, call)
            var place = 0
            var isAlone = false
            for digit in 0..<digits {
                let before = place
                for chunk in 0..<chunks {
                    let count = table[chunk * digits + digit]
                    table[chunk * digits + digit] = place
                    place += count
                }
                isAlone = isAlone || place - before == row.length
            }
            if !isAlone {
                nonisolated(unsafe) let (source, target, places) = (from, to, table)
                let digitShift = Int32(shift)
                forChunks(row, call) { range in
                    mlx_sort_spread(
                        target, source + range.lowerBound * row.itemSize, row.item, digitShift,
                        Int32(bits), range.count,
                        places + range.lowerBound / chunkLength * digits)
                }
                swap(&from, &to)
            }
            shift += bits
        }
        return from
    }

    /// Parts the items by their first digit side by side, then selects on one thread among those
    /// that share the digit of the wanted rank.
    private static func selected(
        _ row: Row, _ kth: Int, _ first: UnsafeMutableRawPointer,
        _ second: UnsafeMutableRawPointer, _ call: borrowing KernelCall
    ) -> UnsafeMutableRawPointer {
        let bits = min(row.keyBits, digitBits)
        let (shift, digits) = (row.keyBits - bits, 1 << bits)
        let chunks = (row.length + chunkLength - 1) / chunkLength
        let table = call.scratch(byteCount: chunks * digits * 8).assumingMemoryBound(to: Int.self)
        counts(row, first, shift: shift, bits: bits, into: table, call)
        var (before, digit, equal) = (0, 0, 0)
        while true {
            equal = (0..<chunks).reduce(0) { $0 + table[$1 * digits + digit] }
            if before + equal > kth { break }
            before += equal
            digit += 1
        }
        // Each chunk's three places.
        var places: [Int] = []
        var next = [0, before, before + equal]
        for chunk in 0..<chunks {
            places += next
            let own = table + chunk * digits
            let smaller = (0..<digit).reduce(0) { $0 + own[$1] }
            let count = min(chunkLength, row.length - chunk * chunkLength)
            next[0] += smaller
            next[1] += own[digit]
            next[2] += count - smaller - own[digit]
        }
        let starts = places
        nonisolated(unsafe) let (source, target) = (first, second)
        let wanted = digit
        forChunks(row, call) { range in
            let chunk = range.lowerBound / chunkLength
            withUnsafeTemporaryAllocation(of: Int.self, capacity: 3) { places in
                for i in 0..<3 { places[i] = starts[3 * chunk + i] }
                mlx_sort_part(
                    target, source + range.lowerBound * row.itemSize, row.item, Int32(shift),
                    Int32(bits), range.count, wanted, places.baseAddress!)
            }
        }
        let offset = before * row.itemSize
        mlx_select_row(
            second + offset, first + offset, row.item, Int32(shift), equal, kth - before)
        return second
    }

    // MARK: - Searching

    static func search(_ call: borrowing KernelCall) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let x = call.contiguous(call.inputs[0])
        let values = call.contiguous(call.inputs[1])
        let n = x.shape.dims.last!
        let batch = x.shape.dims.dropLast().reduce(1, *)
        let m = out.shape.size / batch
        let after = call.attributes[1] != 0
        nonisolated(unsafe) let keys = call.scratch(byteCount: x.shape.size * 8)
            .assumingMemoryBound(to: UInt64.self)
        nonisolated(unsafe) let result = out.pointer.assumingMemoryBound(to: UInt32.self)
        call.fanOut.forRanges(x.shape.size, size: 1 << 14, picosecondsPerItem: 500) { range in
            mlx_search_keys(
                keys + range.lowerBound, x.address(range.lowerBound), x.dtype.code, range.count)
        }
        let perPart = 1 << 12
        let parts = (m + perPart - 1) / perPart
        let work = min(m, perPart) * (x.shape.size.bitWidth - n.leadingZeroBitCount) * 2000
        call.fanOut.forRanges(batch * parts, size: 1, picosecondsPerItem: work) { range in
            // SAFETY: the wanted keys are this thread's while the chunk runs.
            let wanted = mlx_thread_scratch(perPart * 8)!.assumingMemoryBound(to: UInt64.self)
            for item in range {
                let row = item / parts
                let first = item % parts * perPart
                let count = min(perPart, m - first)
                mlx_search_keys(wanted, values.address(row * m + first), x.dtype.code, count)
                mlx_search_sorted(
                    result + row * m + first, keys + row * n, n, wanted, count, after)
            }
        }
    }
}

extension Kernels {
    package static func sort(_ call: borrowing KernelCall) throws(ArrayError) {
        try Sorting.run(positions: false, select: false, call)
    }
    package static func argSort(_ call: borrowing KernelCall) throws(ArrayError) {
        try Sorting.run(positions: true, select: false, call)
    }
    package static func partition(_ call: borrowing KernelCall) throws(ArrayError) {
        try Sorting.run(positions: false, select: true, call)
    }
    package static func argPartition(_ call: borrowing KernelCall) throws(ArrayError) {
        try Sorting.run(positions: true, select: true, call)
    }
    package static func searchSorted(_ call: borrowing KernelCall) throws(ArrayError) {
        Sorting.search(call)
    }
}
