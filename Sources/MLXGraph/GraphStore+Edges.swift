import MLXBase
import Synchronization

/// What changes existing nodes: binding values, and the end of a gradient trace. Both take edges
/// off the graph, under the structure lock's exclusive side; the references go afterwards.
extension GraphStore {
    /// Binds evaluated values to their nodes and lets go of the graph behind them. A node that
    /// died meanwhile, or was bound by somebody else, is skipped. Nodes in an open gradient trace
    /// keep their inputs until it ends.
    package func bind(_ results: some Collection<(handle: NodeHandle, value: Value)>) {
        var dropped: [NodeID] = []
        let openTraces = TraceLevels.openMask
        structure.withEdgesChanging {
            for (handle, value) in results where retain(handle) {
                let row = row(handle.id)
                dropped.append(handle.id)
                guard row.pointee.value.load(ordering: .relaxed) == 0 else { continue }
                setValue(value, of: handle.id)
                if row.pointee.trace & openTraces == 0 { detach(row, into: &dropped) }
            }
        }
        for id in dropped { release(id) }
    }

    /// Turns nodes whose inputs were overwritten by a failed evaluation into invalid ones: asking
    /// for them again throws `error` instead of computing from destroyed data.
    package func invalidate(_ handles: some Collection<NodeHandle>, error: ArrayError) {
        var dropped: [NodeID] = []
        structure.withEdgesChanging {
            for handle in handles where retain(handle) {
                let row = row(handle.id)
                dropped.append(handle.id)
                guard row.pointee.value.load(ordering: .relaxed) == 0 else { continue }
                detach(row, into: &dropped)
                row.pointee.op = .invalid
                row.pointee.flags.insert(.poisoned)
                row.pointee.payload?.release()
                row.pointee.payload = .passRetained(Payload(error: error))
            }
        }
        for id in dropped { release(id) }
    }

    /// Ends a gradient trace: its nodes leave the trace, and evaluated ones let go of their
    /// inputs.
    /// - Parameter bit: the trace's bit in `Row.trace`.
    package func endTrace(_ bit: UInt8, nodes: some Collection<NodeHandle>) {
        var dropped: [NodeID] = []
        structure.withEdgesChanging {
            for handle in nodes where retain(handle) {
                let row = row(handle.id)
                dropped.append(handle.id)
                row.pointee.trace &= ~bit
                if row.pointee.trace == 0 && row.pointee.value.load(ordering: .relaxed) != 0 {
                    detach(row, into: &dropped)
                }
            }
        }
        for id in dropped { release(id) }
    }

    private func detach(_ row: UnsafeMutablePointer<Row>, into dropped: inout [NodeID]) {
        forEachInput(of: row) { dropped.append($0) }
        row.pointee.flags.insert(.detached)
    }
}
