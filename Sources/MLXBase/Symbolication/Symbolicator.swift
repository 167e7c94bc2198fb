import CMLXKernels
import Glibc

/// Turns return addresses into a place in the source: the file and line of the first frame outside
/// the library where debug information tells, the function's name otherwise. Files are read when
/// the first error is described, and kept, as are the answers.
final class Symbolicator: @unchecked Sendable {
    // SAFETY: `state` is only touched with `lock` held. The lock is the C library's because the
    // thread sanitizer does not see that of Synchronization.
    static let shared = Symbolicator()

    private struct State {
        var objects: [String: ObjectFile?] = [:]
        var frames: [UInt: Frame] = [:]
    }

    /// What one return address says.
    private enum Frame {
        /// Of no interest: the library's own, or the system's.
        case passedOver
        case place(String)
    }

    private var state = State()
    private let lock: UnsafeMutablePointer<pthread_mutex_t>

    /// Addresses whose answers are kept; all are dropped when there are more.
    private static let maximumFrameCount = 4096

    /// There is one, for the life of the process.
    private init() {
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }

    func place(of addresses: [UInt]) -> String? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        for address in addresses {
            let frame = state.frames[address] ?? Symbolicator.frame(address, &state)
            if state.frames.count >= Symbolicator.maximumFrameCount { state.frames = [:] }
            state.frames[address] = frame
            if case .place(let text) = frame { return text }
        }
        return nil
    }

    private static func frame(_ address: UInt, _ state: inout State) -> Frame {
        // A return address is behind its call, perhaps in the next line or function.
        let address = address &- 1
        var bias: UInt = 0
        guard let pathBytes = mlx_object(address, &bias) else { return .passedOver }
        let path = String(cString: pathBytes)
        if isSystem(path) { return .passedOver }
        if state.objects[path] == nil { state.objects[path] = .some(ObjectFile(path: path)) }
        let object = state.objects[path] ?? nil

        let relative = UInt64(address &- bias)
        var start = relative
        var name: SymbolName?
        if let symbol = object?.symbol(at: relative) {
            name = SymbolName(symbol.name)
            start = symbol.start
        } else {
            var base: UInt = 0
            if let text = mlx_symbol(address, &base) {
                name = SymbolName(String(cString: text))
                start = UInt64(base &- bias)
            }
        }
        if let name, name.isInternal { return .passedOver }
        let found = object?.lines?.place(of: relative, functionStart: start, isWanted: isOutside)
        if let found { return .place("\(shortened(found.file)):\(found.line)") }
        guard let name, !name.isThunk else { return .passedOver }
        return .place(name.demangled)
    }

    /// A folder and a file, as `#fileID` has them: where they lay on the machine that compiled
    /// them is nobody's business.
    private static func shortened(_ path: String) -> String {
        path.split(separator: "/").suffix(2).joined(separator: "/")
    }

    /// Libraries of the system and of the toolchain carry no code of a user.
    private static func isSystem(_ path: String) -> Bool {
        let file = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        let prefixes = [
            "libswift", "lib_", "libTesting", "libXCTest", "libFoundation", "libdispatch",
            "libBlocksRuntime", "libc.so", "libm.so", "libpthread", "libstdc++", "libgcc", "ld-",
            "linux-vdso", "libasan", "libtsan", "libclang_rt",
        ]
        return prefixes.contains { file.hasPrefix($0) }
    }

    /// The folder above this module's, where the sources of all the library's modules are.
    private static let sources: String = {
        var path = Substring(#filePath)
        for _ in 0..<3 {
            guard let slash = path.lastIndex(of: "/") else { return "" }
            path = path[..<slash]
        }
        return path + "/"
    }()

    /// True for files that are not the library's, nor the standard library's.
    private static func isOutside(_ file: String) -> Bool {
        if file.contains("/stdlib/public/") { return false }
        guard !sources.isEmpty, file.hasPrefix(sources) else { return true }
        let folder = file.dropFirst(sources.count).prefix { $0 != "/" }
        return !SymbolName.libraryModules.contains(folder)
    }
}
