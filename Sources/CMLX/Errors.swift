import CMLXInterface
import FoundationEssentials
import Glibc
import MLX
import MLXBase
import MLXGraph
import MLXMemory
import MLXRuntime

/// The last failure of a thread, for `cmlx_error_kind` and `cmlx_error_message`.
final class Failure {
    let kind: Int
    // Owned, so that C may read it until the thread's next failure.
    let message: UnsafeMutablePointer<CChar>?

    init(_ kind: Int, _ message: String) {
        self.kind = kind
        self.message = strdup(message)
    }

    deinit { free(message) }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { address in
            if let address { Unmanaged<Failure>.fromOpaque(address).release() }
        }
        return key
    }()

    static var last: Failure? {
        pthread_getspecific(key).map { Unmanaged<Failure>.fromOpaque($0).takeUnretainedValue() }
    }

    static func note(_ kind: Int, _ message: String) {
        if let old = pthread_getspecific(key) { Unmanaged<Failure>.fromOpaque(old).release() }
        pthread_setspecific(key, Unmanaged.passRetained(Failure(kind, message)).toOpaque())
    }

    static func note(_ error: any Error) {
        switch error {
        case let error as ArrayError: note(kind(of: error), error.summary)
        case is CallbackFailed: note(Int(CMLX_ERROR_CALLBACK), "a callback failed")
        case is CancellationError: note(Int(CMLX_ERROR_CALLBACK), "the evaluation was stopped")
        case let error as Refusal: note(error.kind, error.message)
        case LoadSaveError.unknownExtension: note(Int(CMLX_ERROR_ARGUMENT), "\(error)")
        case let error as LoadSaveError:
            note(Int(CMLX_ERROR_FILE), error.errorDescription ?? "\(error)")
        default: note(Int(CMLX_ERROR_OTHER), "\(error)")
        }
    }

    private static func kind(of error: ArrayError) -> Int {
        switch error.kind {
        case .shape, .argument, .limit: Int(CMLX_ERROR_ARGUMENT)
        case .dtype, .unsupported, .notDifferentiable: Int(CMLX_ERROR_UNSUPPORTED)
        case .axis: Int(CMLX_ERROR_AXIS)
        case .index: Int(CMLX_ERROR_INDEX)
        case .memory: Int(CMLX_ERROR_MEMORY)
        case .file: Int(CMLX_ERROR_FILE)
        case .kernel, .reentrant: Int(CMLX_ERROR_OTHER)
        }
    }
}

/// A callback said that it failed; its own side knows why.
struct CallbackFailed: Error {}

/// A failure in the very words that MLX has for it, which programs compare.
struct Refusal: Error {
    let kind: Int
    let message: String

    init(_ kind: Int, _ message: String) {
        self.kind = kind
        self.message = message
    }

    static func axis(_ message: String) -> Refusal { Refusal(Int(CMLX_ERROR_AXIS), message) }
    static func argument(_ message: String) -> Refusal {
        Refusal(Int(CMLX_ERROR_ARGUMENT), message)
    }
}

/// Runs the body of a door: 0, or -1 with the thread's failure set.
func guarded(_ body: () throws -> Void) -> Int32 {
    do {
        try body()
        return 0
    } catch {
        Failure.note(error)
        return -1
    }
}

@c @implementation
public func cmlx_version() -> Int32 { CMLX_VERSION }

@c @implementation
public func cmlx_error_kind() -> Int32 { Int32(Failure.last?.kind ?? Int(CMLX_ERROR_NONE)) }

@c @implementation
public func cmlx_error_message() -> UnsafePointer<CChar>? {
    UnsafePointer(Failure.last?.message ?? nil)
}
