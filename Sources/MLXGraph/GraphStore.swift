import CMLXKernels
import Glibc
import MLXBase
import Synchronization

/// The rows of all graphs of the process. Recording appends a row to the calling thread's lane
/// and never meets another thread; a row freed elsewhere goes back through the lane's remote
/// list. Rows are never unmapped, so a stale handle can always be checked against its row.
/// This file allocates and frees; `GraphStore+References.swift` counts references.
///
/// A value without fields: its tables have addresses that the linker knows. A class would count
/// references at each use, where threads that record side by side would meet, and a global of
/// Swift's asks each time whether it is there yet.
@usableFromInline package struct GraphStore: Sendable {
    // `chunks` entries are written once under a lane's lock, before any id of that chunk is
    // published; everything else is atomic or guarded by a lane's lock.
    @inlinable @inline(__always) package static var shared: GraphStore { GraphStore() }

    static let laneCount = 256
    static let indexBits: UInt32 = 24
    @inlinable static var chunkShift: UInt32 { 14 }
    @inlinable static var rowsPerChunk: Int { 1 << 14 }

    /// Chunk pointers, indexed by the top 18 bits of a node id.
    @inlinable @inline(__always)
    var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Row>?> {
        mlx_graph_chunks().assumingMemoryBound(to: UnsafeMutablePointer<Row>?.self)
    }
    /// Zeroed memory is a lane without rows.
    @inlinable @inline(__always) var lanes: UnsafeMutablePointer<Lane> {
        mlx_graph_lanes().assumingMemoryBound(to: Lane.self)
    }

    @inlinable init() {}

    @inlinable @inline(__always) package func row(_ id: NodeID) -> UnsafeMutablePointer<Row> {
        let chunk = chunks[Int(id.raw >> GraphStore.chunkShift)].unsafelyUnwrapped
        return chunk + Int(id.raw & UInt32(GraphStore.rowsPerChunk - 1))
    }

    // MARK: - Appending

    /// What a new row holds. The references to its inputs and payload are taken over by the row.
    @frozen @usableFromInline package struct Entry {
        @usableFromInline package var op: OpCode
        @usableFromInline package var dtype: DType
        @usableFromInline package var flags: RowFlags
        @usableFromInline package var trace: UInt8
        @usableFromInline package var stream: StreamID
        @usableFromInline package var inputCount: Int
        @usableFromInline package var inputs: (NodeID, NodeID, NodeID)
        @usableFromInline package var shape: Shape
        @usableFromInline package var word: UInt64
        /// Owned, and unmanaged so that copying an entry copies words only.
        @usableFromInline private(set) var payload: Unmanaged<Payload>?

        @inlinable @inline(__always) package init(op: OpCode, dtype: DType, shape: Shape) {
            self.op = op
            self.dtype = dtype
            self.shape = shape
            flags = []
            trace = 0
            stream = .unpinned
            inputCount = 0
            inputs = (.none, .none, .none)
            word = 0
            payload = nil
        }

        package mutating func own(_ payload: Payload) {
            self.payload = Unmanaged.passRetained(payload)
        }
    }

    /// Appends a row with one user, the caller.
    @inlinable @inline(__always) package func append(_ entry: borrowing Entry) -> NodeHandle {
        let lane = LaneAssignment.current
        var id = take(from: lane)
        if id == .none {
            id = takeFromAnyLane()
            if id == .none { return refuse(entry) }
        }
        let row = row(id)
        row.pointee.op = entry.op
        row.pointee.dtype = entry.dtype
        row.pointee.flagBits.store(entry.flags.rawValue, ordering: .relaxed)
        row.pointee.inputCount = UInt8(truncatingIfNeeded: entry.inputCount)
        row.pointee.traceMask.store(entry.trace, ordering: .relaxed)
        row.pointee.stream = entry.stream
        row.pointee.inputs = entry.inputs
        row.pointee.shape = entry.shape
        row.pointee.word = entry.word
        row.pointee.payload = entry.payload
        let generation = row.pointee.state.load(ordering: .relaxed) >> 32
        row.pointee.state.store(generation << 32 | 1, ordering: .releasing)
        return NodeHandle(id: id, generation: UInt32(truncatingIfNeeded: generation))
    }

    @inlinable @inline(__always) func take(from lane: Int) -> NodeID {
        lanes[lane].lock()
        defer { lanes[lane].unlock() }
        let free = lanes[lane].freeHead
        if free != 0 {
            lanes[lane].freeHead = row(NodeID(raw: free)).pointee.link
            return NodeID(raw: free)
        }
        return takeSlow(from: lane)
    }

    /// Takes back what other threads freed, or grows the lane. Called with the lane's lock held.
    @usableFromInline @inline(never) func takeSlow(from lane: Int) -> NodeID {
        let returned = lanes[lane].remote.exchange(0, ordering: .acquiring)
        if returned != 0 {
            lanes[lane].freeHead = row(NodeID(raw: returned)).pointee.link
            return NodeID(raw: returned)
        }
        // Index 0 of every lane stays unused, so that no id is 0.
        let index = lanes[lane].used + 1
        guard index <= GraphStore.largestIndex else { return .none }
        let id = UInt32(lane) << GraphStore.indexBits | index
        let chunk = Int(id >> GraphStore.chunkShift)
        if chunks[chunk] == nil {
            guard let rows = GraphStore.makeChunk() else { return .none }
            chunks[chunk] = rows
        }
        lanes[lane].used = index
        return NodeID(raw: id)
    }

    /// The calling thread's lane is full (16 million live nodes): spill over into the others.
    @usableFromInline @inline(never) func takeFromAnyLane() -> NodeID {
        for lane in 0..<GraphStore.laneCount {
            let id = take(from: lane)
            if id != .none { return id }
        }
        return .none
    }

    /// The store is full: lets go of what the row was to own, and stands in an invalid node, one
    /// for all, that was made in time.
    @usableFromInline @inline(never) func refuse(_ entry: borrowing Entry) -> NodeHandle {
        let inputs = [entry.inputs.0, entry.inputs.1, entry.inputs.2]
        let payload = entry.payload?.takeRetainedValue()
        for id in inputs.prefix(entry.inputCount) + (payload?.moreInputs ?? []) { release(id) }
        retain(GraphStore.full.id)
        return GraphStore.full
    }

    /// What stands for a node that found no room. The thread gets its lane first, because that is
    /// what makes the node.
    static var full: NodeHandle {
        _ = LaneAssignment.current
        return fullNode
    }

    /// Made when the first thread gets its lane, because later there may be no row for it.
    static let fullNode: NodeHandle = {
        var entry = Entry(op: .invalid, dtype: .float32, shape: .scalar)
        entry.flags = .poisoned
        entry.own(
            Payload(
                error: ArrayError(
                    .limit, "record",
                    "the graph holds as many nodes as it can or memory allows; evaluate arrays "
                        + "before recording more on them")))
        // A fork happens while no lane is being changed or walked.
        ForkSafety.add(
            (0..<laneCount).map { lane in
                .init(hold: { shared.lanes[lane].tryHold() }, letGo: { shared.lanes[lane].letGo() })
            })
        return GraphStore.shared.append(entry)
    }()

    /// The last index of a lane. Smaller in tests only.
    package static var largestIndex: UInt32 {
        get { largestIndexCell.load(ordering: .relaxed) }
        set { largestIndexCell.store(newValue, ordering: .relaxed) }
    }
    private static let largestIndexCell = Atomic<UInt32>(1 << GraphStore.indexBits - 1)

    /// - Returns: nil when the system has no memory.
    private static func makeChunk() -> UnsafeMutablePointer<Row>? {
        precondition(MemoryLayout<Row>.size == 64, "a row is one cache line")
        precondition(MemoryLayout<Lane>.stride == 128, "a lane is two cache lines")
        let bytes = rowsPerChunk * MemoryLayout<Row>.stride
        guard let raw = aligned_alloc(64, bytes) else { return nil }
        // Zero is a valid row: no users, no inputs, no value. Generation starts at 1 so that
        // handle 0 never matches.
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        let rows = raw.bindMemory(to: Row.self, capacity: rowsPerChunk)
        for i in 0..<rowsPerChunk {
            rows[i].state.store(1 << 32, ordering: .relaxed)
        }
        return rows
    }

    /// Live rows over all lanes; for tests and diagnostics, approximate while others record.
    package var liveCount: Int {
        var live = 0
        // The store's own node is nobody's leak.
        let own = GraphStore.full.id
        for lane in 0..<GraphStore.laneCount {
            lanes[lane].lock()
            let used = lanes[lane].used
            lanes[lane].unlock()
            for index in 0..<used {
                let id = NodeID(raw: UInt32(lane) << GraphStore.indexBits | (index + 1))
                if id == own { continue }
                let state = row(id).pointee.state.load(ordering: .relaxed)
                if UInt32(truncatingIfNeeded: state) > 0 { live += 1 }
            }
        }
        return live
    }
}
