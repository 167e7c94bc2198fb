import Glibc
import MLXBase

/// Writes a file that appears whole or not at all: bytes go to a temporary file in the same
/// folder (`SaveDraft`), `commit` flushes it to the disk and renames it. Without a commit the
/// temporary file is removed. Only regular files are replaced; where the path is a symbolic link of
/// this user's, the file it points to is (`SaveTarget`).
package final class AtomicFileSink: ByteSink {
    package private(set) var byteCount = 0
    private let path: String
    private let temporaryPath: String
    private var descriptor: Int32
    private var isCommitted = false

    private static let chunkByteCount = 1 << 30

    package init(path: String) throws(ArrayError) {
        self.path = try SaveTarget.resolve(path)
        guard let draft = SaveDraft(beside: self.path, isFolder: false) else {
            throw .file("save", path, "cannot be created: \(systemMessage(errno))")
        }
        temporaryPath = draft.path
        descriptor = draft.descriptor
        keepMode()
    }

    deinit { discard() }

    /// Writes a whole file.
    package static func write(_ contents: [UInt8], path: String) throws(ArrayError) {
        let sink = try AtomicFileSink(path: path)
        try sink.write(contents)
        try sink.commit()
    }

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
    /// - Parameter replacing: whether a file that has appeared there meanwhile gives way.
    package func commit(replacing: Bool = true) throws(ArrayError) {
        if fsync(descriptor) != 0 { throw failed("cannot be flushed") }
        do throws(ArrayError) {
            // What the path stands for may have changed since.
            guard try SaveTarget.resolve(path) == path else {
                throw .file("save", path, "has become a link")
            }
        } catch {
            discard()
            throw error
        }
        if !replacing, link(temporaryPath, path) == 0 || errno == EEXIST {
            discard()
            return
        }
        // The descriptor holds the draft until it has its name.
        if rename(temporaryPath, path) != 0 { throw failed("cannot be renamed") }
        isCommitted = true
        let closed = close(descriptor)
        descriptor = -1
        if closed != 0 { throw failed("cannot be closed") }
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
}
