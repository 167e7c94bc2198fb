/// A flat list of plain values at a fixed address: what stages hand each other. It is a window,
/// not an owner: who made the memory frees it, and says how long it lives. Copying one counts no
/// references, so threads that read side by side do not meet.
@frozen package struct Column<Element: BitwiseCopyable>: RandomAccessCollection,
    @unchecked Sendable
{
    // SAFETY: columns are written by their owner before they are handed on, and only read then.
    package var base: UnsafeMutablePointer<Element>
    package var count: Int

    @inlinable @inline(__always)
    package init(base: UnsafeMutablePointer<Element>, count: Int) {
        self.base = base
        self.count = count
    }

    @inlinable @inline(__always) package var startIndex: Int { 0 }
    @inlinable @inline(__always) package var endIndex: Int { count }
    @inlinable @inline(__always) package subscript(position: Int) -> Element {
        get {
            assert(position >= 0 && position < count)
            return base[position]
        }
        nonmutating set {
            assert(position >= 0 && position < count)
            base[position] = newValue
        }
    }
}
