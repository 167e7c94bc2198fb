import Glibc
import MLXBase

/// An open file, read with `pread`. What the system says of it (size, times of modification and of
/// change, inode) is taken when it is opened and compared after each read: a file that was cut
/// short or rewritten in place since then is an error, even if its modification time was set back.
/// One that was replaced by a rename or removed is still read as it was. The descriptor is closed
/// when the last tensor of the file goes.
package final class FileSource: ByteSource {
    package let name: String
    package let byteCount: Int
    private let descriptor: Int32
    private let opened: stat

    /// Bytes of one `pread`; Linux moves at most 2 GiB less a page at a time.
    private static let chunkByteCount = 1 << 30

    package init(path: String) throws(ArrayError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .file("load", path, "cannot be opened: \(systemMessage(errno))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .file("load", path, "cannot be examined: \(systemMessage(code))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .file("load", path, "is not a regular file")
        }
        self.name = path
        self.descriptor = descriptor
        self.byteCount = Int(status.st_size)
        self.opened = status
    }

    deinit { close(descriptor) }

    package func read(
        at offset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        try checkRange(offset, destination.count)
        var done = 0
        while done < destination.count {
            let wanted = min(destination.count - done, FileSource.chunkByteCount)
            let got = pread(descriptor, destination.baseAddress! + done, wanted, offset + done)
            if got < 0 {
                if errno == EINTR { continue }
                throw .file("load", name, "cannot be read: \(systemMessage(errno))")
            }
            if got == 0 { throw .file("load", name, "was cut short after it was opened") }
            done += got
        }
        try checkUnchanged()
    }

    private func checkUnchanged() throws(ArrayError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .file("load", name, "cannot be examined: \(systemMessage(errno))")
        }
        if Int(status.st_size) < byteCount {
            throw .file("load", name, "was cut short after it was opened")
        }
        func isSame(_ time: KeyPath<stat, timespec>) -> Bool {
            let (then, now) = (opened[keyPath: time], status[keyPath: time])
            return then.tv_sec == now.tv_sec && then.tv_nsec == now.tv_nsec
        }
        // Losing its last name is a change too, and none of the contents.
        let isReplaced = status.st_nlink < opened.st_nlink
        guard Int(status.st_size) == byteCount, isSame(\.st_mtim),
            isReplaced || isSame(\.st_ctim), status.st_ino == opened.st_ino,
            status.st_dev == opened.st_dev
        else { throw .file("load", name, "was changed after it was opened") }
    }
}

/// The system's words for an error number.
package func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
