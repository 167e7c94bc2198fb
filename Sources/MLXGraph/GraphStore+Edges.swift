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

    /// Ends a gradient trace: its nodes leave the trace, and evaluated ones let go of their
    /// inputs.
    /// - Parameter bit: the trace's bit in `Row.trace`.
    package func endTrace(_ bit: UInt8, nodes: some Collection<NodeHandle>) {
        var dropped: [NodeID] = []
        structure.withEdgesChanging {
            for handle in nodes where retain(handle) {
                let row = row(handle.id)
                dropped.append(handle.id)
                row.pointee.traceMask.bitwiseAnd(~bit, ordering: .relaxed)
                if row.pointee.trace == 0 && row.pointee.value.load(ordering: .relaxed) != 0 {
                    detach(row, into: &dropped)
                }
            }
        }
        for id in dropped { release(id) }
    }

    private func detach(_ row: UnsafeMutablePointer<Row>, into dropped: inout [NodeID]) {
        forEachInput(of: row) { dropped.append($0) }
        row.pointee.flagBits.bitwiseOr(RowFlags.detached.rawValue, ordering: .relaxed)
    }
}
