import MLXBase

/// The columns of a subgraph and their memory: they grow together, so that appending a node
/// checks one capacity and stores.
extension Subgraph {
    @inlinable @inline(__always) package var handles: Column<NodeHandle> {
        Column(start: at.handles, count: count)
    }
    @inlinable @inline(__always) package var ops: Column<OpCode> {
        Column(start: at.ops, count: count)
    }
    @inlinable @inline(__always) package var dtypes: Column<DType> {
        Column(start: at.dtypes, count: count)
    }
    @inlinable @inline(__always) package var streams: Column<StreamID> {
        Column(start: at.streams, count: count)
    }
    @inlinable @inline(__always) package var shapes: Column<Shape> {
        Column(start: at.shapes, count: count)
    }
    @inlinable @inline(__always) package var words: Column<UInt64> {
        Column(start: at.words, count: count)
    }
    @inlinable @inline(__always) package var payloads: Column<Unmanaged<Payload>?> {
        Column(start: at.payloads, count: count)
    }
    @inlinable @inline(__always) package var values: Column<Unmanaged<Value>?> {
        Column(start: at.values, count: count)
    }
    @inlinable @inline(__always) package var traces: Column<UInt8> {
        Column(start: at.traces, count: count)
    }
    @inlinable @inline(__always) package var poisoned: Column<Bool> {
        Column(start: at.poisoned, count: count)
    }
    /// Inputs of node `n` are `inputs[inputStart[n] ..< inputStart[n + 1]]`.
    @inlinable @inline(__always) package var inputStart: Column<Int32> {
        Column(start: at.inputStart, count: count + 1)
    }
    @inlinable @inline(__always) package var inputs: Column<Int32> {
        Column(start: at.inputs, count: inputTotal)
    }
    /// How many edges within the subgraph lead to each node.
    @inlinable @inline(__always) package var edgeCounts: Column<Int32> {
        Column(start: at.edgeCounts, count: count)
    }
    /// References to each node from anywhere, as of extraction.
    @inlinable @inline(__always) package var userCounts: Column<UInt32> {
        Column(start: at.userCounts, count: count)
    }

    /// Where each column lies.
    @usableFromInline struct Addresses {
        @usableFromInline var handles = none(NodeHandle.self)
        @usableFromInline var ops = none(OpCode.self)
        @usableFromInline var dtypes = none(DType.self)
        @usableFromInline var streams = none(StreamID.self)
        @usableFromInline var shapes = none(Shape.self)
        @usableFromInline var words = none(UInt64.self)
        @usableFromInline var payloads = none(Unmanaged<Payload>?.self)
        @usableFromInline var values = none(Unmanaged<Value>?.self)
        @usableFromInline var traces = none(UInt8.self)
        @usableFromInline var poisoned = none(Bool.self)
        @usableFromInline var inputStart = none(Int32.self)
        @usableFromInline var inputs = none(Int32.self)
        @usableFromInline var edgeCounts = none(Int32.self)
        @usableFromInline var userCounts = none(UInt32.self)

        init() {}

        /// A place that is never read: a column without capacity has no elements.
        private static func none<Element>(_ type: Element.Type) -> UnsafeMutablePointer<Element> {
            UnsafeMutablePointer(bitPattern: MemoryLayout<Element>.alignment)!
        }
    }

    private static let firstCapacity = 64

    @inline(never) mutating func grow() {
        let larger = max(Subgraph.firstCapacity, capacity * 2)
        let isFirst = capacity == 0
        Subgraph.move(&at.handles, to: larger, kept: count, isFirst)
        Subgraph.move(&at.ops, to: larger, kept: count, isFirst)
        Subgraph.move(&at.dtypes, to: larger, kept: count, isFirst)
        Subgraph.move(&at.streams, to: larger, kept: count, isFirst)
        Subgraph.move(&at.shapes, to: larger, kept: count, isFirst)
        Subgraph.move(&at.words, to: larger, kept: count, isFirst)
        Subgraph.move(&at.payloads, to: larger, kept: count, isFirst)
        Subgraph.move(&at.values, to: larger, kept: count, isFirst)
        Subgraph.move(&at.traces, to: larger, kept: count, isFirst)
        Subgraph.move(&at.poisoned, to: larger, kept: count, isFirst)
        Subgraph.move(&at.edgeCounts, to: larger, kept: count, isFirst)
        Subgraph.move(&at.userCounts, to: larger, kept: count, isFirst)
        Subgraph.move(&at.inputStart, to: larger + 1, kept: isFirst ? 0 : count + 1, isFirst)
        at.inputStart[0] = 0
        capacity = larger
    }

    @inline(never) mutating func growInputs(_ wanted: Int) {
        let larger = max(Subgraph.firstCapacity * 2, inputCapacity * 2, inputTotal + wanted)
        Subgraph.move(&at.inputs, to: larger, kept: inputTotal, inputCapacity == 0)
        inputCapacity = larger
    }

    private static func move<Element: BitwiseCopyable>(
        _ column: inout UnsafeMutablePointer<Element>, to capacity: Int, kept: Int, _ isFirst: Bool
    ) {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        if kept > 0 { larger.update(from: column, count: kept) }
        if !isFirst { column.deallocate() }
        column = larger
    }

    func freeColumns() {
        guard capacity > 0 else { return }
        at.handles.deallocate()
        at.ops.deallocate()
        at.dtypes.deallocate()
        at.streams.deallocate()
        at.shapes.deallocate()
        at.words.deallocate()
        at.payloads.deallocate()
        at.values.deallocate()
        at.traces.deallocate()
        at.poisoned.deallocate()
        at.inputStart.deallocate()
        at.edgeCounts.deallocate()
        at.userCounts.deallocate()
        if inputCapacity > 0 { at.inputs.deallocate() }
    }
}
