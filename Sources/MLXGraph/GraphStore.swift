import CMLXKernels
import MLXBase
import Synchronization

/// The rows of all graphs of the process. Recording appends a row to the calling thread's lane
/// and never meets another thread; a row freed elsewhere goes back through the lane's remote
/// list. Rows are never unmapped, so a stale handle can always be checked against its row.
/// This file allocates and frees; `GraphStore+References.swift` counts references.
///
/// A value of three addresses: a class would count references at each use, and threads that
/// record side by side would meet at the counter.
package struct GraphStore: @unchecked Sendable {
    // SAFETY: `chunks` entries are written once under a lane's lock, before any id of that chunk
    // is published; everything else is atomic or guarded by a lane's lock.
    package static let shared = GraphStore()

    static let laneCount = 256
    static let indexBits: UInt32 = 24
    static let chunkShift: UInt32 = 14
    static let rowsPerChunk = 1 << 14

    /// Chunk pointers, indexed by the top 18 bits of a node id.
    let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Row>?>
    let lanes: UnsafeMutablePointer<Lane>

    init() {
        precondition(MemoryLayout<Row>.size == 64, "a row is one cache line")
        precondition(MemoryLayout<Lane>.stride == 128, "a lane is two cache lines")
        let chunkCount = GraphStore.laneCount << (GraphStore.indexBits - GraphStore.chunkShift)
        chunks = .allocate(capacity: chunkCount)
        chunks.initialize(repeating: nil, count: chunkCount)
        lanes = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Lane>.stride * GraphStore.laneCount, alignment: 128
        ).bindMemory(to: Lane.self, capacity: GraphStore.laneCount)
        for i in 0..<GraphStore.laneCount { (lanes + i).initialize(to: Lane()) }
    }

    @inline(__always) package func row(_ id: NodeID) -> UnsafeMutablePointer<Row> {
        let chunk = chunks[Int(id.raw >> GraphStore.chunkShift)].unsafelyUnwrapped
        return chunk + Int(id.raw & UInt32(GraphStore.rowsPerChunk - 1))
    }

    // MARK: - Appending

    /// What a new row holds. The inputs' references are taken over by the row.
    package struct Entry {
        package var op: OpCode
        package var dtype: DType
        package var shape: Shape
        package var inputs: (NodeID, NodeID, NodeID) = (.none, .none, .none)
        package var inputCount = 0
        package var word: UInt64 = 0
        package var payload: Payload?
        package var stream = StreamID.unpinned
        package var trace: UInt8 = 0
        package var flags: RowFlags = []

        @inline(__always) package init(op: OpCode, dtype: DType, shape: Shape) {
            self.op = op
            self.dtype = dtype
            self.shape = shape
        }
    }

    /// Appends a row with one user, the caller.
    @inline(__always) package func append(_ entry: borrowing Entry) -> NodeHandle {
        let lane = LaneAssignment.current
        var id = take(from: lane)
        if id == .none { id = takeFromAnyLane() }
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
        row.pointee.payload = entry.payload.map(Unmanaged.passRetained)
        let generation = row.pointee.state.load(ordering: .relaxed) >> 32
        row.pointee.state.store(generation << 32 | 1, ordering: .releasing)
        return NodeHandle(id: id, generation: UInt32(truncatingIfNeeded: generation))
    }

    @inline(__always) private func take(from lane: Int) -> NodeID {
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
    @inline(never) private func takeSlow(from lane: Int) -> NodeID {
        let returned = lanes[lane].remote.exchange(0, ordering: .acquiring)
        if returned != 0 {
            lanes[lane].freeHead = row(NodeID(raw: returned)).pointee.link
            return NodeID(raw: returned)
        }
        // Index 0 of every lane stays unused, so that no id is 0.
        let index = lanes[lane].next
        guard index < 1 << GraphStore.indexBits else { return .none }
        let id = UInt32(lane) << GraphStore.indexBits | index
        let chunk = Int(id >> GraphStore.chunkShift)
        if chunks[chunk] == nil {
            chunks[chunk] = GraphStore.makeChunk()
        }
        lanes[lane].next = index + 1
        return NodeID(raw: id)
    }

    /// The calling thread's lane is full (16 million live nodes): spill over into the others.
    @inline(never) private func takeFromAnyLane() -> NodeID {
        for lane in 0..<GraphStore.laneCount {
            let id = take(from: lane)
            if id != .none { return id }
        }
        fatalError("the graph holds 4 billion nodes; evaluate before recording more")
    }

    private static func makeChunk() -> UnsafeMutablePointer<Row> {
        let bytes = rowsPerChunk * MemoryLayout<Row>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
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
        for lane in 0..<GraphStore.laneCount {
            lanes[lane].lock()
            let next = lanes[lane].next
            lanes[lane].unlock()
            for index in 1..<max(next, 1) {
                let id = NodeID(raw: UInt32(lane) << GraphStore.indexBits | index)
                let state = row(id).pointee.state.load(ordering: .relaxed)
                if UInt32(truncatingIfNeeded: state) > 0 { live += 1 }
            }
        }
        return live
    }
}
