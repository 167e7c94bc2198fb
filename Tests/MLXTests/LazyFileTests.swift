import Foundation
import Glibc
import MLX
import MLXBase
import MLXGraph
import Testing

/// Arrays of files are read when they are evaluated, and not before; what became of the file in
/// between is an error of the evaluation. The suite counts descriptors, so its tests take turns.
@Suite("Lazy files", .serialized) struct LazyFileTests {
    private func path(_ name: String) -> URL {
        FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-lazy-\(UUID().uuidString)-\(name)")
    }

    private func withFile<R>(
        _ name: String, _ arrays: [String: MLXArray], _ body: (URL) throws -> R
    ) throws -> R {
        let url = path(name)
        defer { try? FileManager.default.removeItem(at: url) }
        try save(arrays: arrays, url: url)
        return try body(url)
    }

    private static func openFiles(_ url: URL) -> Int {
        let folder = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.count { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))?
                .hasPrefix(url.path) == true
        }
    }

    @Test("elements are read at evaluation", arguments: ["safetensors", "npz", "gguf"])
    func readsLate(format: String) throws {
        try withFile("x.\(format)", ["a": MLXArray([1, 2, 3] as [Float])]) { url in
            let a = try #require(try loadArrays(url: url)["a"])
            let b = a * 2 + a.asType(.float16).asType(.float32)
            #expect(NodeReference(a).value == nil)
            try checkedEval(b)
            #expect(b.asArray(Float.self) == [3, 6, 9])
            #expect(a.asArray(Float.self) == [1, 2, 3])
        }
    }

    @Test("a sparse file of 4 GB opens, and only what is touched is read") func large() throws {
        let url = path("large.safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        let size = 1 << 32
        let header =
            #"{"small":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"#
            + #""large":{"dtype":"F32","shape":[1024,1048576],"data_offsets":[16,\#(size + 16)]}}"#
        var bytes = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(Data(header.utf8))
        try bytes.write(to: url)
        try #require(truncate(url.path, bytes.count + size + 16) == 0)
        let arrays = try loadArrays(url: url)
        #expect(arrays["large"]?.nbytes == size)
        #expect(try #require(arrays["small"]).asArray(Float.self) == [0, 0, 0, 0])
        #expect(arrays["large"].map { NodeReference($0).value == nil } == true)
    }

    @Test("D.2 row 10: a file cut short between opening and evaluation is an error that names it")
    func truncated() async throws {
        for format in ["safetensors", "npz", "gguf"] {
            let url = path("x.\(format)")
            defer { try? FileManager.default.removeItem(at: url) }
            let many = MLXArray(0..<3_000_000).asType(.float32)
            try save(arrays: ["layer.weight": many], url: url)
            let array = try #require(try loadArrays(url: url)["layer.weight"])
            try #require(truncate(url.path, 5_000_000) == 0)
            let error = #expect(throws: ArrayError.self) { try checkedEval(array + 1) }
            #expect(error?.kind == .file)
            let message = error?.message ?? ""
            #expect(message.contains("'layer.weight'"), "\(message)")
            #expect(message.contains(url.path), "\(message)")
            #expect(message.contains("cut short"), "\(message)")
            await #expect(throws: ArrayError.self) { try await evaluate(array) }
            // The blocking calls report it inside withError, and the next evaluation works.
            #expect(throws: (any Error).self) { try withError { eval(array) } }
            #expect((MLXArray(1) + 1).item(Int.self) == 2)
        }
    }

    @Test(
        "D.2 row 10: a file that was replaced or removed is read as it was; one written into is not"
    )
    func replaced() throws {
        try withFile("x.safetensors", ["a": MLXArray([1, 2] as [Int32])]) { url in
            let first = try #require(try loadArrays(url: url)["a"])
            // Also by what was made of it.
            try save(arrays: ["a": first + 10], url: url)
            let second = try #require(try loadArrays(url: url)["a"])
            let third = try #require(try loadArrays(url: url)["a"])
            #expect(first.asArray(Int32.self) == [1, 2])
            try FileManager.default.removeItem(at: url)
            #expect(second.asArray(Int32.self) == [11, 12])
            #expect(third.asArray(Int32.self) == [11, 12])
        }
        try withFile("y.safetensors", ["a": MLXArray([1, 2] as [Int32])]) { url in
            let array = try #require(try loadArrays(url: url)["a"])
            let handle = try FileHandle(forUpdating: url)
            try handle.seekToEnd()
            try handle.seek(toOffset: try handle.offset() - 1)
            usleep(20_000)
            try handle.write(contentsOf: Data([9]))
            try handle.close()
            let error = #expect(throws: ArrayError.self) { try checkedEval(array) }
            #expect(error?.message.contains("changed") == true)
        }
    }

    @Test("loads of one shape share a plan and never their values") func plans() throws {
        func file(_ start: Int) throws -> [String: MLXArray] {
            let url = path("\(start).safetensors")
            defer { try? FileManager.default.removeItem(at: url) }
            let arrays = Dictionary(
                uniqueKeysWithValues: (0..<4).map { number in
                    ("t\(number)", MLXArray([Float](repeating: Float(start + number), count: 5)))
                })
            try save(arrays: arrays, url: url)
            return try loadArrays(url: url)
        }
        for start in [10, 20, 30] {
            let arrays = try file(start)
            let sum = arrays["t0"]! + 10 * arrays["t1"]! + 100 * arrays["t2"]!
            let wanted = Float(start + 10 * (start + 1) + 100 * (start + 2))
            #expect(sum.asArray(Float.self) == [Float](repeating: wanted, count: 5))
            // One load twice in a graph is one load, two loads are two.
            let same = arrays["t3"]! - arrays["t3"]!
            #expect(same.asArray(Float.self) == [0, 0, 0, 0, 0])
        }
    }

    @Test("a load is a constant of every transform") func transforms() throws {
        try withFile("w.safetensors", ["w": MLXArray([1, 2, 3] as [Float])]) { url in
            func weight() throws -> MLXArray { try #require(try loadArrays(url: url)["w"]) }
            let x = MLXArray([4, 5, 6] as [Float])
            let w = try weight()
            #expect(grad { (x: MLXArray) in (x * w).sum() }(x).asArray(Float.self) == [1, 2, 3])
            let own = try weight()
            #expect(
                grad { (w: MLXArray) in (w * w).sum() }(own).asArray(Float.self) == [2, 4, 6])
            let mapped = try weight()
            let rows = vmap { (row: MLXArray) in row * mapped }(stacked([x, x + 1]))
            #expect(rows.asArray(Float.self) == [4, 10, 18, 5, 12, 21])
            let captured = try weight()
            let compiled = compile { (x: MLXArray) in x + captured }
            #expect(compiled(x).asArray(Float.self) == [5, 7, 9])
            #expect(compiled(x * 2).asArray(Float.self) == [9, 12, 15])
            // An exported function has the elements, not the file's name.
            let file = path("function.safetensors")
            defer { try? FileManager.default.removeItem(at: file) }
            let constant = try weight()
            try exportFunction(to: file) { [$0[0] - constant] }(x)
            try FileManager.default.removeItem(at: url)
            let imported = try importFunction(from: file)
            #expect(try imported(x)[0].asArray(Float.self) == [3, 3, 3])
        }
    }

    @Test("all arrays of a file share a descriptor, which goes with the last") func descriptors()
        throws
    {
        let many = Dictionary(
            uniqueKeysWithValues: (0..<2000).map { ("t\($0)", MLXArray(Int32($0))) })
        try withFile("many.safetensors", many) { url in
            var arrays = try loadArrays(url: url)
            #expect(Self.openFiles(url) == 1)
            try checkedEval(Array(arrays.values))
            #expect(arrays.allSatisfy { $0.key == "t\($0.value.item(Int.self))" })
            let last = try #require(arrays["t7"])
            arrays = [:]
            #expect(Self.openFiles(url) == 1)
            #expect(last.item(Int.self) == 7)
        }
        let url = path("none.safetensors")
        #expect(Self.openFiles(url) == 0)
    }

    @Test("a file is closed with the last of its arrays") func closing() throws {
        try withFile("x.safetensors", ["a": MLXArray(1), "b": MLXArray(2)]) { url in
            do {
                let a = try #require(try loadArrays(url: url)["a"])
                #expect(Self.openFiles(url) == 1)
                #expect((a + 1).item(Int.self) == 2)
            }
            #expect(Self.openFiles(url) == 0)
        }
    }

    @Test("parts of large arrays are read side by side and put right") func chunks() throws {
        // Big-endian, column-major and longer than one chunk.
        let url = path("x.npy")
        defer { try? FileManager.default.removeItem(at: url) }
        let count = 1_300_000
        var header = "{'descr': '>f4', 'fortran_order': True, 'shape': (2, \(count / 2)), }"
        header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
        data.append(Data(header.utf8))
        data.append(
            (0..<count).map { Float($0).bitPattern.bigEndian }.withUnsafeBytes { Data($0) })
        try data.write(to: url)
        let array = try loadArray(url: url)
        #expect(array.shape == [2, count / 2])
        let expected = MLXArray(0..<count).asType(.float32).reshaped(count / 2, 2).T
        #expect((array .== expected).all().item(Bool.self))
    }
}
