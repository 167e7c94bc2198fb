import Glibc
import MLXBase

/// Several files that appear in a directory together. They are written into a folder of their own
/// first; `commit` moves them. A directory that does not exist yet appears whole by one rename. In
/// one that exists, the record (the file without which the others mean nothing: an index) goes
/// first and comes back last, so that whoever looks finds the old files, no record, or the new
/// files, never a mixture under one record. Without a commit nothing is left behind; what a killed
/// process left is removed by the next one that saves there (`SaveDraft`).
package final class StagedDirectory {
    private let path: String
    private let staging: String
    private let isNew: Bool
    /// Holds the lock on the staging folder.
    private let descriptor: Int32
    private var names: [String] = []
    private var isFinished = false

    /// - Parameter path: of the directory; its parent has to exist.
    package init(path: String) throws(ArrayError) {
        var trimmed = path
        while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
        var status = stat()
        let exists = stat(trimmed, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFDIR {
            throw .file("save", path, "is not a directory")
        }
        isNew = !exists
        guard
            let draft = SaveDraft(
                beside: exists ? trimmed + "/.save" : trimmed, isFolder: true)
        else { throw .file("save", path, "cannot be written to: \(systemMessage(errno))") }
        staging = draft.path
        descriptor = draft.descriptor
    }

    deinit {
        discard()
        close(descriptor)
    }

    /// Where to write the file that will have this name, which may be one of a folder within.
    package func path(of name: String) -> String {
        names.append(name)
        if let folder = StagedDirectory.folder(of: name) { mkdir(staging + "/" + folder, 0o777) }
        return staging + "/" + name
    }

    private static func folder(of name: String) -> String? {
        name.lastIndex(of: "/").map { String(name[..<$0]) }
    }

    /// Makes the files visible.
    /// - Parameters:
    ///   - record: the file that goes first and comes last.
    ///   - isStale: which files of the directory the new ones replace besides those of their name.
    package func commit(
        record: String?, isStale: (String) -> Bool = { _ in false }
    ) throws(ArrayError) {
        if isNew {
            StagedDirectory.flush(staging)
            // A rename would replace an empty folder, and nothing else.
            guard rename(staging, path) == 0 else { throw failed("cannot be renamed") }
            isFinished = true
            StagedDirectory.flush(path + "/..")
            return
        }
        for name in names {
            var status = stat()
            if lstat(path + "/" + name, &status) == 0,
                status.st_mode & S_IFMT != S_IFREG, status.st_mode & S_IFMT != S_IFLNK
            {
                throw .file("save", path + "/" + name, "is not a regular file")
            }
        }
        if let record, unlink(path + "/" + record) != 0, errno != ENOENT {
            throw failed("its '\(record)' cannot be replaced")
        }
        for name in names where name != record { try move(name) }
        let kept = Set(names)
        for name in FolderNames.all(in: path) where isStale(name) && !kept.contains(name) {
            unlink(path + "/" + name)
        }
        // The others are durable before the record says that they are there.
        StagedDirectory.flush(path)
        if let record, kept.contains(record) { try move(record) }
        removeStaging()
        StagedDirectory.flush(path)
    }

    private func move(_ name: String) throws(ArrayError) {
        if let folder = StagedDirectory.folder(of: name) { mkdir(path + "/" + folder, 0o777) }
        guard rename(staging + "/" + name, path + "/" + name) == 0 else {
            throw failed("'\(name)' cannot be renamed")
        }
    }

    private func failed(_ what: String) -> ArrayError {
        .file("save", path, "\(what): \(systemMessage(errno))")
    }

    private func discard() {
        if isFinished { return }
        for name in names { unlink(staging + "/" + name) }
        removeStaging()
    }

    private func removeStaging() {
        isFinished = true
        for folder in Set(names.compactMap(StagedDirectory.folder)).sorted() {
            rmdir(staging + "/" + folder)
        }
        rmdir(staging)
    }

    private static func flush(_ folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
