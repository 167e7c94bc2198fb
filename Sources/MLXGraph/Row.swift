import MLXBase
import Synchronization

/// One node of the graph while it is recorded: 64 bytes, one cache line. The first word holds the
/// generation (high half) and the number of users (low half); taking a reference through a handle
/// is a compare-and-swap on it. All other fields are written before the row's handle is published
/// and are constant until the row is freed, except `value`, and the flags and the trace mask,
/// which change only with the edges of the row's lane held alone (claims apart).
package struct Row: ~Copyable {
    let state: Atomic<UInt64>
    var op: OpCode
    var dtype: DType
    /// `RowFlags`. Atomic, like the trace mask: a recording thread may read them while another
    /// detaches the row.
    let flagBits: Atomic<UInt8>
    var inputCount: UInt8
    /// The gradient traces this node belongs to, a bit for each nesting level.
    let traceMask: Atomic<UInt8>
    var stream: StreamID
    var inputs: (NodeID, NodeID, NodeID)
    /// The next row in a free list or work list; means nothing while the row is live.
    var link: UInt32
    var shape: Shape
    /// Attributes that fit one word, or a scalar's bits.
    var word: UInt64
    var payload: Unmanaged<Payload>?
    /// The evaluated value: 0, or an owned reference to a `Value`, set once.
    let value: Atomic<UInt>

    @inline(__always) var flags: RowFlags {
        RowFlags(rawValue: flagBits.load(ordering: .relaxed))
    }
    @inline(__always) var trace: UInt8 { traceMask.load(ordering: .relaxed) }
}

package struct RowFlags: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// This node, or one it depends on, could not be recorded.
    package static let poisoned = RowFlags(rawValue: 1)
    /// The inputs have been released, because the value is there.
    package static let detached = RowFlags(rawValue: 2)
    /// A wide run is computing the node: who wants it too waits for that run.
    package static let claimed = RowFlags(rawValue: 4)
}

/// What a row cannot hold in its 64 bytes. Immutable.
package final class Payload: Sendable {
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
