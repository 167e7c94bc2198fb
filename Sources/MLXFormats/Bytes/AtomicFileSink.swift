import Glibc
import MLXBase

/// Writes a file that appears whole or not at all: bytes go to a temporary file in the same
/// folder, `commit` flushes it to the disk and renames it. Without a commit the temporary file is
/// removed. Where the path is a symbolic link, the file it points to is replaced.
package final class AtomicFileSink: ByteSink {
    package private(set) var byteCount = 0
    private let path: String
    private let temporaryPath: String
    private var descriptor: Int32
    private var isCommitted = false

    private static let attempts = 16
    private static let chunkByteCount = 1 << 30

    package init(path: String) throws(ArrayError) {
        self.path = AtomicFileSink.resolve(path)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<AtomicFileSink.attempts {
            let suffix = String(UInt64.random(in: .min ... .max, using: &random), radix: 36)
            let candidate = "\(self.path).\(suffix).tmp"
            let descriptor = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 {
                self.temporaryPath = candidate
                self.descriptor = descriptor
                keepMode()
                return
            }
            if errno != EEXIST { break }
        }
        throw .file("save", path, "cannot be created: \(systemMessage(errno))")
    }

    deinit { discard() }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(ArrayError) {
        var done = 0
        while done < bytes.count {
            let wanted = min(bytes.count - done, AtomicFileSink.chunkByteCount)
            let put = Glibc.write(descriptor, bytes.baseAddress! + done, wanted)
            if put < 0 {
                if errno == EINTR { continue }
                throw failed("cannot be written")
            }
            done += put
        }
        byteCount += done
    }

    /// Makes the file visible under its path.
    package func commit() throws(ArrayError) {
        if fsync(descriptor) != 0 { throw failed("cannot be flushed") }
        let closed = close(descriptor)
        descriptor = -1
        if closed != 0 { throw failed("cannot be closed") }
        if rename(temporaryPath, path) != 0 { throw failed("cannot be renamed") }
        isCommitted = true
        syncFolder()
    }

    private func failed(_ what: String) -> ArrayError {
        let message = systemMessage(errno)
        discard()
        return .file("save", path, "\(what): \(message)")
    }

    private func discard() {
        if isCommitted { return }
        if descriptor >= 0 {
            close(descriptor)
            descriptor = -1
        }
        unlink(temporaryPath)
    }

    /// A file that is replaced keeps its permissions.
    private func keepMode() {
        var status = stat()
        if stat(path, &status) == 0 { fchmod(descriptor, status.st_mode & 0o7777) }
    }

    /// The rename itself is durable once the folder is; a file system that cannot flush folders
    /// says so here, and there is nothing to undo then.
    private func syncFolder() {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func resolve(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
