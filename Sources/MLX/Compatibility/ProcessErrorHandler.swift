import FoundationEssentials
import MLXBase

// The handler of a whole process, for programs that install one in `main`. It gets the errors of
// blocking calls that no `withError` or `withErrorHandler` is around of. Prefer those: they know
// which code they are for.

/// A handler as C has it: a message, and the data it was installed with.
private struct ProcessErrorHandler: Sendable {
    typealias Function = @convention(c) (UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void
    typealias Destructor = @convention(c) (UnsafeMutableRawPointer?) -> Void

    let function: Function
    // SAFETY: whoever installs a handler answers for its data being usable from any thread.
    nonisolated(unsafe) let data: UnsafeMutableRawPointer?
    let destructor: Destructor?

    static let current = Locked<ProcessErrorHandler?>(nil)
}

/// Installs what gets the errors of blocking calls outside `withError`; nil makes them end the
/// process again.
/// - Parameters:
///   - data: passed to the handler.
///   - dtor: called with `data` when another handler takes this one's place.
public func setErrorHandler(
    _ handler: (@convention(c) (UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void)?,
    data: UnsafeMutableRawPointer? = nil,
    dtor: (@convention(c) (UnsafeMutableRawPointer?) -> Void)? = nil
) {
    let next = handler.map { ProcessErrorHandler(function: $0, data: data, destructor: dtor) }
    let old = ProcessErrorHandler.current.withLock { current in
        defer { current = next }
        return current
    }
    if let old { old.destructor?(old.data) }
}

/// The handler that ends the process with the message.
public let fatalErrorHandler:
    @convention(c) (UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void = { message, _ in
        fatalError(message.map { String(cString: $0) } ?? "error")
    }

/// Gives an error to the process's handler; false without one.
func reportToProcess(_ message: String) -> Bool {
    guard let handler = ProcessErrorHandler.current.withLock({ $0 }) else { return false }
    message.withCString { handler.function($0, handler.data) }
    return true
}
