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

/// The table behind `Shape`: open addressing under a spin lock per shard. Records are never
/// freed; the number of distinct shapes of a process is what bounds it.
private final class ShapeTable: @unchecked Sendable {
    // SAFETY: `slots` of a shard is only touched with that shard's lock held.
    static let shared = ShapeTable()

    private struct Shard {
        var slots: UnsafeMutablePointer<UnsafePointer<Int>?>
        var capacity: Int
        var count: Int
    }

    private static let shardCount = 64
    private let shards: UnsafeMutablePointer<Shard>
    private let locks: UnsafeMutablePointer<Atomic<Bool>>

    init() {
        shards = .allocate(capacity: ShapeTable.shardCount)
        locks = .allocate(capacity: ShapeTable.shardCount)
        for i in 0..<ShapeTable.shardCount {
            (shards + i).initialize(
                to: Shard(slots: ShapeTable.makeSlots(64), capacity: 64, count: 0))
            (locks + i).initialize(to: Atomic(false))
        }
        nonisolated(unsafe) let locks = locks
        ForkSafety.add(
            (0..<ShapeTable.shardCount).map { shard in
                .init(
                    hold: { !locks[shard].exchange(true, ordering: .acquiring) },
                    letGo: { locks[shard].store(false, ordering: .releasing) })
            })
    }

    private static func makeSlots(_ capacity: Int) -> UnsafeMutablePointer<UnsafePointer<Int>?> {
        let slots = UnsafeMutablePointer<UnsafePointer<Int>?>.allocate(capacity: capacity)
        slots.initialize(repeating: nil, count: capacity)
        return slots
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
        let shard = Int(hash >> 58)
        while locks[shard].exchange(true, ordering: .acquiring) {}
        defer { locks[shard].store(false, ordering: .releasing) }
        var index = Int(truncatingIfNeeded: hash) & (shards[shard].capacity - 1)
        while let record = shards[shard].slots[index] {
            if ShapeTable.matches(record, dims) { return record }
            index = (index + 1) & (shards[shard].capacity - 1)
        }
        let record = ShapeTable.makeRecord(dims, size: size)
        shards[shard].slots[index] = record
        shards[shard].count += 1
        if shards[shard].count * 2 > shards[shard].capacity { grow(shard) }
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

    private func grow(_ shard: Int) {
        let old = shards[shard]
        let capacity = old.capacity * 2
        let slots = ShapeTable.makeSlots(capacity)
        for i in 0..<old.capacity {
            guard let record = old.slots[i] else { continue }
            let dims = UnsafeBufferPointer(start: record + 2, count: record[0])
            var index = Int(truncatingIfNeeded: ShapeTable.hash(dims)) & (capacity - 1)
            while slots[index] != nil { index = (index + 1) & (capacity - 1) }
            slots[index] = record
        }
        old.slots.deallocate()
        shards[shard].slots = slots
        shards[shard].capacity = capacity
    }
}
