import MLXBase
import Synchronization

/// What changes existing nodes: binding values, the end of a gradient trace, and the marks of
/// what is being computed. The first two take edges off the graph, one row at a time, with the
/// row's lane held alone; the references go after the lane was let go.
extension GraphStore {
    /// Binds an evaluated value to its node and lets go of the graph behind it. A node that died
    /// meanwhile, or was bound by somebody else, is skipped. Nodes in an open gradient trace keep
    /// their inputs until it ends, those that a run holds until it lets go.
    package func bind(_ handle: NodeHandle, _ value: Value) {
        guard retain(handle) else { return }
        let row = row(handle.id)
        var dropped = DroppedInputs()
        lanes[handle.id.lane].lockEdges()
        if row.pointee.value.load(ordering: .relaxed) == 0 {
            setValue(value, of: handle.id)
            if row.pointee.trace & TraceLevels.openMask == 0 { detach(row, into: &dropped) }
        }
        lanes[handle.id.lane].unlockEdges()
        dropped.release(self)
        release(handle.id)
    }

    /// Keeps the edges of a row where they are, for a walk that holds the lane of each row with
    /// inputs.
    /// - Returns: false if another run does so already.
    @inline(__always) func hold(_ row: UnsafeMutablePointer<Row>) -> Bool {
        let old = row.pointee.flagBits
            .bitwiseOr(RowFlags.held.rawValue, ordering: .acquiringAndReleasing).oldValue
        return !RowFlags(rawValue: old).contains(.held)
    }

    /// Ends a hold. What would have let go of the row's inputs meanwhile happens now. A node that
    /// died, which happens only when what kept it has been let go, is skipped.
    func letGo(_ handle: NodeHandle) {
        guard retain(handle) else { return }
        let row = row(handle.id)
        var dropped = DroppedInputs()
        lanes[handle.id.lane].lockEdges()
        row.pointee.flagBits.bitwiseAnd(~RowFlags.held.rawValue, ordering: .acquiringAndReleasing)
        if row.pointee.value.load(ordering: .relaxed) != 0,
            row.pointee.trace & TraceLevels.openMask == 0
        {
            detach(row, into: &dropped)
        }
        lanes[handle.id.lane].unlockEdges()
        dropped.release(self)
        release(handle.id)
    }

    /// Ends a gradient trace: its nodes leave the trace, and evaluated ones let go of their
    /// inputs.
    /// - Parameter bit: the trace's bit in `Row.trace`.
    package func endTrace(_ bit: UInt8, nodes: some Collection<NodeHandle>) {
        for handle in nodes where retain(handle) {
            let row = row(handle.id)
            var dropped = DroppedInputs()
            lanes[handle.id.lane].lockEdges()
            row.pointee.traceMask.bitwiseAnd(~bit, ordering: .relaxed)
            if row.pointee.trace == 0 && row.pointee.value.load(ordering: .relaxed) != 0 {
                detach(row, into: &dropped)
            }
            lanes[handle.id.lane].unlockEdges()
            dropped.release(self)
            release(handle.id)
        }
    }

    @inline(__always) private func detach(
        _ row: UnsafeMutablePointer<Row>, into dropped: inout DroppedInputs
    ) {
        if !row.pointee.flags.isDisjoint(with: [.detached, .held]) { return }
        dropped.take(from: row)
        row.pointee.flagBits.bitwiseOr(RowFlags.detached.rawValue, ordering: .relaxed)
    }

    // MARK: - Claims

    /// Marks nodes as being computed, all of them or, when one is marked already, none. The
    /// caller owns references to them.
    package func claim(_ handles: some Collection<NodeHandle>) -> Bool {
        var count = 0
        for handle in handles {
            let old = row(handle.id).pointee.flagBits
                .bitwiseOr(RowFlags.claimed.rawValue, ordering: .acquiringAndReleasing).oldValue
            if RowFlags(rawValue: old).contains(.claimed) {
                unclaim(handles.prefix(count))
                return false
            }
            count += 1
        }
        return true
    }

    /// Takes the marks off again.
    package func unclaim(_ handles: some Collection<NodeHandle>) {
        for handle in handles {
            row(handle.id).pointee.flagBits
                .bitwiseAnd(~RowFlags.claimed.rawValue, ordering: .acquiringAndReleasing)
        }
    }
}

/// The inputs that a row gave up, to be released when no lane is held. No heap: most rows have
/// three at most.
private struct DroppedInputs {
    private var first = (NodeID.none, NodeID.none, NodeID.none)
    private var more: [NodeID] = []

    @inline(__always) mutating func take(from row: UnsafeMutablePointer<Row>) {
        let count = Int(row.pointee.inputCount)
        if count > 0 { first.0 = row.pointee.inputs.0 }
        if count > 1 { first.1 = row.pointee.inputs.1 }
        if count > 2 { first.2 = row.pointee.inputs.2 }
        if let payload = row.pointee.payload {
            more = payload._withUnsafeGuaranteedRef { $0.moreInputs }
        }
    }

    @inline(__always) func release(_ store: GraphStore) {
        if first.0 != .none { store.release(first.0) }
        if first.1 != .none { store.release(first.1) }
        if first.2 != .none { store.release(first.2) }
        for id in more { store.release(id) }
    }
}
