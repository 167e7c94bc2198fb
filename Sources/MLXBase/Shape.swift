import Glibc
import Synchronization

/// An interned shape: one immortal record per distinct list of dimensions, so that a shape is one
/// word, comparing two is comparing pointers, and reading one counts no references. Dimensions
/// are 64-bit, never negative, and their product fits an `Int`.
@usableFromInline package struct Shape: Hashable, @unchecked Sendable, BitwiseCopyable {
    // SAFETY: the record is written once before it is published and never freed.
    // Layout: [0] ndim, [1] number of elements, [2 ..< 2+ndim] dimensions,
    // [2+ndim ..< 2+2*ndim] row-major strides in elements.
    @usableFromInline package let record: UnsafePointer<Int>

    /// The largest number of axes. Axis sets are bit masks and permutations pack into one word.
    @inlinable @inline(__always) package static var maximumRank: Int { 16 }

    @inlinable @inline(__always) package init(record: UnsafePointer<Int>) { self.record = record }
    @inlinable @inline(__always) package static func == (a: Shape, b: Shape) -> Bool {
        a.record == b.record
    }

    @inlinable package var ndim: Int { record[0] }
    /// The number of elements.
    @inlinable package var size: Int { record[1] }
    @inlinable package var dims: UnsafeBufferPointer<Int> {
        UnsafeBufferPointer(start: record + 2, count: record[0])
    }
    /// Row-major strides, in elements.
    @inlinable package var rowMajorStrides: UnsafeBufferPointer<Int> {
        UnsafeBufferPointer(start: record + 2 + record[0], count: record[0])
    }
    @inlinable package subscript(axis: Int) -> Int {
        assert(axis >= 0 && axis < ndim)
        return record[2 + axis]
    }
    package var array: [Int] { Array(dims) }

    /// The word that stands for this shape in structural hashes within one process.
    @inlinable @inline(__always) package var word: UInt64 { UInt64(UInt(bitPattern: record)) }

    package static let scalar = try! Shape(validating: [])

    /// Interns `dims`.
    /// - Throws: `ArrayError` when there are too many axes, one is negative, or the number of
    ///   elements does not fit an `Int`.
    package init(
        validating dims: some Collection<Int>, operation: String = "shape"
    ) throws(ArrayError) {
        let count = dims.count
        if let shape = withUnsafeTemporaryAllocation(
            of: Int.self, capacity: Shape.maximumRank,
            { scratch -> Shape? in
                guard count <= Shape.maximumRank else { return nil }
                var axis = 0
                for dim in dims {
                    scratch[axis] = dim
                    axis += 1
                }
                return Shape(interning: UnsafeBufferPointer(rebasing: scratch[0..<count]))
            })
        {
            self = shape
        } else {
            throw ArrayError.invalidShape(Array(dims.prefix(64)), rank: count, operation: operation)
        }
    }

    /// Interns `dims`; nil when they are no shape (too many, negative, or the product overflows).
    package init?(interning dims: UnsafeBufferPointer<Int>) {
        guard dims.count <= Shape.maximumRank, let size = Shape.elementCount(dims) else {
            return nil
        }
        self.record = ShapeTable.shared.intern(dims, size: size)
    }

    private static func elementCount(_ dims: UnsafeBufferPointer<Int>) -> Int? {
        // The product of the non-zero dimensions must fit too: (0, 2^63-1, 4) is no shape, because
        // its strides would wrap.
        var product = 1
        var isEmpty = false
        for dim in dims {
            if dim < 0 { return nil }
            if dim == 0 {
                isEmpty = true
                continue
            }
            let (next, overflow) = product.multipliedReportingOverflow(by: dim)
            // 2^60 elements of 8 bytes would be one byte more than an Int can count.
            if overflow || next >= 1 << 60 { return nil }
            product = next
        }
        return isEmpty ? 0 : product
    }
}

extension Shape: CustomStringConvertible {
    @usableFromInline package var description: String { Shape.describe(array) }

    /// The field's way to write a shape: `(2,3)`, `(5,)` would be Python's, one axis is `(5)`.
    package static func describe(_ dims: [Int]) -> String {
        "(" + dims.map(String.init).joined(separator: ",") + ")"
    }
}

/// The table behind `Shape`: open addressing, in shards. Looking a shape up takes no lock, because
/// threads that record side by side ask for the same few shapes again and again; only a shape that
/// nobody has had yet does. Records are never freed; the number of distinct shapes of a process is
/// what bounds them, and the tables that were outgrown, which readers may still be in.
private final class ShapeTable: Sendable {
    static let shared = ShapeTable()

    private typealias Slot = Atomic<UnsafePointer<Int>?>

    /// A shard's slots at one size; a larger one takes its place.
    private struct Slots {
        let slots: UnsafeMutablePointer<Slot>
        let capacity: Int

