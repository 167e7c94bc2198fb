import MLXBase

/// The index of tensors that lie in several safetensors files, as Hugging Face writes it: a JSON
/// object whose `weight_map` names a file for each tensor. The index is as hostile as any file: it
/// can name nothing outside of its own folder, every tensor that it lists has to be in the file
/// that it says, and no tensor may be in two files.
package struct SafetensorsIndex: Sendable {
    package static let suffix = ".safetensors.index.json"
    package static let fileName = "model" + suffix

    /// The file of each tensor.
    package let fileOfTensor: [String: String]
    /// The files, sorted.
    package let files: [String]

    /// Names that an error lists; the rest is counted.
    private static let shownCount = 8

    package init(parsing bytes: [UInt8], source: String) throws(ArrayError) {
        let tree: JSONValue
        do throws(JSONError) { tree = try JSONValue(parsing: bytes) } catch {
            throw .file("load", source, "is malformed: \(error)")
        }
        guard let map = tree["weight_map"]?.members else {
            throw .file("load", source, "has no object 'weight_map'")
        }
        var files: [String: String] = [:]
        for member in map {
            guard let file = member.value.string, SafetensorsIndex.isPlain(file) else {
                throw .file(
                    "load", source,
                    "the file of tensor '\(member.key.prefix(64))' is no name of a safetensors "
                        + "file in its folder")
            }
            files[member.key] = file
        }
        fileOfTensor = files
        self.files = Set(files.values).sorted()
    }

    /// A file name, and not a path.
    private static func isPlain(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && !name.hasPrefix(".") && name.utf8.count <= 255
            && !name.utf8.contains {
                $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 < 32
            }
    }

    /// Opens all files that an index names and checks them against it; no data is read.
    package static func open(path: String) throws(ArrayError) -> ShardedSafetensors {
        let source = try FileSource(path: path)
        guard source.byteCount <= Safetensors.headerByteCountLimit else {
            throw .file("load", path, "is no index: it has \(source.byteCount) bytes")
        }
        let index = try SafetensorsIndex(
            parsing: source.contents(), source: path)
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var shards: [(name: String, contents: Safetensors)] = []
        for file in index.files {
            shards.append((file, try Safetensors.open(path: folder + file)))
        }
        return try index.joined(shards, source: path)
    }

    private func joined(
        _ shards: [(name: String, contents: Safetensors)], source: String
    ) throws(ArrayError) -> ShardedSafetensors {
        var places: [String: String] = [:]
        var tensors: [StoredTensor] = []
        var metadata: [String: String] = [:]
        for shard in shards {
            for tensor in shard.contents.tensors {
                let name = tensor.description.name
                if let other = places.updateValue(shard.name, forKey: name) {
                    throw .file(
                        "load", source,
                        "tensor '\(name.prefix(64))' is in '\(other)' and in '\(shard.name)'")
                }
                tensors.append(tensor)
            }
            metadata.merge(shard.contents.metadata) { first, _ in first }
        }
        let absent = fileOfTensor.filter { places[$0.key] != $0.value }.keys.sorted()
        guard absent.isEmpty else {
            let shown = absent.prefix(SafetensorsIndex.shownCount).map {
                "'\($0.prefix(64))' (\(fileOfTensor[$0] ?? ""))"
            }
            let more = absent.count - shown.count
            throw .file(
                "load", source,
                "tensors are not in the files that it names: \(shown.joined(separator: ", "))"
                    + (more > 0 ? " and \(more) more" : ""))
        }
        return ShardedSafetensors(tensors: tensors, metadata: metadata, files: files)
    }

    // MARK: Writing

    /// The text of an index.
    package static func bytes(
        fileOfTensor: [String: String], totalByteCount: Int
    ) -> [UInt8] {
        let map = fileOfTensor.sorted { $0.key < $1.key }
        return JSONWriter.bytes(
            of: .object([
                .init("metadata", .object([.init("total_size", .integer(totalByteCount))])),
                .init("weight_map", .object(map.map { .init($0.key, .string($0.value)) })),
            ]))
    }

    /// The name of one of several files; of the only one, `model.safetensors`.
    package static func fileName(number: Int, of count: Int) -> String {
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(5 - text.utf8.count, 0)) + text
        }
        return count == 1
            ? "model.safetensors"
            : "model-\(digits(number))-of-\(digits(count)).safetensors"
    }

    /// Whether a file can only be part of a model saved under these names.
    package static func isModelFile(_ name: String) -> Bool {
        if name == "model.safetensors" { return true }
        guard name.hasPrefix("model-"), name.hasSuffix(".safetensors") else { return false }
        let middle = name.dropFirst(6).dropLast(12)
        let isNumber = { (text: Substring) in text.count >= 5 && text.allSatisfy(\.isNumber) }
        guard let of = middle.firstRange(of: "-of-") else { return false }
        return isNumber(middle[..<of.lowerBound]) && isNumber(middle[of.upperBound...])
    }
}

/// The tensors of all files of an index.
package struct ShardedSafetensors: Sendable {
    package let tensors: [StoredTensor]
    /// Of all files; where they differ, the first file's.
    package let metadata: [String: String]
    package let files: [String]
}
