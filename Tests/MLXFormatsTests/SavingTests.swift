import Glibc
import MLXBase
import Testing

@testable import MLXFormats

/// Saves touch nothing that is not theirs: what is there and no regular file stays, links of others
/// are not followed, and what a killed save left is gone after the next one.
@Suite("Saving") struct SavingTests {
    private let folder = TemporaryFolder()

    /// Every way to write a file, by format.
    private static let writers: [(name: String, write: @Sendable (String) throws -> Void)] = [
        ("npy", { path in try one { try NPY.write($0[0], path: path) } }),
        ("npz", { path in try one { try NPZ.write($0, path: path) } }),
        ("safetensors", { path in try one { try Safetensors.write($0, path: path) } }),
        ("gguf", { path in try one { try GGUF.write($0, path: path) } }),
        ("bytes", { path in try AtomicFileSink.write([1, 2, 3], path: path) }),
    ]

    private static func one(_ body: ([TensorContents]) throws -> Void) throws {
        try withTensors([("a", .float32, [1], [0, 0, 0, 0])], body)
    }

    private func kind(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    private func put(_ text: String, _ path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        write(descriptor, text, text.utf8.count)
        close(descriptor)
    }

    @Test("pipes, folders, sockets and links to them are refused and stay, without waiting")
    func othersStay() throws {
        let places: [(String, mode_t)] = [
            ("pipe", S_IFIFO), ("folder", S_IFDIR), ("link-to-pipe", S_IFLNK),
            ("link-to-folder", S_IFLNK),
        ]
        #expect(mkfifo(folder.path + "pipe", 0o600) == 0)
        #expect(mkdir(folder.path + "folder", 0o700) == 0)
        #expect(symlink("pipe", folder.path + "link-to-pipe") == 0)
        #expect(symlink("folder", folder.path + "link-to-folder") == 0)
        for (name, kind) in places {
            for writer in Self.writers {
                let message = refused("\(writer.name) to a \(name)") {
                    try writer.write(folder.path + name)
                }
                #expect(message.contains("regular file"), "\(message)")
                #expect(self.kind(folder.path + name) == kind)
            }
            if name != "folder" && name != "link-to-folder" {
                refused("a directory for \(name)") {
                    _ = try StagedDirectory(path: folder.path + name)
                }
            }
        }
        #expect(folder.names.count == places.count, "nothing is left: \(folder.names)")
        rmdir(folder.path + "folder")
    }

    @Test("a link of this user's stays a link, one that leads nowhere is replaced") func links()
        throws
    {
        put("old", folder.path + "file")
        #expect(symlink("file", folder.path + "link") == 0)
        #expect(symlink("nowhere", folder.path + "dangling") == 0)
        for name in ["link", "dangling"] {
            try AtomicFileSink.write([7], path: folder.path + name)
        }
        #expect(kind(folder.path + "link") == S_IFLNK)
        #expect(try FileSource(path: folder.path + "file").bytes(at: 0, count: 1) == [7])
        #expect(kind(folder.path + "dangling") == S_IFREG)
    }

    @Test("a link that another user made is refused", .enabled(if: geteuid() == 0))
    func linksOfOthers() throws {
        put("victim", folder.path + "file")
        #expect(symlink("file", folder.path + "link") == 0)
        #expect(lchown(folder.path + "link", 65_534, 65_534) == 0)
        for writer in Self.writers {
            let message = refused { try writer.write(folder.path + "link") }
            #expect(message.contains("another user"), "\(message)")
        }
        #expect(try FileSource(path: folder.path + "file").byteCount == 6)
    }

    @Test("what becomes no regular file while a save runs is not replaced") func race() throws {
        let sink = try AtomicFileSink(path: folder.path + "x")
        try sink.write([1])
        #expect(mkfifo(folder.path + "x", 0o600) == 0)
        refused { try sink.commit() }
        #expect(kind(folder.path + "x") == S_IFIFO)
        #expect(folder.names == ["x"])
    }

    @Test("drafts of killed saves are removed by the next, those of running ones stay")
    func drafts() throws {
        let dead = "x.npy.0123456789abc.mlx-draft"
        let others = [
            "x.npy.0123.mlx-draft", "y.npy.0123456789abc.mlx-draft", "x.npy.0123456789abc.tmp",
        ]
        for name in [dead] + others { put("half", folder.path + name) }
        let running = try AtomicFileSink(path: folder.path + "x.npy")
        try running.write([1])
        let held = Set(folder.names).subtracting([dead]).subtracting(others)
        #expect(held.count == 1)
        #expect(!folder.names.contains(dead))
        try AtomicFileSink.write([2], path: folder.path + "x.npy")
        #expect(Set(folder.names) == held.union(others).union(["x.npy"]))
        try running.commit()
        #expect(Set(folder.names) == Set(others + ["x.npy"]))
        #expect(try FileSource(path: folder.path + "x.npy").bytes(at: 0, count: 1) == [1])
    }

    @Test("folders of killed saves too", arguments: [false, true]) func folders(exists: Bool) throws
    {
        let target = folder.path + "model"
        if exists { mkdir(target, 0o700) }
        let dead =
            exists ? "\(target)/.save.0123456789abc.mlx-draft" : "\(target).0123456789abc.mlx-draft"
        mkdir(dead, 0o700)
        mkdir(dead + "/inner", 0o700)
        put("half", dead + "/weights")
        put("half", dead + "/inner/weights")
        put("kept", folder.path + "kept")
        #expect(symlink("../kept", dead + "/link") == 0)
        let staged = try StagedDirectory(path: target)
        #expect(kind(dead) == 0)
        put("new", staged.path(of: "a"))
        try staged.commit(record: nil)
        #expect(FolderNames.all(in: target) == ["a"])
        #expect(Set(folder.names) == ["model", "kept"])
        #expect(try FileSource(path: folder.path + "kept").byteCount == 4)
        unlink(target + "/a")
        rmdir(target)
    }

    // MARK: - Files that change

    @Test(
        "a file that is rewritten with its times set back is an error, one that is replaced is not")
    func changes() throws {
        let path = folder.path + "x"
        put("0123456789", path)
        let source = try FileSource(path: path)
        #expect(try source.bytes(at: 0, count: 2) == [48, 49])
        // Replaced: the old contents are still what is read.
        put("abcdefghij", folder.path + "y")
        #expect(rename(folder.path + "y", path) == 0)
        #expect(try source.bytes(at: 8, count: 2) == [56, 57])
        // Rewritten in place, and the time of modification restored.
        let other = try FileSource(path: path)
        var status = stat()
        #expect(stat(path, &status) == 0)
        // A file system's clock may tick no finer than some milliseconds.
        usleep(20_000)
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        #expect(pwrite(descriptor, "X", 1, 0) == 1)
        let times = [status.st_atim, status.st_mtim]
        #expect(futimens(descriptor, times) == 0)
        close(descriptor)
        let message = refused { _ = try other.bytes(at: 0, count: 1) }
        #expect(message.contains("was changed"), "\(message)")
    }

    // MARK: - Names

    /// Pieces that mean something to a file system, an archive, JSON or Unicode.
    private static let pieces = [
        "a", "b", "/", "..", ".", "\\", "\0", "\u{301}", "\u{600}", "\u{200D}", "é", "e\u{301}",
        "\"",
        "\n", ".npy", "\u{FEFF}", "👩‍👧", "\u{FFFF}", "__metadata__", ".weight", "",
        String(repeating: "n", count: 2047), "\u{7F}", "\u{1F1E6}",
    ]

    @Test("names are written and read as they are, or refused before the file is there")
    func names() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix64(seed: seed)
        var kept = 0
        for _ in 0..<3000 {
            let names = (0..<Int.random(in: 1...2, using: &generator)).map { _ in
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    Self.pieces.randomElement(using: &generator)!
                }.joined()
            }
            try withTensors(names.map { ($0, .uint8, [1], [5]) }) { tensors in
                kept += try roundTrip(names, "npz \(seed)") {
                    let sink = MemorySink()
                    try NPZ.write(tensors, to: sink)
                    return try openNPZ(sink.contents)
                }
                kept += try roundTrip(names, "safetensors \(seed)") {
                    let sink = MemorySink()
                    try Safetensors.write(tensors, to: sink)
                    return try openSafetensors(sink.contents).tensors
                }
                kept += try roundTrip(names, "gguf \(seed)") {
                    let sink = MemorySink()
                    try GGUF.write(
                        tensors.map { tensor in
                            TensorContents(
                                name: tensor.name, dtype: .int8, shape: [1], bytes: tensor.bytes)
                        }, to: sink)
                    return try GGUF.open(MemorySource(sink.contents)).tensors
                }
            }
        }
        #expect(kept > 3000, "seed \(seed)")
    }

    private func roundTrip(
        _ names: [String], _ what: String, _ body: () throws -> [StoredTensor]
    ) throws -> Int {
        do {
            let found = try body().map { Array($0.description.name.utf8) }
            #expect(Set(found) == Set(names.map { Array($0.utf8) }), "\(what): \(names)")
            return 1
        } catch let error as ArrayError where error.operation == "save" {
            return 0
        } catch {
            Issue.record("\(what): \(names.map(\.debugDescription)) was written, then: \(error)")
            return 0
        }
    }
}
