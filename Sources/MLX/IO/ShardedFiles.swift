import FoundationEssentials
import MLXBase
import MLXFormats

// Arrays in several safetensors files with an index, as Hugging Face and MLX keep models.

/// Writes named arrays into safetensors files of a directory, in Hugging Face's layout:
/// `model-00001-of-00003.safetensors` and so on, and `model.safetensors.index.json`, which says
/// where each array is. What fits one file becomes `model.safetensors`.
///
/// Arrays are computed and written file by file. The model appears as a whole: files of a former
/// one stay as they are until all new ones are on the disk, and at no moment does an index name
/// files of both. Other files of the directory are left alone.
/// ```swift
/// try saveSharded(arrays: weights, directory: url, maximumShardBytes: 2 << 30)
/// ```
/// - Parameters:
///   - directory: is made if it is not there.
///   - maximumShardBytes: of the arrays in one file; an array that is larger gets one of its own.
///   - metadata: texts to store in every file.
/// - Throws: `ArrayError` when an array cannot be computed or a file not be written; nothing has
///   changed then.
public func saveSharded(
    arrays: [String: MLXArray], directory: URL, maximumShardBytes: Int = 5 << 30,
    metadata: [String: String] = [:]
) throws {
    let staged = try StagedDirectory(path: directory.path)
    var arrays = arrays
    try writeShards(
        taking: &arrays, to: staged, maximumShardBytes: maximumShardBytes, metadata: metadata)
    try commitShards(staged)
}

/// Opens the arrays of a model directory: those that `model.safetensors.index.json` names, or those
/// of `model.safetensors` where there is no index. Elements are read when an array is evaluated, as
/// with ``loadArrays(url:stream:)``.
/// ```swift
/// let weights = try loadSharded(directory: url)
/// ```
/// - Throws: `ArrayError` of kind `file` for an index that names files outside of its directory or
///   tensors that are not there, and for what is wrong with a file.
public func loadSharded(
    directory: URL, stream: StreamOrDevice = .cpu
) throws -> [String: MLXArray] {
    let index = directory.appendingPathComponent(SafetensorsIndex.fileName)
    guard FileManager.default.fileExists(atPath: index.path) else {
        return try loadArrays(
            url: directory.appendingPathComponent("model.safetensors"), stream: stream)
    }
    return try loadedTensors(SafetensorsIndex.open(path: index.path).tensors, stream)
}

/// Writes arrays as shards and an index, and lets go of each shard's arrays once it is written, so
/// that a model that is converted is never in memory as a whole.
package func writeShards(
    taking arrays: inout [String: MLXArray], to staged: StagedDirectory, maximumShardBytes: Int,
    metadata: [String: String]
) throws {
    guard maximumShardBytes > 0 else {
        throw ArrayError(.argument, "save", "shards of \(maximumShardBytes) bytes")
    }
    var shards: [[String]] = []
    var room = 0
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) {
        if shards.isEmpty || array.nbytes > room {
            shards.append([])
            room = maximumShardBytes
        }
        shards[shards.count - 1].append(name)
        room -= array.nbytes
    }
    // A model without arrays still has a file.
    if shards.isEmpty { shards = [[]] }
    var files: [String: String] = [:]
    var total = 0
    for (number, names) in shards.enumerated() {
        let file = SafetensorsIndex.fileName(number: number + 1, of: shards.count)
        var shard: [String: MLXArray] = [:]
        for name in names {
            shard[name] = arrays.removeValue(forKey: name)
            files[name] = file
            total += shard[name]?.nbytes ?? 0
        }
        try writeSafetensors(
            shard, metadata: metadata, to: URL(fileURLWithPath: staged.path(of: file)))
    }
    let index = try AtomicFileSink(path: staged.path(of: SafetensorsIndex.fileName))
    try index.write(SafetensorsIndex.bytes(fileOfTensor: files, totalByteCount: total))
    try index.commit()
}

/// Moves a staged model into its directory, where it replaces a former one.
package func commitShards(_ staged: StagedDirectory) throws {
    try staged.commit(
        record: SafetensorsIndex.fileName, isStale: SafetensorsIndex.isModelFile)
}
