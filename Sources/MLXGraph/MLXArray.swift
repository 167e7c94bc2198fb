import MLXBase
import Synchronization

/// A lazy n-dimensional array: a handle to a node of the graph.
///
/// Operations on arrays record nodes and return at once; nothing is computed before a value is
/// asked for. An array can be used from any task. Like mlx-swift's it is a reference: `x[0] = y`
/// and `x += y` make the array stand for a new node, and every holder of the array sees it.
public final class MLXArray: Sendable {
    // The owned reference. Swapped atomically by in-place updates; a reader that loses the race
    // against such an update finds the generation changed and loads again.
    @usableFromInline package let word: Atomic<UInt64>

    /// Takes over the caller's reference to the node.
    @inline(__always) package init(owning handle: NodeHandle) {
        word = Atomic(handle.raw)
    }

    deinit {
        GraphStore.shared.release(handle.id)
    }

    /// The current node. Valid only as long as nobody updates the array: use `acquire()`.
    @inline(__always) package var handle: NodeHandle {
        NodeHandle(raw: word.load(ordering: .acquiring))
    }

    /// Returns the current node with a reference that the caller must release.
    @inline(__always) package func acquire() -> NodeHandle {
        GraphStore.shared.acquire(word)
    }

    /// Makes this array stand for the node of `other`.
    package func replace(with other: MLXArray) {
        replace(owning: other.acquire())
    }

    /// Makes this array stand for another node, taking over the caller's reference.
    package func replace(owning handle: NodeHandle) {
        let old = NodeHandle(raw: word.exchange(handle.raw, ordering: .acquiringAndReleasing))
        GraphStore.shared.release(old.id)
    }

    /// Another array object that stands for the same node now.
    package func aliased() -> MLXArray { MLXArray(owning: acquire()) }
}
