import MLXBase
import Synchronization

/// One node of the graph while it is recorded: 64 bytes, one cache line. The first word holds the
/// generation (high half) and the number of users (low half); taking a reference through a handle
/// is a compare-and-swap on it. All other fields are written before the row's handle is published
/// and are constant until the row is freed, except `value`, and the flags and the trace mask,
/// which change only with the edges of the row's lane held alone (claims apart).
@usableFromInline package struct Row: ~Copyable {
    @usableFromInline let state: Atomic<UInt64>
    @usableFromInline var op: OpCode
    @usableFromInline var dtype: DType
    /// `RowFlags`. Atomic, like the trace mask: a recording thread may read them while another
    /// detaches the row.
    @usableFromInline let flagBits: Atomic<UInt8>
    @usableFromInline var inputCount: UInt8
    /// The gradient traces this node belongs to, a bit for each nesting level.
    @usableFromInline let traceMask: Atomic<UInt8>
    @usableFromInline var stream: StreamID
    @usableFromInline var inputs: (NodeID, NodeID, NodeID)
    /// The next row in a free list or work list; means nothing while the row is live.
    @usableFromInline var link: UInt32
    @usableFromInline var shape: Shape
    /// Attributes that fit one word, or a scalar's bits.
    @usableFromInline var word: UInt64
    @usableFromInline var payload: Unmanaged<Payload>?
    /// The evaluated value: 0, or an owned reference to a `Value`. Set once, but for a value that
    /// a run takes away to overwrite it.
    @usableFromInline let value: Atomic<UInt>

    @inlinable @inline(__always) var flags: RowFlags {
        RowFlags(rawValue: flagBits.load(ordering: .relaxed))
    }
    @inlinable @inline(__always) var trace: UInt8 { traceMask.load(ordering: .relaxed) }
}

@usableFromInline package struct RowFlags: OptionSet, Sendable {
    @usableFromInline package let rawValue: UInt8
    @inlinable @inline(__always) package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// This node, or one it depends on, could not be recorded.
    @inlinable package static var poisoned: RowFlags { RowFlags(rawValue: 1) }
    /// The inputs have been released, because the value is there.
    @inlinable package static var detached: RowFlags { RowFlags(rawValue: 2) }
    /// A wide run is computing the node: who wants it too waits for that run.
    @inlinable package static var claimed: RowFlags { RowFlags(rawValue: 4) }
    /// A run has taken the value away to write a result over it: who wants the value waits.
    @inlinable package static var donated: RowFlags { RowFlags(rawValue: 8) }
    /// A run reads values through the row's edges: they stay until it lets go.
    @inlinable package static var held: RowFlags { RowFlags(rawValue: 16) }
}

/// What a row cannot hold in its 64 bytes. Immutable.
@usableFromInline package final class Payload: Sendable {
    /// Integer attributes; the first `dynamicCount` of them are inputs of a plan, not structure
    /// (where a slice starts, say), the rest is structure.
    package let words: [Int]
    package let dynamicCount: Int
    /// The inputs after the third; the row owns a reference to each.
    package let moreInputs: [NodeID]
    package let error: ArrayError?
    /// Where an operation was recorded whose kernel may fail.
    package let site: CallSite?
    /// Rules of a custom function.
    package let object: (any AnyObject & Sendable)?

    package init(
        words: [Int] = [], dynamicCount: Int = 0, moreInputs: [NodeID] = [],
        error: ArrayError? = nil, site: CallSite? = nil, object: (any AnyObject & Sendable)? = nil
    ) {
        assert(dynamicCount <= words.count)
        self.words = words
        self.dynamicCount = dynamicCount
        self.moreInputs = moreInputs
        self.error = error
        self.site = site
        self.object = object
    }
}
