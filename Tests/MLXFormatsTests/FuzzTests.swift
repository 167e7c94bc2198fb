import Glibc
import MLXBase
import Testing

@testable import MLXFormats

// Files damaged at random: a loader gives tensors or a typed error, and never ends the process.
// MLX_FUZZ_SEED repeats a run, MLX_FUZZ_ROUNDS makes it longer; a failure prints both.

@Suite struct FuzzTests {
    private static let seed =
        getenv("MLX_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_122
    private static let rounds =
        getenv("MLX_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 1500

    @Test(
        "Damaged files are tensors or typed errors",
        arguments: [
            "v1.npy", "v2.npy", "fortran.npy", "all.npz", "compressed.npz", "positional.npz",
            "all.safetensors", "all.gguf",
        ])
    func damaged(_ name: String) throws {
        let good = try Fixture.bytes(name)
        var generator = SplitMix64(seed: Self.seed)
        var opened = 0
        for round in 0..<Self.rounds {
            let bytes = damage(good, &generator)
            do {
                for tensor in try open(bytes, as: name) {
                    let description = tensor.description
                    let due = TensorDescription.byteCount(
                        shape: description.shape, dtype: description.dtype)
                    #expect(due == description.byteCount, "seed \(Self.seed), round \(round)")
                    if try tensor.bytes().count == description.byteCount { opened += 1 }
                }
            } catch let error as ArrayError {
                #expect(error.kind == .file, "seed \(Self.seed), round \(round): \(error)")
            }
        }
        // Some damage is harmless; were all of it refused, the test would test nothing.
        #expect(opened > 0, "seed \(Self.seed)")
    }

    @Test("JSON of random words is a value or an error")
    func json() {
        let words = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "1", "-", ".", "e", "true", "null",
            " ", "\\u", "d83d", "é", "0", "\"__metadata__\"", "\"dtype\"", "\"data_offsets\"",
        ]
        var generator = SplitMix64(seed: Self.seed)
        for _ in 0..<Self.rounds * 4 {
            let count = Int.random(in: 0..<24, using: &generator)
            let text = (0..<count).map { _ in words.randomElement(using: &generator)! }.joined()
            if let value = try? JSONValue(parsing: text) {
                let again = try? JSONValue(parsing: JSONWriter.bytes(of: value))
                #expect(again == value, "seed \(Self.seed): \(text)")
            }
            _ = try? openSafetensors(safetensors("{" + text))
            let index = "{\"weight_map\":{\"a\":\"x.safetensors\",\"b\":" + text
            _ = try? SafetensorsIndex(parsing: Array(index.utf8), source: "index")
        }
    }

    private func open(_ bytes: [UInt8], as name: String) throws -> [StoredTensor] {
        if name.hasSuffix(".npy") { return [try openNPY(bytes)] }
        if name.hasSuffix(".npz") { return try openNPZ(bytes) }
        if name.hasSuffix(".gguf") { return try GGUF.open(MemorySource(bytes)).tensors }
        return try openSafetensors(bytes).tensors
    }

    /// One to four changes: a bit or byte, a run of one byte, a cut, a doubled piece, a length.
    private func damage(_ good: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
        var bytes = good
        let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x22, 0x2C, 0x30, 0x39]
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 2: bytes[at] = interesting.randomElement(using: &generator)!
            case 3:
                let end = min(bytes.count, at + Int.random(in: 1...9, using: &generator))
                let byte = interesting.randomElement(using: &generator)!
                for index in at..<end { bytes[index] = byte }
            case 4:
                let end = min(bytes.count, at + Int.random(in: 1...64, using: &generator))
                bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 5 where Bool.random(using: &generator): bytes.removeLast(bytes.count - at)
            default: bytes.remove(at: at)
            }
        }
        return bytes
    }
}
