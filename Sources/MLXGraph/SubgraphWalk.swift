import MLXBase
import Synchronization

/// The walk behind `Subgraph`: depth first with a stack of its own, so depth is bounded by memory
/// only. It holds the edges of a lane from the first row there whose inputs it reads until the
/// subgraph has its references; what was bound in between is seen as a value. Its tables keep
/// their memory for the next walk.
struct SubgraphWalk: ~Copyable {
    private struct Frame {
        let id: NodeID
        let row: UnsafeMutablePointer<Row>
        let inputCount: Int32
        var next: Int32
        let pendingBase: Int
    }

    private let store = GraphStore.shared
    private var index = NodeIndex()
    private var stack: UnsafeMutablePointer<Frame>
    private var stackCapacity = 64
    /// Positions of the inputs found so far of the nodes on the stack.
    private var pending: UnsafeMutablePointer<Int32>
    private var pendingCapacity = 128
    private var pendingCount = 0
    private var lanes = LaneSet()
    var stops: Set<NodeHandle> = [] {
        didSet { stopBits = stops.reduce(0) { $0 | SubgraphWalk.bit($1.id) } }
    }
    /// What the ends of the stops' numbers are: most other nodes need no look into the set.
    private var stopBits: UInt64 = 0
    var throughValues = false

    init() {
        stack = .allocate(capacity: stackCapacity)
        pending = .allocate(capacity: pendingCapacity)
    }

    deinit {
        stack.deallocate()
        pending.deallocate()
    }

    /// Lets go of the edges and forgets the nodes.
    mutating func finish() {
        lanes.letGo(store)
        index.clear()
    }

    mutating func visit(_ root: NodeID, into graph: inout Subgraph) -> Int32 {
        if let known = index.find(root) { return known }
        var depth = 0
        pendingCount = 0
        push(root, &depth)
        while true {
            let frame = stack + (depth - 1)
            let row = frame.pointee.row
            var descended = false
            while frame.pointee.next < frame.pointee.inputCount {
                let input = SubgraphWalk.input(Int(frame.pointee.next), of: row)
                frame.pointee.next += 1
                if let known = index.find(input) {
                    append(known)
                } else {
                    push(input, &depth)
                    descended = true
                    break
                }
            }
            if descended { continue }
            let (id, base) = (frame.pointee.id, frame.pointee.pendingBase)
            let position = graph.append(
                id, row, inputs: UnsafePointer(pending + base), pendingCount - base)
            index.insert(id, position)
            pendingCount = base
            depth -= 1
            if depth == 0 { return position }
            append(position)
        }
    }

    @inline(__always) private mutating func append(_ position: Int32) {
        if pendingCount == pendingCapacity { growPending() }
        pending[pendingCount] = position
        pendingCount += 1
    }

    @inline(__always) private mutating func push(_ id: NodeID, _ depth: inout Int) {
        if depth == stackCapacity { growStack() }
        let row = store.row(id)
        stack[depth] = Frame(
            id: id, row: row, inputCount: walkedInputCount(id, row), next: 0,
            pendingBase: pendingCount)
        depth += 1
    }

    /// How many inputs to walk to. Holds the edges of the row's lane if there are any.
    @inline(__always) private mutating func walkedInputCount(
        _ id: NodeID, _ row: UnsafeMutablePointer<Row>
    ) -> Int32 {
        if row.pointee.inputCount == 0 || isEnd(row) { return 0 }
        // Somebody may have bound the row before the lane was held: look again.
        if lanes.hold(id.lane, store), isEnd(row) { return 0 }
        if stopBits & SubgraphWalk.bit(id) != 0 {
            let generation = UInt32(
                truncatingIfNeeded: row.pointee.state.load(ordering: .relaxed) >> 32)
            if stops.contains(NodeHandle(id: id, generation: generation)) { return 0 }
        }
        var count = Int32(row.pointee.inputCount)
        if let payload = row.pointee.payload {
            count += Int32(payload._withUnsafeGuaranteedRef { $0.moreInputs.count })
        }
        return count
    }

