import CMLXKernels
import Glibc
import MLXBase
import MLXMemory
import Synchronization

/// Reference counting of rows, and the freeing that follows. Freeing is iterative: the rows to
/// free are linked through their own `link` words, so a chain of a million nodes needs no stack.
extension GraphStore {
    /// Takes a reference through a handle. False when the node is gone, which the owner of a
    /// mutable handle sees when another thread replaced it: load the handle again.
    @inlinable @inline(__always) package func retain(_ handle: NodeHandle) -> Bool {
        let row = row(handle.id)
        var state = row.pointee.state.load(ordering: .relaxed)
        while true {
            if UInt32(truncatingIfNeeded: state >> 32) != handle.generation { return false }
            if UInt32(truncatingIfNeeded: state) == 0 { return false }
            let (exchanged, original) = row.pointee.state.weakCompareExchange(
                expected: state, desired: state + 1, ordering: .acquiring)
            if exchanged { return true }
            state = original
        }
    }

    /// Takes a reference to the node that an array stands for now.
    /// - Parameter word: the array's.
    @inlinable @inline(__always) package func acquire(
        _ word: borrowing Atomic<UInt64>
    ) -> NodeHandle {
        while true {
            let handle = NodeHandle(raw: word.load(ordering: .acquiring))
            if retain(handle) { return handle }
        }
    }

    /// Takes another reference to a node that the caller already owns one of.
    @inlinable @inline(__always) package func retain(_ id: NodeID) {
        row(id).pointee.state.wrappingAdd(1, ordering: .relaxed)
    }

    /// Gives up a reference; frees the node, and what only it held, with the last one.
    @inlinable @inline(__always) package func release(_ id: NodeID) {
        if dropReference(id) { free(id) }
    }

    /// The number of references to a node, as of now.
    package func users(_ id: NodeID) -> Int {
        Int(UInt32(truncatingIfNeeded: row(id).pointee.state.load(ordering: .relaxed)))
    }

    @inlinable @inline(__always) func dropReference(_ id: NodeID) -> Bool {
        let (old, _) = row(id).pointee.state.wrappingSubtract(
            1, ordering: .acquiringAndReleasing)
        assert(UInt32(truncatingIfNeeded: old) > 0, "a node was released more often than retained")
        return UInt32(truncatingIfNeeded: old) == 1
    }

    @usableFromInline @inline(never) func free(_ id: NodeID) {
        let own = LaneAssignment.current
        // Rows of the thread's own lane are given back together, under one lock.
        var (first, last) = (UInt32(0), UInt32(0))
        row(id).pointee.link = 0
        var head = id.raw
        while head != 0 {
            let id = NodeID(raw: head)
            let row = row(id)
            head = row.pointee.link
            // Values and payloads are released after the row's inputs were taken off it, so a
            // finaliser that records does not see a half-freed row.
            let payload = row.pointee.payload
            // Nobody else can reach the row any more.
            let value = row.pointee.value.load(ordering: .acquiring)
            if value != 0 { row.pointee.value.store(0, ordering: .relaxed) }
            forEachInput(of: row) { input in
                if dropReference(input) {
                    self.row(input).pointee.link = head
                    head = input.raw
                }
            }
            if payload != nil { row.pointee.payload = nil }
            retire(row)
            if id.lane == own {
                row.pointee.link = first
                first = id.raw
                if last == 0 { last = first }
            } else {
                giveBack(id, row)
            }
            payload?.release()
            if let pointer = UnsafeRawPointer(bitPattern: value) {
                Unmanaged<Value>.fromOpaque(pointer).release()
            }
        }
        guard first != 0 else { return }
        lanes[own].lock()
        row(NodeID(raw: last)).pointee.link = lanes[own].freeHead
        lanes[own].freeHead = first
        lanes[own].unlock()
    }

    /// Makes all handles to a row stale.
    @inline(__always) private func retire(_ row: UnsafeMutablePointer<Row>) {
        // Generation 0 is never used.
        let generation = (row.pointee.state.load(ordering: .relaxed) >> 32 &+ 1) & 0xFFFF_FFFF
        row.pointee.state.store(max(generation, 1) << 32, ordering: .relaxed)
    }

    /// Returns a row to another thread's lane.
    private func giveBack(_ id: NodeID, _ row: UnsafeMutablePointer<Row>) {
        let lane = id.lane
        var head = lanes[lane].remote.load(ordering: .relaxed)
        while true {
            row.pointee.link = head
            let (exchanged, original) = lanes[lane].remote.weakCompareExchange(
                expected: head, desired: id.raw, successOrdering: .releasing,
                failureOrdering: .relaxed)
            if exchanged { break }
            head = original
        }
    }

    /// The inputs that the row still holds.
    @inline(__always) func forEachInput(
        of row: UnsafeMutablePointer<Row>, _ body: (NodeID) -> Void
    ) {
        if row.pointee.flags.contains(.detached) { return }
        let count = Int(row.pointee.inputCount)
        if count > 0 { body(row.pointee.inputs.0) }
        if count > 1 { body(row.pointee.inputs.1) }
        if count > 2 { body(row.pointee.inputs.2) }
        if let payload = row.pointee.payload {
            for id in payload._withUnsafeGuaranteedRef({ $0.moreInputs }) { body(id) }
        }
    }
}

/// Which lane a thread records in: assigned at its first node, returned when the thread ends.
@usableFromInline enum LaneAssignment {
    @inlinable @inline(__always) static var current: Int {
        let lane = mlx_thread().pointee.lane
        return lane != 0 ? Int(lane) - 1 : assign()
    }

    private static let returned = Locked<[UInt32]>([]).survivingForks()
    private static let assigned = Atomic<UInt32>(0)

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { word in
            guard let word else { return }
            let lane = UInt32(UInt(bitPattern: word))
            LaneAssignment.returned.withLock { $0.append(lane) }
            // Nodes that this thread's later destructors still free go through remote lists.
            mlx_thread().pointee.lane = 0
        }
        return key
    }()

    @usableFromInline @inline(never) static func assign() -> Int {
        let lane: UInt32
        if let free = returned.withLock({ $0.popLast() }) {
            lane = free
        } else {
            // Beyond the last lane, threads share: the lane's lock keeps that correct.
            lane =
                assigned.wrappingAdd(1, ordering: .relaxed).oldValue
                % UInt32(GraphStore.laneCount) + 1
        }
        mlx_thread().pointee.lane = lane
        _ = GraphStore.fullNode
        pthread_setspecific(key, UnsafeRawPointer(bitPattern: UInt(lane)))
        return Int(lane) - 1
    }
}
