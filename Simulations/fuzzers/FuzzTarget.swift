import Foundation
import MLX
import MLXBase
import MLXData
import MLXFormats
import MLXFuzz
import MLXMemory
import MLXModels
import MLXRuntime

/// What reads input that anybody may have made. Each takes bytes and must end with a value or a
/// typed error, in time and memory that the bytes answer for.
enum FuzzTarget: String, CaseIterable, Sendable {
    case npy, npz, safetensors, index, gguf, idx, gzip, png, netpbm, csv, json
    case functions, ops, templates, tokenizers, config, topology

    /// The one that the environment names.
    static let chosen = getenv("MLX_FUZZ_TARGET").flatMap {
        FuzzTarget(rawValue: String(cString: $0))
    }

    /// Nothing is measured, and nothing kept.
    static func prepare() { setenv("MLX_CALIBRATION", "typical", 0) }

    func run(_ input: [UInt8]) {
        do {
            try handle(input)
        } catch is ArrayError {
        } catch is JSONError {
        } catch is TokenizerError {
        } catch is ChatTemplateError {
        } catch is ModelError {
        } catch {
            fatalError("an error of the type \(type(of: error)): \(error)")
        }
    }

    private func handle(_ input: [UInt8]) throws {
        switch self {
        case .npy: try read([NPY.open(MemorySource(input))])
        case .npz:
            try attempt { try read(NPZ.open(MemorySource(input))) }
            try read(NPZ.open(MemorySource(Checksums.zip(input))))
        case .safetensors: try read(Safetensors.open(MemorySource(input)).tensors)
        case .index: _ = try SafetensorsIndex(parsing: input, source: "index")
        case .gguf: try read(GGUF.open(MemorySource(input)).tensors)
        case .idx: try read([IDX.open(MemorySource(input))])
        case .gzip: _ = try Gzip.unpack(Checksums.gzip(input), source: "fuzz", limit: 1 << 24)
        case .png: try image(Checksums.png(input))
        case .netpbm: try image(input)
        case .csv: try table(input)
        case .json:
            let value = try JSONValue(parsing: input)
            guard try JSONValue(parsing: JSONWriter.bytes(of: value)) == value else {
                fatalError("what was written is not what was read")
            }
        case .functions: try FunctionInput.run(input)
        case .ops:
            var bytes = FuzzBytes(input)
            _ = HostileCall(&bytes).run()
        case .templates: try TextInput.template(input)
        case .tokenizers: try TextInput.tokenizer(input)
        case .config: try TextInput.configuration(input)
        case .topology: _ = try Topology.parse(input, name: "fuzz")
        }
    }

    /// The first of several tries; the others are made whatever becomes of it.
    private func attempt(_ body: () throws -> Void) throws {
        do { try body() } catch is ArrayError {}
    }

    /// Data, not only headers, as far as it is small.
    private func read(_ tensors: [StoredTensor]) throws {
        for tensor in tensors where tensor.description.byteCount <= 1 << 20 {
            let bytes = try tensor.bytes()
            guard bytes.count == tensor.description.byteCount else {
                fatalError("\(bytes.count) bytes for \(tensor.description)")
            }
        }
    }

    private func image(_ input: [UInt8]) throws {
        var limits = FileLimits()
        limits.imageByteCount = 1 << 24
        try FileLimits.$current.withValue(limits) {
            let image = try DecodedImage.decode(input, source: "fuzz")
            for count in 1...4 where image.bytes.count <= 1 << 16 {
                _ = image.withChannels(count)
            }
        }
    }

    private func table(_ input: [UInt8]) throws {
        guard let text = String(validating: input, as: UTF8.self) else {
            _ = try CSV(input, style: .init(), source: "fuzz")
            fatalError("bytes that are no text were taken for a table")
        }
        let table = try CSVTable(text: text)
        for name in table.names.prefix(8) {
            _ = try? table.numbers(name)
            _ = try? table.integers(name)
            _ = try table.texts(name)
            _ = try table.type(of: name)
        }
    }
}
