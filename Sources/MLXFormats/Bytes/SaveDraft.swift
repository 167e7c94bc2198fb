import Glibc
import MLXBase

/// The file or folder that a save writes to before it is renamed: a name that nobody else uses,
/// beside the target, held by a lock as long as the process lives. A save that was killed leaves
/// its draft behind with no lock on it, and the next save to the same target removes it.
struct SaveDraft {
    let path: String
    let descriptor: Int32

    private static let attempts = 16
    private static let suffixLength = 13
    private static let ending = ".mlx-draft"

    /// Makes a draft.
    /// - Parameters:
    ///   - prefix: the path of the target, or what drafts of it begin with.
    ///   - isFolder: whether the draft is a folder.
    /// - Returns: nil, with `errno`, when there is none to be had.
    init?(beside prefix: String, isFolder: Bool) {
        SaveDraft.removeAbandoned(prefix)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<SaveDraft.attempts {
            let digits = String(UInt64.random(in: .min ... .max, using: &random), radix: 36)
            let zeros = String(repeating: "0", count: SaveDraft.suffixLength - digits.count)
            let candidate = prefix + "." + zeros + digits + SaveDraft.ending
            let descriptor = SaveDraft.create(candidate, isFolder)
            if descriptor < 0 {
                if errno == EEXIST { continue }
                return nil
            }
            // Whoever cleans up may have seen it before it was locked.
            let isHeld = flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
            if isHeld, SaveDraft.isStill(candidate, descriptor) {
                self.path = candidate
                self.descriptor = descriptor
                return
            }
            Glibc.close(descriptor)
        }
        errno = EBUSY
        return nil
    }

    private static func create(_ path: String, _ isFolder: Bool) -> Int32 {
        guard isFolder else {
            return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        }
        guard mkdir(path, 0o777) == 0 else { return -1 }
        return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }

    /// Whether the path still names what the descriptor holds.
    private static func isStill(_ path: String, _ descriptor: Int32) -> Bool {
        var (named, held) = (stat(), stat())
        return lstat(path, &named) == 0 && fstat(descriptor, &held) == 0
            && named.st_ino == held.st_ino && named.st_dev == held.st_dev
    }

    // MARK: Drafts of killed saves

    private static func removeAbandoned(_ prefix: String) {
        let slash = prefix.lastIndex(of: "/")
        let folder = slash.map { String(prefix[...$0]) } ?? "."
        let start = Array((slash.map { String(prefix[prefix.index(after: $0)...]) } ?? prefix).utf8)
        for name in FolderNames.all(in: folder) {
            let bytes = Array(name.utf8)
            guard bytes.count == start.count + 1 + suffixLength + ending.utf8.count,
                bytes.starts(with: start), bytes[start.count] == UInt8(ascii: "."),
                bytes.suffix(ending.utf8.count).elementsEqual(ending.utf8)
            else { continue }
            removeIfAbandoned((slash == nil ? "" : folder) + name)
        }
    }

    /// Only what this user made and no process holds.
    private static func removeIfAbandoned(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
            flock(descriptor, LOCK_EX | LOCK_NB) == 0, isStill(path, descriptor)
        else { return }
        switch status.st_mode & S_IFMT {
        case S_IFREG: unlink(path)
        case S_IFDIR: removeFolder(path, depth: 0)
        default: break
        }
    }

    /// Drafts are folders of files and of folders of files.
    private static func removeFolder(_ path: String, depth: Int) {
        for name in FolderNames.all(in: path) {
            var status = stat()
            guard lstat(path + "/" + name, &status) == 0 else { continue }
            if status.st_mode & S_IFMT != S_IFDIR {
                unlink(path + "/" + name)
            } else if depth < 2 {
                removeFolder(path + "/" + name, depth: depth + 1)
            }
        }
        rmdir(path)
    }
}

/// What a save may write to.
enum SaveTarget {
    /// The file that a path stands for: itself, or what a link of ours leads to.
    /// - Throws: for what is there and no regular file (a device, a pipe, a folder), and for a link
    ///   that another user made, which could lead anywhere.
    static func resolve(_ path: String) throws(ArrayError) -> String {
        var status = stat()
        guard lstat(path, &status) == 0 else { return path }
        guard status.st_mode & S_IFMT == S_IFLNK else {
            try check(status, path)
            return path
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .file("save", path, "is a link of another user")
        }
        // A link that leads nowhere is replaced.
        guard stat(path, &status) == 0 else { return path }
        try check(status, path)
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func check(_ status: stat, _ path: String) throws(ArrayError) {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .file("save", path, "is not a regular file, and is not replaced by one")
        }
    }
}

/// The names in a folder; none if it cannot be read.
enum FolderNames {
    static func all(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
