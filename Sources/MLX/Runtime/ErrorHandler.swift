import FoundationEssentials
import MLXBase
import MLXGraph

/// The error that `withError` throws, as mlx-swift has it. The async API throws `ArrayError`,
/// which says more.
public enum MLXError: LocalizedError, Sendable, Equatable {
    /// The message of the first error in the block.
    case caught(String)

    public var errorDescription: String? {
        switch self {
        case .caught(let message): message
        }
    }
}

/// Collects the first error of the code in a `withError`.
public final class ErrorBox: Sendable {
    private let first = Locked<(any Error)?>(nil)

    init() {}

    /// The first error that was noted; nil if there was none.
    public var firstError: (any Error)? {
        get { first.withLock { $0 } }
        set { first.withLock { $0 = newValue } }
    }

    /// Throws the first error, if there was one, and forgets it.
    public func check() throws {
        let error = first.withLock { error in
            defer { error = nil }
            return error
        }
        if let error { throw error }
    }

    func note(_ error: ArrayError) {
        first.withLock { if $0 == nil { $0 = MLXError.caught(error.summary) } }
    }
}

/// Runs `body`; errors of array operations in it are thrown at its end, or by `box.check()`.
public func withError<R>(_ body: (ErrorBox) throws -> R) throws -> R {
    let box = ErrorBox()
    let result = try Defaults.with({ $0.onInvalid = { box.note($0) } }) { try body(box) }
    try box.check()
    return result
}

/// Runs `body` and throws its first error, if an operation in it was wrong, as `MLXError.caught`.
/// ```swift
/// do { try withError { eval(MLXArray.zeros([2]) + MLXArray.zeros([3])) } } catch { print(error) }
/// ```
public func withError<R>(_ body: () throws -> R) throws -> R {
    try withError { (_: ErrorBox) in try body() }
}

/// Runs an asynchronous `body` and throws its first error. The box is for reading errors on the
/// way.
public nonisolated(nonsending) func withError<R>(
    _ body: (ErrorBox) async throws -> R
) async throws -> R {
    let box = ErrorBox()
    let result = try await Defaults.with({ $0.onInvalid = { box.note($0) } }) {
        try await body(box)
    }
    try box.check()
    return result
}

/// Runs an asynchronous `body` and throws its first error, if an operation in it was wrong.
public nonisolated(nonsending) func withError<R>(
    _ body: () async throws -> R
) async throws -> R {
    try await withError { (_: ErrorBox) in try await body() }
}

/// Runs `body` with a handler for errors of array operations, called at once with the message.
public func withErrorHandler<R>(
    _ handler: @escaping @Sendable (String) -> Void, _ body: () throws -> R
) rethrows -> R {
    try Defaults.with({ $0.onInvalid = { handler($0.summary) } }, body)
}

/// Runs an asynchronous `body`; each wrong operation in it calls `handler` with the message.
/// Nothing is thrown for it.
public nonisolated(nonsending) func withErrorHandler<R>(
    _ handler: @escaping @Sendable (String) -> Void, _ body: () async throws -> R
) async rethrows -> R {
    try await Defaults.with({ $0.onInvalid = { handler($0.summary) } }, body)
}

/// Reports an error of a call that cannot throw: see `BlockingFailure`.
package func reportFailure(_ error: any Error) { BlockingFailure.report(error) }

/// What becomes of an error in a blocking call, which cannot throw: the surrounding `withError`
/// or handler gets it, else the process's; without any the process ends, as with mlx-swift.
enum BlockingFailure {
    static func report(_ error: any Error) {
        let failure =
            error as? ArrayError
            ?? ArrayError(.kernel, "eval", "\(error)", site: CallSite(addresses: []))
        guard let handler = Defaults.current?.value.onInvalid else {
            if reportToProcess(failure.summary) { return }
            fatalError(
                failure.description
                    + "\nuse `try await evaluate(...)` or `withError { }` to handle this error")
        }
        handler(failure)
    }
}
