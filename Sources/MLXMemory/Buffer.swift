/// The unified memory: one allocation, passed by reference to every device and never copied
/// between them. It returns itself to its allocator when the last reference goes, on whatever
/// thread that happens. It knows no dtype and no shape, and does not order accesses: who may
/// write when is the plan's business.
/// Invariant: `pointer` is valid for `capacity` bytes, a multiple of 64 unless adopted, until
/// deinit; a buffer of zero bytes has a pointer too.
package final class Buffer: @unchecked Sendable {
    // SAFETY: all fields are constants; the bytes behind the pointer are guarded by the plan,
    // which never lets a step write what another may be reading.
    package let pointer: UnsafeMutableRawPointer
    /// The bytes asked for.
    package let byteCount: Int
    /// The bytes that may be used.
    package let capacity: Int
    /// The NUMA node that the pages were asked from.
    package let node: Int32
    /// The block's number in its run; the heap's blocks have none.
    private let slot: UInt32
    private let place: BlockPlace
    private let owner: Unmanaged<SlabAllocator>?
    private let finalizer: (@Sendable () -> Void)?

    init(
        _ pointer: UnsafeMutableRawPointer, byteCount: Int, capacity: Int, node: Int32,
        slot: UInt32, place: BlockPlace, owner: Unmanaged<SlabAllocator>
    ) {
        self.pointer = pointer
        self.byteCount = byteCount
        self.capacity = capacity
        self.node = node
        self.slot = slot
        self.place = place
        self.owner = owner
        self.finalizer = nil
    }

    /// Takes foreign memory as it is: any alignment, counted by nobody.
    /// - Parameter finalizer: called once, on the thread that drops the last reference.
    package init(
        adopting pointer: UnsafeMutableRawPointer, byteCount: Int, node: Int = 0,
        finalizer: @escaping @Sendable () -> Void
    ) {
        self.pointer = pointer
        self.byteCount = byteCount
        self.capacity = byteCount
        self.node = Int32(node)
        self.slot = 0
        self.place = .foreign
        self.owner = nil
        self.finalizer = finalizer
    }

    package var isAdopted: Bool { owner == nil }

    deinit {
        if let owner {
            // SAFETY: an allocator retains itself while any of its buffers lives.
            owner._withUnsafeGuaranteedRef { $0.take(back: place, slot: slot, capacity: capacity) }
        } else {
            finalizer?()
        }
    }
}

/// Where a buffer's bytes came from.
enum BlockPlace {
    case run(UnsafeMutablePointer<Run>)
    case heap(UnsafeMutablePointer<Block>)
    case foreign
}
