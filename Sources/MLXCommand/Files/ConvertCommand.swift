import ArgumentParser
import Foundation
import MLX
import MLXFormats
import MLXModels

/// `mlx convert`: arrays and models in another format, dtype or quantization.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write arrays or a model in another format, dtype or quantization.",
        discussion: """
            Reads safetensors, npz, npy, gguf, a safetensors index, or a directory. The name of \
            the output decides: .safetensors, .npz, .npy or .gguf, else a directory of shards. A \
            directory with a config.json becomes one with its configuration and tokenizer, and so \
            does a .gguf file with a language model.
            """)

    @Argument(help: "The file or directory to read.") var input: String
    @Argument(help: "The file or directory to write.") var output: String
    @Option(
        help: """
            Of all floating-point arrays: float32, float16, bfloat16 or float64. Weights that are \
            decoded are decoded in it, weights that are quantized get scales in it.
            """)
    var dtype: String?
    @Flag(help: "Decode a model's matrices that are stored in few bits.") var dequantize = false
    @OptionGroup var codes: ConvertQuantization
    @Option(help: "The most bytes of arrays in one file of a directory.")
    var shardBytes = 5 << 30
    @Flag(help: "Replace what is there.") var force = false

    private static let dtypes: [String: DType] = [
        "float32": .float32, "float16": .float16, "bfloat16": .bfloat16, "float64": .float64,
        "f32": .float32, "f16": .float16, "bf16": .bfloat16, "f64": .float64,
    ]

    func validate() throws {
        if let dtype, ConvertCommand.dtypes[dtype] == nil {
            throw ValidationError("'\(dtype)' is none of the floating-point dtypes")
        }
        guard shardBytes > 0 else { throw ValidationError("--shard-bytes must be positive") }
    }

    private static let formats = ["safetensors", "npz", "npy", "gguf"]

    func run() throws {
        let target = URL(fileURLWithPath: output)
        try checkTarget(target)
        let type = dtype.flatMap { ConvertCommand.dtypes[$0] }
        let isFile = ConvertCommand.formats.contains(target.pathExtension)
        if !isFile, isModel {
            return try convertModel(to: target, type)
        }
        guard !codes.isForModels else {
            throw ArrayError(
                .argument, "convert",
                "recipes, --bits-for, --gptq, --awq, --smooth and --search are for models, and the"
                    + " output is a directory")
        }
        guard !dequantize else {
            throw ArrayError(
                .argument, "convert", "--dequantize is for models, and the output is a directory")
        }
        var (arrays, metadata) = try read()
        if let type {
            arrays = arrays.mapValues {
                $0.dtype.isFloatingPoint && $0.dtype != .complex64 ? $0.asType(type) : $0
            }
        }
        if codes.quantize { try quantize(&arrays) }
        if isFile {
            try write(arrays, metadata, to: target)
        } else {
            try saveSharded(
                arrays: arrays, directory: target, maximumShardBytes: shardBytes,
                metadata: metadata)
        }
    }

    private func convertModel(to target: URL, _ dtype: DType?) throws {
        let files = try ModelDirectory(URL(fileURLWithPath: input))
        guard codes.quantize else {
            try files.convert(
                to: target, dtype: dtype, dequantize: dequantize, maximumShardBytes: shardBytes)
            return
        }
        let rows = try files.convert(
            to: target, recipe: try codes.recipe(), dtype: dtype, dequantize: dequantize,
            rounding: try codes.rounding(files), maximumShardBytes: shardBytes)
        if let summary = ConvertQuantization.summary(rows) { print(summary) }
    }

    /// Whether the input is a directory with a configuration, or a file with a language model.
    private var isModel: Bool {
        let url = URL(fileURLWithPath: input)
        if ModelDirectory.isGGUF(url) {
            return (try? GGUF.open(path: input))?.metadata["tokenizer.ggml.model"] != nil
        }
        return FileManager.default.fileExists(
            atPath: URL(fileURLWithPath: input).appendingPathComponent("config.json").path)
    }

    private func checkTarget(_ target: URL) throws {
        // `x.xyz` is a file in a format that there is not; `model-v1.5` may be a directory.
        let format = target.pathExtension
        let isKnown = format.isEmpty || ConvertCommand.formats.contains(format)
        if !isKnown, !isModel, !output.hasSuffix("/"), format.allSatisfy(\.isLetter) {
            throw ArrayError(
                .file, "convert",
                "'.\(format)' is none of the formats that are written:"
                    + " \(ConvertCommand.formats.joined(separator: ", "));"
                    + " the name of a directory ends with '/'")
        }
        var isFolder: ObjCBool = false
        let files = FileManager.default
        guard !force, files.fileExists(atPath: target.path, isDirectory: &isFolder) else { return }
        if isFolder.boolValue, try files.contentsOfDirectory(atPath: target.path).isEmpty { return }
        throw ArrayError(.file, "convert", "'\(output)' is there; --force replaces it")
    }

    private func read() throws -> ([String: MLXArray], [String: String]) {
        let url = URL(fileURLWithPath: input)
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: input, isDirectory: &isFolder)
        if exists, isFolder.boolValue { return (try loadSharded(directory: url), [:]) }
        if url.pathExtension == "npy" { return (["array": try loadArray(url: url)], [:]) }
        return try loadArraysAndMetadata(url: url)
    }

    private func write(
        _ arrays: [String: MLXArray], _ metadata: [String: String], to target: URL
    ) throws {
        guard target.pathExtension == "npy" else {
            return try save(arrays: arrays, metadata: metadata, url: target)
        }
        guard arrays.count == 1, let array = arrays.values.first else {
            throw ArrayError(
                .argument, "convert", "an npy file holds one array, and there are \(arrays.count)")
        }
        try save(array: array, url: target)
    }

    /// Matrices named `x.weight` become `x.weight`, `x.scales` and `x.biases`, as in MLX's
    /// checkpoints.
    private func quantize(_ arrays: inout [String: MLXArray]) throws {
        let format = try codes.format()
        var count = 0
        for (name, array) in arrays {
            let path = name.hasSuffix(".weight") ? name.dropLast(7) : ""
            guard !path.isEmpty, array.ndim == 2, array.dtype.isFloatingPoint,
                array.dtype != .complex64, array.dim(1) > 0,
                format.mode == .int8 || array.dim(1) % format.groupSize == 0
            else { continue }
            let parts = quantized(
                array, groupSize: format.groupSize, bits: format.bits, mode: format.mode)
            arrays[name] = parts.wq
            arrays[path + ".scales"] = parts.scales
            arrays[path + ".biases"] = parts.biases
            count += 1
        }
        guard count > 0 else {
            throw ArrayError(
                .argument, "convert",
                "no matrix named x.weight has rows of whole groups of \(format.groupSize)")
        }
    }
}
