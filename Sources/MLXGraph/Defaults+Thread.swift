import CMLXKernels

/// Defaults of a thread: a stack that is entered and left by calls instead of a closure, for
/// languages whose scopes are not Swift's (a `with` statement of Python, say). A task-local is
/// stronger. Invariant: frames are touched by their own thread only.
extension Defaults {
    private final class Frame {
        let box: Box
        let below: Frame?

        init(_ box: Box, below: Frame?) {
            self.box = box
            self.below = below
        }
    }

    private static var top: Frame? {
        mlx_thread().pointee.defaults.map {
            Unmanaged<Frame>.fromOpaque($0).takeUnretainedValue()
        }
    }

    static var ofThread: Box? { top?.box }

    /// Changes the defaults of the calling thread until `exit`. The change is made to what holds
    /// now, so scopes nest.
    package static func enter(_ change: (inout Defaults) -> Void) {
        var defaults = value
        change(&defaults)
        let frame = Frame(Box(defaults), below: top)
        release(mlx_thread().pointee.defaults)
        mlx_thread().pointee.defaults = UnsafeRawPointer(Unmanaged.passRetained(frame).toOpaque())
        isUsed.store(true, ordering: .relaxed)
    }

    /// Takes back the calling thread's last `enter`. A thread that ends before leaks what it had
    /// entered.
    /// - Returns: false when there is none, which changes nothing.
    @discardableResult package static func exit() -> Bool {
        guard let frame = top else { return false }
        let below = frame.below.map { UnsafeRawPointer(Unmanaged.passRetained($0).toOpaque()) }
        release(mlx_thread().pointee.defaults)
        mlx_thread().pointee.defaults = below
        return true
    }

    private static func release(_ pointer: UnsafeRawPointer?) {
        pointer.map { Unmanaged<Frame>.fromOpaque($0).release() }
    }
}