    @inline(__always) private static func bit(_ id: NodeID) -> UInt64 {
        1 << UInt64(id.raw & 63)
    }

    @inline(__always) private func isEnd(_ row: UnsafeMutablePointer<Row>) -> Bool {
        if row.pointee.flags.contains(.detached) { return true }
        return !throughValues && row.pointee.value.load(ordering: .acquiring) != 0
    }

    @inline(__always) private static func input(
        _ number: Int, of row: UnsafeMutablePointer<Row>
    ) -> NodeID {
        switch number {
        case 0: row.pointee.inputs.0
        case 1: row.pointee.inputs.1
        case 2: row.pointee.inputs.2
        default:
            row.pointee.payload.unsafelyUnwrapped._withUnsafeGuaranteedRef {
                $0.moreInputs[number - 3]
            }
        }
    }

    @inline(never) private mutating func growStack() {
        let larger = UnsafeMutablePointer<Frame>.allocate(capacity: stackCapacity * 2)
        larger.update(from: stack, count: stackCapacity)
        stack.deallocate()
        stack = larger
        stackCapacity *= 2
    }

    @inline(never) private mutating func growPending() {
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: pendingCapacity * 2)
        larger.update(from: pending, count: pendingCapacity)
        pending.deallocate()
        pending = larger
        pendingCapacity *= 2
    }
}

/// From node id to position: open addressing with linear probing, id and position in one word.
/// The slots in use are listed, so forgetting a small graph in a large table is cheap.
private struct NodeIndex: ~Copyable {
    private var slots: UnsafeMutablePointer<UInt64>
    private var used: UnsafeMutablePointer<Int32>
    private var count = 0
    private var mask: Int
    private static let firstSize = 256
    /// A table that one large graph left behind is not kept.
    private static let largestKept = 1 << 16

    init() {
        mask = NodeIndex.firstSize - 1
        slots = .allocate(capacity: mask + 1)
        slots.initialize(repeating: 0, count: mask + 1)
        used = .allocate(capacity: (mask + 1) / 2)
    }

    deinit {
        slots.deallocate()
        used.deallocate()
    }

    @inline(__always) private static func hash(_ key: UInt32) -> Int {
        Int((key &* 0x9E37_79B1) >> 7)
    }

    @inline(__always) func find(_ id: NodeID) -> Int32? {
        var slot = NodeIndex.hash(id.raw) & mask
        while slots[slot] != 0 {
            if UInt32(slots[slot] >> 32) == id.raw {
                return Int32(truncatingIfNeeded: slots[slot])
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    @inline(__always) mutating func insert(_ id: NodeID, _ position: Int32) {
        if count == (mask + 1) / 2 { resize(to: (mask + 1) * 4) }
        place(UInt64(id.raw) << 32 | UInt64(UInt32(bitPattern: position)))
    }

    @inline(__always) private mutating func place(_ entry: UInt64) {
        var slot = NodeIndex.hash(UInt32(entry >> 32)) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = entry
        used[count] = Int32(truncatingIfNeeded: slot)
        count += 1
    }

    mutating func clear() {
        if mask >= NodeIndex.largestKept {
            count = 0
            return resize(to: NodeIndex.firstSize)
        }
        for number in 0..<count { slots[Int(used[number])] = 0 }
        count = 0
    }

    private mutating func resize(to size: Int) {
        let (oldSlots, oldUsed, oldCount) = (slots, used, count)
        mask = size - 1
        slots = .allocate(capacity: size)
        slots.initialize(repeating: 0, count: size)
        used = .allocate(capacity: size / 2)
        count = 0
        for number in 0..<oldCount { place(oldSlots[Int(oldUsed[number])]) }
        oldSlots.deallocate()
        oldUsed.deallocate()
    }
}