        static func make(_ capacity: Int) -> UnsafeMutablePointer<Slots> {
            let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
            for index in 0..<capacity { (slots + index).initialize(to: Slot(nil)) }
            let table = UnsafeMutablePointer<Slots>.allocate(capacity: 1)
            table.initialize(to: Slots(slots: slots, capacity: capacity))
            return table
        }

        /// The record of `dims`, or the free slot where it belongs.
        func find(
            _ dims: UnsafeBufferPointer<Int>, _ hash: UInt64
        ) -> (record: UnsafePointer<Int>?, slot: Int) {
            var index = Int(truncatingIfNeeded: hash) & (capacity - 1)
            while let record = slots[index].load(ordering: .acquiring) {
                if ShapeTable.matches(record, dims) { return (record, index) }
                index = (index + 1) & (capacity - 1)
            }
            return (nil, index)
        }
    }

    private struct Shard: ~Copyable {
        let table = Atomic<UnsafeMutablePointer<Slots>>(Slots.make(64))
        /// Held by whoever adds a record.
        let isLocked = Atomic<Bool>(false)
        /// The number of records; touched with the lock held.
        var count = 0
    }

    private static let shardCount = 64
    // SAFETY: never freed; `count` is touched with its shard's lock held, the rest is atomic.
    nonisolated(unsafe) private let shards: UnsafeMutablePointer<Shard>

    init() {
        shards = .allocate(capacity: ShapeTable.shardCount)
        for shard in 0..<ShapeTable.shardCount { (shards + shard).initialize(to: Shard()) }
        nonisolated(unsafe) let shards = shards
        ForkSafety.add(
            (0..<ShapeTable.shardCount).map { shard in
                .init(
                    hold: { !shards[shard].isLocked.exchange(true, ordering: .acquiring) },
                    letGo: { shards[shard].isLocked.store(false, ordering: .releasing) })
            })
    }

    private static func hash(_ dims: UnsafeBufferPointer<Int>) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 &+ UInt64(dims.count)
        for dim in dims {
            hash = (hash ^ UInt64(bitPattern: Int64(dim))) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
        }
        return hash
    }

    func intern(_ dims: UnsafeBufferPointer<Int>, size: Int) -> UnsafePointer<Int> {
        let hash = ShapeTable.hash(dims)
        let shard = shards + Int(hash >> 58)
        let known = shard.pointee.table.load(ordering: .acquiring).pointee.find(dims, hash).record
        return known ?? add(dims, size: size, hash, to: shard)
    }

    private func add(
        _ dims: UnsafeBufferPointer<Int>, size: Int, _ hash: UInt64,
        to shard: UnsafeMutablePointer<Shard>
    ) -> UnsafePointer<Int> {
        while shard.pointee.isLocked.exchange(true, ordering: .acquiring) { sched_yield() }
        defer { shard.pointee.isLocked.store(false, ordering: .releasing) }
        let table = shard.pointee.table.load(ordering: .relaxed)
        // Another thread may have added it before the lock was held.
        let (known, slot) = table.pointee.find(dims, hash)
        if let known { return known }
        let record = ShapeTable.makeRecord(dims, size: size)
        table.pointee.slots[slot].store(record, ordering: .releasing)
        shard.pointee.count += 1
        if shard.pointee.count * 2 > table.pointee.capacity { grow(shard) }
        return record
    }

    private static func matches(
        _ record: UnsafePointer<Int>, _ dims: UnsafeBufferPointer<Int>
    ) -> Bool {
        guard record[0] == dims.count else { return false }
        for axis in 0..<dims.count where record[2 + axis] != dims[axis] { return false }
        return true
    }

    private static func makeRecord(
        _ dims: UnsafeBufferPointer<Int>, size: Int
    ) -> UnsafePointer<Int> {
        let ndim = dims.count
        let record = UnsafeMutablePointer<Int>.allocate(capacity: 2 + 2 * ndim)
        record[0] = ndim
        record[1] = size
        var stride = 1
        for axis in (0..<ndim).reversed() {
            record[2 + axis] = dims[axis]
            record[2 + ndim + axis] = stride
            stride *= max(dims[axis], 1)
        }
        return UnsafePointer(record)
    }

    /// Puts the records into twice as many slots. Readers that are in the old ones find what was
    /// there, and ask again with the lock held for what was not.
    private func grow(_ shard: UnsafeMutablePointer<Shard>) {
        let old = shard.pointee.table.load(ordering: .relaxed).pointee
        let new = Slots.make(old.capacity * 2)
        for index in 0..<old.capacity {
            guard let record = old.slots[index].load(ordering: .relaxed) else { continue }
            let dims = UnsafeBufferPointer(start: record + 2, count: record[0])
            let slot = new.pointee.find(dims, ShapeTable.hash(dims)).slot
            new.pointee.slots[slot].store(record, ordering: .relaxed)
        }
        shard.pointee.table.store(new, ordering: .releasing)
    }
}
