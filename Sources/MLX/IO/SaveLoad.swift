import FoundationEssentials
import MLXBase
import MLXFormats
import MLXGraph
import MLXOps
import MLXMemory

/// What can go wrong with the name or kind of a file. What is wrong inside one is an `ArrayError`
/// of kind `file`.
public enum LoadSaveError: Error {
    /// The file cannot be opened, with the reason.
    case unableToOpen(URL, String)
    /// No format has this file name extension.
    case unknownExtension(String)
}

extension LoadSaveError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .unableToOpen(let url, let message): "cannot open \(url.path): \(message)"
        case .unknownExtension(let name):
            "'.\(name)' is no format that can be read or written here"
        }
    }
}

/// Writes an array as `.npy`.
/// - Throws: `ArrayError` when the array cannot be computed or the file not be written.
public func save(array: MLXArray, url: URL, stream: StreamOrDevice = .default) throws {
    guard url.pathExtension == "npy" else {
        throw LoadSaveError.unknownExtension(url.pathExtension)
    }
    try checkedEval(array)
    try withContents(["": array]) { try NPY.write($0[0], path: url.path) }
}

/// Writes named arrays as `.safetensors` or `.gguf`, with optional metadata, or `.npz`. The file
/// appears whole or not at all.
/// - Throws: `ArrayError` when an array cannot be computed or the file not be written.
public func save(
    arrays: [String: MLXArray], metadata: [String: String] = [:], url: URL,
    stream: StreamOrDevice = .default
) throws {
    try checkedEval(Array(arrays.values))
    try withContents(arrays) { contents in
        switch url.pathExtension {
        case "safetensors":
            try Safetensors.write(contents, metadata: metadata, path: url.path)
        case "npz": try NPZ.write(contents, compressed: false, path: url.path)
        case "gguf":
            try GGUF.write(
                contents, metadata: metadata.mapValues(GGUFValue.string), path: url.path)
        default: throw LoadSaveError.unknownExtension(url.pathExtension)
        }
    }
}

/// Named arrays in the safetensors format.
public func saveToData(
    arrays: [String: MLXArray], metadata: [String: String] = [:]
) throws -> Data {
    try checkedEval(Array(arrays.values))
    let sink = MemorySink()
    try withContents(arrays) { try Safetensors.write($0, metadata: metadata, to: sink) }
    return Data(sink.contents)
}

/// Opens a `.npy` file. What is wrong with its header is thrown; the elements are read when the
/// array is evaluated.
public func loadArray(url: URL, stream: StreamOrDevice = .cpu) throws -> MLXArray {
    guard url.pathExtension == "npy" else {
        throw LoadSaveError.unknownExtension(url.pathExtension)
    }
    return try loaded(try NPY.open(path: url.path), stream)
}

/// Opens the arrays of a `.safetensors`, `.gguf` or `.npz` file, or of all files that a
/// `.safetensors.index.json` names.
///
/// Only headers are read and checked. An array's elements are read when it is evaluated, and those
/// of arrays that nothing needs are never read. The file stays open as long as one of its arrays
/// lives: replacing or removing it changes nothing, cutting it short or writing into it is an
/// `ArrayError` of kind `file` at evaluation.
/// ```swift
/// let weights = try loadArrays(url: url)
/// try await evaluate(weights["embedding"]!)
/// ```
public func loadArrays(url: URL, stream: StreamOrDevice = .cpu) throws -> [String: MLXArray] {
    try loadArraysAndMetadata(url: url, stream: stream).0
}

/// Opens the arrays of a file as ``loadArrays(url:stream:)`` does, and reads the metadata of
/// `.safetensors` and `.gguf`; what is no text in a `.gguf` file comes as JSON (`loadGGUF` has it
/// as arrays).
public func loadArraysAndMetadata(
    url: URL, stream: StreamOrDevice = .cpu
) throws -> ([String: MLXArray], [String: String]) {
    if url.lastPathComponent.hasSuffix(SafetensorsIndex.suffix) {
        let files = try SafetensorsIndex.open(path: url.path)
        return (try loadedTensors(files.tensors, stream), files.metadata)
    }
    switch url.pathExtension {
    case "safetensors":
        let file = try Safetensors.open(path: url.path)
        return (try loadedTensors(file.tensors, stream), file.metadata)
    case "npz": return (try loadedTensors(try NPZ.open(path: url.path), stream), [:])
    case "gguf":
        let file = try GGUF.open(path: url.path)
        return (try loadedTensors(file.tensors, stream), file.metadata.mapValues(\.text))
    default: throw LoadSaveError.unknownExtension(url.pathExtension)
    }
}

/// Reads arrays in the safetensors format.
public func loadArrays(
    data: Data, stream: StreamOrDevice = .cpu
) throws -> [String: MLXArray] {
    try loadArraysAndMetadata(data: data, stream: stream).0
}

/// Reads arrays and metadata in the safetensors format.
public func loadArraysAndMetadata(
    data: Data, stream: StreamOrDevice = .cpu
) throws -> ([String: MLXArray], [String: String]) {
    let file = try Safetensors.open(MemorySource([UInt8](data)))
    return (try readTensors(file.tensors), file.metadata)
}

/// Runs `body` with the bytes of evaluated arrays, sorted by name, row-major.
package func withContents<R>(
    _ arrays: [String: MLXArray], _ body: ([TensorContents]) throws -> R
) throws -> R {
    var copies: [UnsafeMutableRawBufferPointer] = []
    defer { for copy in copies { copy.deallocate() } }
    var contents: [TensorContents] = []
    var values: [Value] = []
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) {
        guard let value = array.value else { continue }
        if value.isRowMajor {
            values.append(value)
            contents.append(
                TensorContents(
                    name: name, dtype: value.dtype, shape: value.shape.array,
                    bytes: UnsafeRawBufferPointer(start: value.pointer, count: value.byteCount)))
        } else {
            let copy = UnsafeMutableRawBufferPointer.allocate(
                byteCount: value.byteCount, alignment: 64)
            value.copyRowMajor(to: copy)
            copies.append(copy)
            contents.append(
                TensorContents(
                    name: name, dtype: value.dtype, shape: value.shape.array,
                    bytes: UnsafeRawBufferPointer(copy)))
        }
    }
    return try withExtendedLifetime(values) { try body(contents) }
}

/// Writes named arrays in the safetensors format, whatever the file's name.
func writeSafetensors(
    _ arrays: [String: MLXArray], metadata: [String: String], to url: URL
) throws {
    try checkedEval(Array(arrays.values))
    try withContents(arrays) {
        try Safetensors.write($0, metadata: metadata, path: url.path)
    }
}
