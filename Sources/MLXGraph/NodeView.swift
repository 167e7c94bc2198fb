import MLXBase
import Synchronization

/// An owned reference to a node and a reader of its fields. Not copyable, so every reference is
/// given up exactly once: by recording it into a new row, or at the end of its scope.
@frozen @usableFromInline package struct NodeReference: ~Copyable {
    @usableFromInline package let handle: NodeHandle
    @usableFromInline let row: UnsafeMutablePointer<Row>

    @inlinable @inline(__always) package init(_ array: MLXArray) {
        handle = GraphStore.shared.acquire(array.word)
        row = GraphStore.shared.row(handle.id)
    }

    /// Takes over a reference.
    @inlinable @inline(__always) package init(owning handle: NodeHandle) {
        self.handle = handle
        row = GraphStore.shared.row(handle.id)
    }

    @inlinable deinit { GraphStore.shared.release(handle.id) }

    /// Hands the reference over; the caller releases it.
    @inlinable @inline(__always) package consuming func take() -> NodeID {
        let id = handle.id
        discard self
        return id
    }

    @inlinable @inline(__always) package var id: NodeID { handle.id }
    @inlinable @inline(__always) package var op: OpCode { row.pointee.op }
    @inlinable @inline(__always) package var dtype: DType { row.pointee.dtype }
    @inlinable @inline(__always) package var shape: Shape { row.pointee.shape }
    @inlinable @inline(__always) package var word: UInt64 { row.pointee.word }
    @inlinable @inline(__always) package var trace: UInt8 { row.pointee.trace }
    @inlinable @inline(__always) package var stream: StreamID { row.pointee.stream }
    @inlinable @inline(__always) package var isPoisoned: Bool {
        row.pointee.flags.contains(.poisoned)
    }
    package var payload: Payload? { row.pointee.payload?.takeUnretainedValue() }

    @inlinable @inline(__always) package var hasValue: Bool {
        row.pointee.value.load(ordering: .acquiring) != 0
    }

    @inlinable package var value: Value? {
        guard
            let pointer = UnsafeRawPointer(bitPattern: row.pointee.value.load(ordering: .acquiring))
        else { return nil }
        return Unmanaged<Value>.fromOpaque(pointer).takeUnretainedValue()
    }
}

extension MLXArray {
    /// The shape, for whoever lets what happens next depend on it; see `ShapeWatch`.
    package var nodeShape: Shape {
        let node = NodeReference(self)
        ShapeWatch.noteReading(node.trace)
        return node.shape
    }

    /// The shape, for recording an operation: a replay with other shapes does the same again.
    package var recordedShape: Shape { NodeReference(self).shape }

    package var value: Value? { NodeReference(self).value }

    /// The element type; known without computing the array.
    public var dtype: DType { NodeReference(self).dtype }
    /// The dimensions; empty for a scalar. Known without computing the array.
    public var shape: [Int] { nodeShape.array }
    /// The number of axes; 0 for a scalar.
    public var ndim: Int { NodeReference(self).shape.ndim }
    /// The number of elements.
    public var size: Int { nodeShape.size }

    /// An array around contents that exist already.
    package convenience init(_ value: Value) {
        var entry = GraphStore.Entry(op: .data, dtype: value.dtype, shape: value.shape)
        entry.flags = .detached
        let handle = GraphStore.shared.append(entry)
        GraphStore.shared.setValue(value, of: handle.id)
        self.init(owning: handle)
    }
}

extension GraphStore {
    /// Gives a row its value. The caller owns a reference and knows that there is none yet.
    package func setValue(_ value: Value, of id: NodeID) {
        let bits = UInt(bitPattern: Unmanaged.passRetained(value).toOpaque())
        let old = row(id).pointee.value.exchange(bits, ordering: .acquiringAndReleasing)
        assert(old == 0, "a node was given a value twice")
    }
}

/// Fields by node id, for callers that own a reference and have no array object.
extension GraphStore {
    @inlinable @inline(__always) package func dtype(of id: NodeID) -> DType {
        row(id).pointee.dtype
    }

    @inlinable @inline(__always) package func shape(of id: NodeID) -> Shape {
        row(id).pointee.shape
    }

    @inlinable @inline(__always) package func isPoisoned(_ id: NodeID) -> Bool {
        row(id).pointee.flags.contains(.poisoned)
    }

    /// The shape, for whoever lets what happens next depend on it; see `ShapeWatch`.
    package func watchedShape(of id: NodeID) -> Shape {
        ShapeWatch.noteReading(row(id).pointee.trace)
        return row(id).pointee.shape
    }
}
