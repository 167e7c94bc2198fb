import FoundationEssentials
import MLXBase
import MLXFormats
import MLXGraph

// GGUF files with all of their metadata, as MLX's own load and save have them.

/// A value of a GGUF file's metadata.
public enum GGUFMetadata: Sendable {
    /// Text.
    case string(String)
    /// Several texts.
    case strings([String])
    /// A number without axes, or several along one.
    case array(MLXArray)
    /// Arrays in an array.
    case list([GGUFMetadata])
}

/// The arrays and metadata of a GGUF file. Tensors in Q4_0, Q4_1 and Q8_0 become three arrays:
/// `x.weight` (packed uint32), `x.scales` and `x.biases` (float16, groups of 32), as
/// `dequantized` takes them. Those in Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL and IQ4_XS are decoded to
/// float16 when they are read. Metadata of type float64 becomes float32, as in MLX.
///
/// ```swift
/// let (arrays, metadata) = try loadGGUF(url: url)
/// if case .string(let name)? = metadata["general.architecture"] { print(name) }
/// ```
/// - Throws: `ArrayError` of kind `file` for a file that is malformed, or has a tensor in another
///   type, by the names of both.
public func loadGGUF(
    url: URL, stream: StreamOrDevice = .cpu
) throws -> (arrays: [String: MLXArray], metadata: [String: GGUFMetadata]) {
    let file = try GGUF.open(path: url.path)
    return (try loadedTensors(file.tensors, stream), file.metadata.mapValues(GGUFMetadata.init))
}

/// Writes arrays and metadata as a GGUF file, which appears whole or not at all.
///
/// ```swift
/// try saveGGUF(arrays: ["x": x], metadata: ["general.name": .string("x")], url: url)
/// ```
/// - Throws: `ArrayError` when an array cannot be computed, the format does not have its dtype
///   (bool, unsigned, complex64), metadata has more than one axis, or the file cannot be written.
public func saveGGUF(
    arrays: [String: MLXArray], metadata: [String: GGUFMetadata] = [:], url: URL,
    stream: StreamOrDevice = .default
) throws {
    try checkedEval(Array(arrays.values))
    let values = try metadata.mapValues { try $0.value() }
    try withContents(arrays) { try GGUF.write($0, metadata: values, path: url.path) }
}

extension GGUFMetadata {
    fileprivate init(_ value: GGUFValue) {
        func array(_ bytes: [UInt8], _ shape: [Int], _ dtype: DType) -> GGUFMetadata {
            let array = MLXArray(Data(bytes), shape, dtype: dtype)
            return .array(dtype == .float64 ? array.asType(.float32) : array)
        }
        switch value {
        case .string(let text): self = .string(text)
        case .strings(let texts): self = .strings(texts)
        case .scalar(let dtype, let bytes): self = array(bytes, [], dtype)
        case .array(let dtype, let bytes):
            self = array(bytes, [bytes.count / dtype.size], dtype)
        case .list(let values): self = .list(values.map(GGUFMetadata.init))
        }
    }

    fileprivate func value() throws -> GGUFValue {
        switch self {
        case .string(let text): return .string(text)
        case .strings(let texts): return .strings(texts)
        case .array(let array):
            guard array.ndim <= 1 else {
                throw ArrayError(
                    .shape, "save", "metadata has one axis at most", shapes: [array.shape])
            }
            try checkedEval(array)
            let bytes = [UInt8](array.asData(access: .copy).data)
            return array.ndim == 0 ? .scalar(array.dtype, bytes) : .array(array.dtype, bytes)
        case .list(let values): return .list(try values.map { try $0.value() })
        }
    }
}
