/// A flat list of plain values at a fixed address: what stages hand each other. It is a window,
/// not an owner: who made the memory frees it, and says how long it lives. Copying one counts no
/// references, so threads that read side by side do not meet. It is the standard library's own
/// buffer, because loops over a collection of ours are not specialised across modules.
@usableFromInline package typealias Column<Element> = UnsafeMutableBufferPointer<Element>

extension UnsafeMutableBufferPointer where Element: BitwiseCopyable {
    @inlinable @inline(__always)
    package init(base: UnsafeMutablePointer<Element>, count: Int) {
        self.init(start: base, count: count)
    }

    /// The first element's address. Columns have memory even when they have no elements.
    @inlinable @inline(__always)
    package var base: UnsafeMutablePointer<Element> { baseAddress.unsafelyUnwrapped }
}
