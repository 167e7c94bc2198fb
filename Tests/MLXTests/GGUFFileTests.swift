import Foundation
import MLX
import Testing

/// GGUF files through the functions that users call.
@Suite("GGUF files") struct GGUFFileTests {
    @Test("arrays and metadata there and back") func roundTrip() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-\(UUID().uuidString).gguf")
        defer { try? FileManager.default.removeItem(at: url) }
        let arrays = [
            "w": MLXArray(0..<6, [2, 3]).asType(.float32), "h": ones([4], dtype: .float16).T,
            "t": MLXArray(0..<6, [2, 3]).asType(.int16).T,
        ]
        try saveGGUF(
            arrays: arrays,
            metadata: [
                "name": .string("n"), "list": .strings(["a", "b"]),
                "rate": .array(MLXArray(0.5 as Float)),
                "dims": .array(MLXArray([1, 2] as [Int32])),
                "nested": .list([.strings(["a"]), .array(MLXArray([1] as [Int32]))]),
            ], url: url)
        let (read, metadata) = try loadGGUF(url: url)
        #expect(read.count == 3)
        for (name, array) in arrays {
            let own = try #require(read[name])
            #expect(own.dtype == array.dtype && own.shape == array.shape)
            #expect(arrayEqual(own, array).item(Bool.self))
        }
        guard case .string("n")? = metadata["name"], case .strings(["a", "b"])? = metadata["list"],
            case .array(let rate)? = metadata["rate"], case .array(let dims)? = metadata["dims"]
        else {
            Issue.record("\(metadata)")
            return
        }
        #expect(rate.item(Float.self) == 0.5 && dims.asArray(Int32.self) == [1, 2])
        let texts = try loadArraysAndMetadata(url: url).1
        #expect(
            texts["list"] == #"["a","b"]"# && texts["rate"] == "0.5"
                && texts["nested"] == #"[["a"],[1]]"#)
        try save(arrays: arrays, metadata: ["k": "v"], url: url)
        let (again, text) = try loadArraysAndMetadata(url: url)
        #expect(again.count == 3 && text == ["k": "v"])
        #expect(throws: ArrayError.self) {
            try save(arrays: ["b": MLXArray([true])], url: url)
        }
        #expect(try loadArrays(url: url).count == 3)
    }
}
