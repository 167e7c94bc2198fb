import MLXBase
import Synchronization

/// Taking a value away from its node, so that the one who uses it may write over it.
extension GraphStore {
    /// Takes the value of a node that nothing but one input of one unevaluated node refers to.
    /// Walks that come to the node from now on wait; those that came before have a reference to
    /// the value.
    /// - Parameters:
    ///   - user: the node whose input it is; the caller's run keeps its roots, and so it, alive.
    /// - Returns: the row's own reference; nil when somebody else may want the value.
    package func takeValue(_ node: NodeHandle, user: NodeHandle) -> Unmanaged<Value>? {
        // Somebody else may have evaluated the user, and freed it, meanwhile.
        guard retain(user) else { return nil }
        defer { release(user.id) }
        let lane = user.id.lane
        // Whoever reads the value without a reference to its node has come from the user.
        lanes[lane].lockEdges()
        defer { lanes[lane].unlockEdges() }
        if row(user.id).pointee.flags.contains(.detached) { return nil }
        let row = row(node.id)
        let state = row.pointee.state.load(ordering: .acquiring)
        guard state == UInt64(node.generation) << 32 | 1, row.pointee.trace == 0,
            let value = UnsafeRawPointer(
                bitPattern: row.pointee.value.load(ordering: .acquiring))
        else { return nil }
        row.pointee.flagBits.bitwiseOr(RowFlags.donated.rawValue, ordering: .relaxed)
        row.pointee.value.store(0, ordering: .releasing)
        return Unmanaged.fromOpaque(value)
    }

    /// Gives a node the value back that was taken away.
    /// - Parameter value: a reference that the row owns from now on.
    package func putBack(_ value: Unmanaged<Value>, _ node: NodeHandle, user: NodeHandle) {
        let lane = user.id.lane
        lanes[lane].lockEdges()
        let row = row(node.id)
        row.pointee.value.store(UInt(bitPattern: value.toOpaque()), ordering: .releasing)
        row.pointee.flagBits.bitwiseAnd(~RowFlags.donated.rawValue, ordering: .relaxed)
        lanes[lane].unlockEdges()
    }
}
