import Foundation
import MLXBase
import MLXFormats

/// A file of arrays as `mlx inspect` shows it: opened and checked, its data not read. The format is
/// told by the name, or by the first bytes where the name says nothing.
struct ArrayFile {
    enum Format: String {
        case safetensors, npz, npy, gguf
        case index = "safetensors index"
        case directory = "model directory"
    }

    let format: Format
    let tensors: [TensorDescription]
    let metadata: [JSONValue.Member]
    /// Of an index or directory: the files with the tensors.
    var files: [String] = []

    /// Elements of a list in metadata that are shown; vocabularies have hundreds of thousands.
    private static let shownCount = 16

    init(path: String) throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if exists, isFolder.boolValue {
            try self.init(directory: path)
            return
        }
        let format = try ArrayFile.format(path)
        switch format {
        case .npy:
            self.init(format, [try NPY.open(path: path)])
        case .npz:
            self.init(format, try NPZ.open(path: path))
        case .gguf:
            let file = try GGUF.open(path: path)
            let values = file.metadata.sorted { $0.key < $1.key }
            self.init(
                format, file.tensors,
                values.map {
                    .init($0.key, $0.value.json(atMost: ArrayFile.shownCount))
                })
        case .index:
            let files = try SafetensorsIndex.open(path: path)
            self.init(format, files.tensors, ArrayFile.members(files.metadata))
            self.files = files.files
        case .safetensors, .directory:
            let file = try Safetensors.open(path: path)
            self.init(.safetensors, file.tensors, ArrayFile.members(file.metadata))
        }
    }

    private init(directory: String) throws {
        let folder = directory.hasSuffix("/") ? directory : directory + "/"
        let index = folder + SafetensorsIndex.fileName
        let isSharded = FileManager.default.fileExists(atPath: index)
        let inner = try ArrayFile(path: isSharded ? index : folder + "model.safetensors")
        format = .directory
        tensors = inner.tensors
        metadata = inner.metadata
        files = isSharded ? inner.files : ["model.safetensors"]
    }

    private init(
        _ format: Format, _ tensors: [StoredTensor], _ metadata: [JSONValue.Member] = []
    ) {
        self.format = format
        self.tensors = tensors.map(\.description)
        self.metadata = metadata
    }

    private static func members(_ texts: [String: String]) -> [JSONValue.Member] {
        texts.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }
    }

    private static func format(_ path: String) throws -> Format {
        if path.hasSuffix(SafetensorsIndex.suffix) { return .index }
        let name = (path as NSString).pathExtension
        if let format = Format(rawValue: name) { return format }
        let source = try FileSource(path: path)
        let start = try source.bytes(at: 0, count: min(6, source.byteCount))
        let known: [(bytes: [UInt8], format: Format)] = [
            (Array("GGUF".utf8), .gguf), ([0x50, 0x4B], .npz), ([0x93, 0x4E, 0x55, 0x4D], .npy),
        ]
        return known.first { start.starts(with: $0.bytes) }?.format ?? .safetensors
    }
}
