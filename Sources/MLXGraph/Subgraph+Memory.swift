import MLXBase

/// The memory of a subgraph's columns: they grow together, so that appending a node checks one
/// capacity and stores.
extension Subgraph {
    private static let firstCapacity = 64

    /// Gives all columns the subgraph's count.
    @inline(__always) mutating func setCounts() {
        handles.count = count
        ops.count = count
        dtypes.count = count
        streams.count = count
        shapes.count = count
        words.count = count
        payloads.count = count
        values.count = count
        traces.count = count
        poisoned.count = count
        edgeCounts.count = count
        userCounts.count = count
        inputStart.count = count + 1
    }

    @inline(never) mutating func grow() {
        let larger = max(Subgraph.firstCapacity, capacity * 2)
        handles.move(to: larger, kept: count)
        ops.move(to: larger, kept: count)
        dtypes.move(to: larger, kept: count)
        streams.move(to: larger, kept: count)
        shapes.move(to: larger, kept: count)
        words.move(to: larger, kept: count)
        payloads.move(to: larger, kept: count)
        values.move(to: larger, kept: count)
        traces.move(to: larger, kept: count)
        poisoned.move(to: larger, kept: count)
        edgeCounts.move(to: larger, kept: count)
        userCounts.move(to: larger, kept: count)
        inputStart.move(to: larger + 1, kept: capacity == 0 ? 0 : count + 1)
        inputStart.base[0] = 0
        capacity = larger
    }

    @inline(never) mutating func growInputs(_ wanted: Int) {
        let larger = max(Subgraph.firstCapacity * 2, inputCapacity * 2, inputs.count + wanted)
        inputs.move(to: larger, kept: inputs.count)
        inputCapacity = larger
    }

    func freeColumns() {
        guard capacity > 0 else { return }
        handles.base.deallocate()
        ops.base.deallocate()
        dtypes.base.deallocate()
        streams.base.deallocate()
        shapes.base.deallocate()
        words.base.deallocate()
        payloads.base.deallocate()
        values.base.deallocate()
        traces.base.deallocate()
        poisoned.base.deallocate()
        edgeCounts.base.deallocate()
        userCounts.base.deallocate()
        inputStart.base.deallocate()
        if inputCapacity > 0 { inputs.base.deallocate() }
    }
}

extension Column {
    /// A column without elements and without memory.
    static var none: Column {
        // A place that is never read: a column without capacity has no elements.
        Column(base: UnsafeMutablePointer(bitPattern: MemoryLayout<Element>.alignment)!, count: 0)
    }

    /// Moves the elements to new memory.
    fileprivate mutating func move(to capacity: Int, kept: Int) {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        if kept > 0 {
            larger.update(from: base, count: kept)
        }
        if base != Column.none.base { base.deallocate() }
        base = larger
    }
}
