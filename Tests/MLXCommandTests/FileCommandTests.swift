import Foundation
import MLX
import Testing

/// `mlx inspect` and `mlx convert`: what they say and write, and that bad files end them with
/// status 1 and bad usage with 2.
@Suite("File commands") struct FileCommandTests {
    private let matrix = MLXArray(0 ..< 256).asType(.float32).reshaped(4, 64) / 16

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test("inspect shows tensors and metadata", arguments: ["safetensors", "npz", "gguf"])
    func inspect(format: String) throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("x.\(format)")
            let metadata = format == "npz" ? [:] : ["made.by": "a test"]
            try save(
                arrays: ["a.weight": matrix, "b": MLXArray([1, 2] as [Int32])],
                metadata: metadata, url: file)
            let command = try Command("inspect", file.path, "--json")
            #expect(command.status == 0)
            let object = try command.object()
            #expect(object["format"] as? String == format)
            #expect(object["tensor_bytes"] as? Int == 1032)
            #expect((object["open_ms"] as? Double).map { $0 > 0 } == true)
            let shown = try #require(object["metadata"] as? [String: Any])
            #expect(shown["made.by"] as? String == metadata["made.by"])
            let tensors = try #require(object["tensors"] as? [[String: Any]])
            let a = try #require(tensors.first { $0["name"] as? String == "a.weight" })
            #expect(a["shape"] as? [Int] == [4, 64])
            #expect(a["dtype"] as? String == "float32")
            #expect(a["bytes"] as? Int == 1024)
            let text = try Command("inspect", file.path).output
            #expect(text.contains("a.weight") && text.contains("float32"))
        }
    }

    @Test("a format that there is not makes no directory") func unknownFormat() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("x.npy")
            try save(array: matrix, url: file)
            let command = try Command("convert", file.path, folder.path + "/x.xyz")
            #expect(command.status == 1 && command.errors.contains("'.xyz'"))
            #expect(try names(folder) == ["x.npy"])
            // A name that may be a version's, and one that says it is a directory.
            for name in ["model-v1.5", "shards.dir/"] {
                #expect(try Command("convert", file.path, "\(folder.path)/\(name)").status == 0)
            }
            #expect(try names(folder) == ["model-v1.5", "shards.dir", "x.npy"])
        }
    }

    @Test("a benchmark that there is not is said so") func unknownBenchmark() throws {
        let command = try Command("bench", "--only", "nosuch")
        #expect(command.status != 0 && command.errors.contains("'nosuch'"))
        #expect(command.output.isEmpty)
    }

    @Test("convert goes round through every format and shards") func formats() throws {
        try withFolder { folder in
            func place(_ name: String) -> URL { folder.appendingPathComponent(name) }
            let arrays = ["a.weight": matrix, "b": MLXArray([1, 2] as [Int32]), "c": matrix.T]
            try save(arrays: arrays, metadata: ["k": "v"], url: place("0.safetensors"))
            let steps = ["1.npz", "2.gguf", "3", "4.safetensors"]
            var last = "0.safetensors"
            for step in steps {
                let command = try Command(
                    "convert", place(last).path, place(step).path, "--shard-bytes", "1100")
                #expect(command.status == 0, "\(step): \(command.errors)")
                last = step
            }
            #expect(
                try names(place("3")) == [
                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json",
                ])
            let back = try loadArrays(url: place(last))
            #expect(Set(back.keys) == Set(arrays.keys))
            for (name, array) in arrays {
                #expect((try #require(back[name]) .== array).all().item(Bool.self), "\(name)")
            }
            // Nothing is left of the work.
            #expect(try names(folder) == (["0.safetensors"] + steps).sorted())
        }
    }

    @Test("convert casts and quantizes") func values() throws {
        try withFolder { folder in
            let a = folder.appendingPathComponent("a.npz")
            let b = folder.appendingPathComponent("b")
            try save(arrays: ["x.weight": matrix, "y": MLXArray([1, 2] as [Int32])], url: a)
            var command = try Command("convert", a.path, b.path, "--dtype", "bfloat16")
            #expect(command.status == 0)
            #expect(try loadSharded(directory: b).mapValues(\.dtype) == [
                "x.weight": .bfloat16, "y": .int32,
            ])
            command = try Command(
                "convert", a.path, b.path, "--quantize", "--bits", "8", "--group-size", "32")
            #expect(command.status == 1 && command.errors.contains("--force"))
            command = try Command(
                "convert", a.path, b.path, "--quantize", "--bits", "8", "--group-size", "32",
                "--force")
            #expect(command.status == 0)
            let made = try loadSharded(directory: b)
            #expect(Set(made.keys) == ["x.weight", "x.scales", "x.biases", "y"])
            let wide = dequantized(
                made["x.weight"]!, scales: made["x.scales"]!, biases: made["x.biases"],
                groupSize: 32, bits: 8)
            #expect(abs(wide - matrix).max().item(Float.self) < 0.01)
        }
    }

    @Test("models are rounded with a text, by recipes and patterns") func rounding() throws {
        let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../MLXModelsTests/Fixtures/gguf/llama.gguf").path
        try withFolder { folder in
            let (out, text) = (
                folder.appendingPathComponent("out"), folder.appendingPathComponent("text")
            )
            try Data(String(repeating: "one two three four ", count: 30).utf8).write(to: text)
            let command = try Command(
                "convert", model, out.path, "--dequantize", "--dtype", "float32", "--quantize",
                "--group-size", "32", "--bits", "3", "--gptq", "--awq", "--calibration", text.path,
                "--calibration-tokens", "64", "--bits-for", "*down_proj=8", "--bits-for",
                "*q_proj=float")
            #expect(command.status == 0, "\(command.errors)")
            #expect(command.output.hasPrefix("rounded "), "\(command.output)")
            let made = try loadSharded(directory: out)
            let layer = "model.layers.0.self_attn"
            #expect(made["\(layer).q_proj.scales"] == nil)
            #expect(made["\(layer).k_proj.scales"]?.dtype == .float32)
            let written = try String(
                contentsOf: out.appendingPathComponent("config.json"), encoding: .utf8)
            #expect(written.contains("\"\(layer).q_proj\":false"), "\(written)")
            let measured = try Command(
                "perplexity", out.path, text.path, "--limit", "40", "--json")
            #expect(measured.status == 0, "\(measured.errors)")
            #expect(measured.output.contains("\"perplexity\""))
            let bad = try Command(
                "convert", model, folder.appendingPathComponent("no").path, "--dequantize",
                "--quantize", "--gptq", "--calibration", folder.path + "/none")
            #expect(bad.status == 1 && bad.errors.contains("none"))
        }
    }

    @Test("bad files end with status 1 and a message") func badFiles() throws {
        try withFolder { folder in
            let file = folder.appendingPathComponent("x.safetensors")
            let out = folder.appendingPathComponent("out").path
            try save(arrays: ["x": matrix], url: file)
            let bytes = try Data(contentsOf: file)
            for count in [0, 7, 8, 60, bytes.count - 1] {
                try bytes.prefix(count).write(to: file)
                for command in [
                    try Command("inspect", file.path), try Command("convert", file.path, out),
                ] {
                    #expect(command.status == 1, "\(count) bytes")
                    #expect(command.errors.contains(file.path), "\(command.errors)")
                }
            }
            for command in [
                try Command("inspect", folder.path), try Command("inspect", out),
                try Command("inspect", "/dev/zero"), try Command("convert", "/dev/null", out),
                try Command("convert", folder.path, out),
            ] { #expect(command.status == 1 && !command.errors.isEmpty) }
            #expect(try names(folder) == ["x.safetensors"])
        }
    }

    @Test("bad usage ends with status 2") func badUsage() throws {
        for command in [
            try Command("inspect"), try Command("convert", "x"),
            try Command("convert", "x", "y", "--dtype", "int8"),
            try Command("convert", "x", "y", "--bits", "4"),
            try Command("convert", "x", "y", "--quantize", "--bits", "7"),
            try Command("convert", "x", "y", "--quantize", "--group-size", "-1"),
            try Command("convert", "x", "y", "--quantize", "--mode", "best"),
            try Command("convert", "x", "y", "--quantize", "--mode", "mxfp4", "--bits", "8"),
            try Command("convert", "x", "y", "--gptq"),
            try Command("convert", "x", "y", "--quantize", "--calibration", "z"),
            try Command("convert", "x", "y", "--quantize", "--search", "--awq"),
            try Command("convert", "x", "y", "--quantize", "--quantize-recipe", "mixed_9_9"),
            try Command(
                "convert", "x", "y", "--quantize", "--quantize-recipe", "mixed_3_6", "--bits", "2"),
            try Command("convert", "x", "y", "--quantize", "--bits-for", "*.up=7"),
            try Command("convert", "x", "y", "--quantize", "--bits-for", "up"),
            try Command("generate", "x", "y", "--kv-bits", "7"),
            try Command("convert", "x", "y", "--shard-bytes", "0"),
            try Command("convert", "x", "y", "--shard-bytes", "99999999999999999999"),
        ] { #expect(command.status == 2, "\(command.errors)") }
    }
}
