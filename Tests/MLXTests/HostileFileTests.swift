import Foundation
import MLX
import MLXBase
import Testing

/// Rows 7 to 15 of the catalogue of bad inputs as users meet them: through `loadArrays` and
/// `loadSharded`. Each is an `ArrayError` of kind `file` that names the file, and the tensor where
/// there is one. The formats' own tests have many more of each.
@Suite("Hostile files") struct HostileFileTests {
    private func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-hostile-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    private static func word(_ value: UInt64) -> Data {
        withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }

    private static func safetensors(_ header: String, data: Int = 4) -> Data {
        word(UInt64(header.utf8.count)) + Data(header.utf8) + Data(count: data)
    }

    private static func tensor(
        _ shape: String, _ offsets: String, dtype: String = "U8"
    ) -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    private func refused(
        _ file: URL, _ data: Data, _ words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try data.write(to: file)
        let error = #expect(throws: ArrayError.self, sourceLocation: sourceLocation) {
            for array in try loadArrays(url: file).values { try checkedEval(array) }
        }
        #expect(error?.kind == .file, sourceLocation: sourceLocation)
        let folder = file.deletingLastPathComponent().path
        for word in words + [folder] {
            #expect(
                error?.message.contains(word) == true, "\(error?.message ?? "") without \(word)",
                sourceLocation: sourceLocation)
        }
    }

    @Test("D.2 rows 7 to 9: safetensors whose headers lie") func safetensors() throws {
        let word = Self.word
        func one(_ shape: String, _ offsets: String, _ dtype: String = "U8") -> Data {
            Self.safetensors("{\"w\":\(Self.tensor(shape, offsets, dtype: dtype))}")
        }
        func two(_ name: String, _ shape: String, _ offsets: String) -> Data {
            let first = Self.tensor("[4]", "[0,4]")
            let second = Self.tensor(shape, offsets)
            return Self.safetensors("{\"w\":\(first),\"\(name)\":\(second)}")
        }
        let files: [(Data, [String])] = [
            (word(0), []), (word(.max) + Data("{}".utf8), []),
            (word(1 << 40) + Data("{}".utf8), ["header"]),
            (word(100_000_000) + Data("{}".utf8), ["header"]),
            (one("[4]", "[0,5]"), ["'w'"]), (one("[1048576]", "[0,4]", "F32"), ["'w'"]),
            (one("[4294967296,4294967297]", "[0,4]"), ["'w'"]),
            (one("[4]", "[18446744073709551612,18446744073709551616]"), []),
            (one("[2]", "[2,4]"), ["'w'", "gap"]), (one("[7]", "[0,4]", "F4"), ["'w'", "F4"]),
            (two("v", "[2]", "[1,3]"), ["'v'", "overlaps"]),
            (two("w", "[0]", "[4,4]"), ["'w'", "twice"]),
            (Self.safetensors("{\"__metadata__\":{\"a\":1}}", data: 0), ["'a'"]),
        ]
        try withFolder { folder in
            for (data, words) in files {
                try refused(folder.appendingPathComponent("x.safetensors"), data, words)
            }
        }
    }

    @Test("D.2 rows 11 to 15: gguf files that lie, cut at every place") func gguf() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("x.gguf")
            try save(
                arrays: ["layer.weight": MLXArray.ones([4, 32])], metadata: ["k": "v"], url: file)
            let good = try Data(contentsOf: file)
            for count in stride(from: 0, to: good.count, by: 13) {
                try refused(file, good.prefix(count), [])
            }
            // Every byte of the header changed: an error, or arrays of at most the file's bytes.
            for place in 0..<(good.count - 512) {
                var bad = good
                bad[place] ^= 0xFF
                try bad.write(to: file)
                do {
                    let arrays = try loadArrays(url: file)
                    #expect(arrays.values.reduce(0) { $0 + $1.nbytes } <= 4 * good.count)
                    for array in arrays.values { try checkedEval(array) }
                } catch let error as ArrayError { #expect(error.kind == .file) }
            }
        }
    }

    @Test("an index that lies is an error that says which tensor") func indexes() throws {
        try withFolder { folder in
            let directory = folder.appendingPathComponent("model")
            try saveSharded(
                arrays: ["a": MLXArray.ones([8]), "b": MLXArray.zeros([8])], directory: directory,
                maximumShardBytes: 40)
            let index = directory.appendingPathComponent("model.safetensors.index.json")
            let good = try String(contentsOf: index, encoding: .utf8)
            let (one, two) = (
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
            )
            try #require(good.contains("\"a\":\"\(one)\""))
            let outside = folder.appendingPathComponent("x.safetensors")
            try save(arrays: ["a": MLXArray(1)], url: outside)
            let changes: [(String, String, String)] = [
                (one, "../x.safetensors", "'a'"), (one, outside.path, "'a'"),
                (one, ".hidden.safetensors", "'a'"), (one, "..", "'a'"), (one, "", "'a'"),
                ("\"\(one)\"", "7", "'a'"), ("\"\(one)\"", "null", "'a'"),
                (one, "none.safetensors", "cannot be opened"), (one, two, "'a'"),
                ("\"b\"", "\"c\"", "'c'"), ("\"b\"", "\"a\"", "twice"),
                ("\"weight_map\"", "\"map\"", "weight_map"), ("{", "[", "malformed"),
            ]
            for (old, new, word) in changes {
                try refused(
                    index, Data(good.replacingOccurrences(of: old, with: new).utf8), [word])
                #expect(throws: ArrayError.self) { _ = try loadSharded(directory: directory) }
            }
            // One tensor in two files.
            try good.write(to: index, atomically: true, encoding: .utf8)
            try save(
                arrays: ["a": MLXArray(1), "b": MLXArray(2)],
                url: directory.appendingPathComponent(one))
            try refused(index, Data(good.utf8), ["'b'", one, two])
        }
    }

    @Test("shards come back, replace a former model whole, and leave other files")
    func shards() throws {
        try withFolder { folder in
            let directory = folder.appendingPathComponent("model")
            func names() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            }
            let arrays = Dictionary(
                uniqueKeysWithValues: (0..<5).map {
                    ("t\($0)", MLXArray([Float](repeating: Float($0), count: 10)))
                })
            try saveSharded(
                arrays: arrays, directory: directory, maximumShardBytes: 80, metadata: ["k": "v"])
            #expect(
                try names() == [
                    "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                    "model-00003-of-00003.safetensors", "model.safetensors.index.json",
                ])
            let index = directory.appendingPathComponent("model.safetensors.index.json")
            let (back, metadata) = try loadArraysAndMetadata(url: index)
            #expect(metadata == ["k": "v"])
            let text = try String(contentsOf: index, encoding: .utf8)
            #expect(text.contains("\"total_size\":200"))
            // Over itself, lazily, into fewer files; what is not of the model stays.
            try Data("{}".utf8).write(to: directory.appendingPathComponent("config.json"))
            try saveSharded(arrays: back.mapValues { $0 + 1 }, directory: directory)
            #expect(
                try names() == ["config.json", "model.safetensors", "model.safetensors.index.json"])
            let second = try loadSharded(directory: directory)
            for number in 0..<5 {
                #expect(second["t\(number)"]?[3].item(Float.self) == Float(number + 1))
            }
            // A save that fails changes nothing.
            let bad = MLXArray.ones([2]) + MLXArray.ones([3])
            #expect(throws: ArrayError.self) {
                try saveSharded(
                    arrays: ["a": MLXArray.ones([8]), "b": bad], directory: directory,
                    maximumShardBytes: 40)
            }
            #expect(
                try names() == ["config.json", "model.safetensors", "model.safetensors.index.json"])
            #expect(throws: ArrayError.self) {
                try saveSharded(
                    arrays: ["a": bad], directory: folder.appendingPathComponent("other"))
            }
            #expect(throws: ArrayError.self) {
                try saveSharded(
                    arrays: arrays, directory: folder.appendingPathComponent("no/such/folder"))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
        }
    }
}
