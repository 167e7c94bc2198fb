import Foundation
import MLX
import MLXBase
import MLXData
import MLXFormats
import MLXModels

/// Texts that are programs: templates, tokenizers, configurations, functions.
enum TextInput {
    private static func text(_ input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }

    private static let turns: [ChatValue] = [
        ["role": "system", "content": "Be brief."],
        ["role": "user", "content": "What is 7 × 8?\n"], ["role": "assistant", "content": "56"],
    ]

    static func template(_ input: [UInt8]) throws {
        _ = try ChatTemplate(text(input), specialTokens: ["bos_token": "<s>", "eos_token": "</s>"])
            .render(messages: turns)
    }

    /// A tokenizer.json, then a zero byte, then a text for it.
    static func tokenizer(_ input: [UInt8]) throws {
        let end = input.firstIndex(of: 0) ?? input.endIndex
        let tokenizer = try Tokenizer(data: Data(input[..<end]))
        let sentence = end < input.endIndex ? text(Array(input[(end + 1)...])) : "Hello, you 12 é"
        let ids = try tokenizer.checkedEncode(sentence, pair: "b")
        _ = try tokenizer.checkedDecode(ids, skipSpecialTokens: false)
    }

    /// The JSON files of a model's directory, without weights.
    static func configuration(_ input: [UInt8]) throws {
        let folder = scratch
        let names = ["config.json", "generation_config.json", "tokenizer_config.json"]
        for name in names { try Data(input).write(to: folder.appendingPathComponent(name)) }
        let model = try ModelDirectory(folder)
        do { _ = try model.generationOptions() } catch is ModelError {}
        do { _ = try ChatTemplate(directory: folder) } catch is ChatTemplateError {}
        do { _ = try model.encoder() } catch is ModelError {} catch is ArrayError {}
        _ = try model.languageModel()
    }

    static let scratch: URL = {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-fuzz-\(getpid())")
        try! FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }()
}

/// Function files: the operations as JSON, inside of a file that is right.
enum FunctionInput {
    static func run(_ input: [UInt8]) throws {
        let file = TextInput.scratch.appendingPathComponent("function.mlxfn")
        var number: Float = 2
        try withUnsafeBytes(of: &number) { bytes in
            try Safetensors.write(
                [TensorContents(name: "constant.0", dtype: .float32, shape: [], bytes: bytes)],
                metadata: [
                    "format": "mlx-actors.function", "version": "1",
                    "functions": String(decoding: input, as: UTF8.self),
                ], path: file.path)
        }
        let function = try importFunction(from: file)
        guard function.arguments.allSatisfy({ $0.shape.size <= 4096 }) else { return }
        let results = function.first(
            function.arguments.map { MLXArray.ones($0.shape.array).asType($0.dtype) })
        guard results.allSatisfy({ $0.size <= 4096 }) else { return }
        try checkedEval(results)
    }
}
