import MLXBase

/// NumPy's format for several arrays: a zip archive of npy files, whose names are the arrays'
/// with `.npy` behind. Opening checks the archive and every header; the data is read when asked
/// for. An archive with anything else in it is refused.
package enum NPZ {
    private static let suffix = ".npy"

    package static func open(path: String) throws(ArrayError) -> [StoredTensor] {
        try open(FileSource(path: path))
    }

    package static func open(_ source: any ByteSource) throws(ArrayError) -> [StoredTensor] {
        var tensors: [StoredTensor] = []
        for entry in try ZipDirectory(source).entries {
            // Bytes, because characters join what stands before the suffix to it.
            let bytes = entry.name.utf8
            guard bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else {
                throw .file("load", source.name, "entry '\(entry.name)' is no npy file")
            }
            tensors.append(
                try NPY.open(
                    ZipEntrySource(entry, of: source),
                    name: String(decoding: bytes.dropLast(suffix.utf8.count), as: UTF8.self)))
        }
        return tensors
    }

    // MARK: Writing

    package static func write(
        _ tensors: [TensorContents], compressed: Bool = false, path: String
    ) throws(ArrayError) {
        let sink = try AtomicFileSink(path: path)
        try write(tensors, compressed: compressed, to: sink)
        try sink.commit()
    }

    package static func write(
        _ tensors: [TensorContents], compressed: Bool = false, to sink: any ByteSink
    ) throws(ArrayError) {
        try write(tensors, compressed: compressed, with: ZipWriter(sink))
    }

    static func write(
        _ tensors: [TensorContents], compressed: Bool, with zip: consuming ZipWriter
    ) throws(ArrayError) {
        var names: Set<String> = []
        for tensor in tensors {
            try tensor.check()
            guard names.insert(tensor.name).inserted else {
                throw ArrayError(.argument, "save", "the name '\(tensor.name)' is used twice")
            }
            guard !ZipEntry.leadsElsewhere(tensor.name + suffix) else {
                throw ArrayError(
                    .argument, "save",
                    "the name '\(tensor.name.prefix(64))' would lead elsewhere in an archive")
            }
            let header = NPY.header(dtype: tensor.dtype, shape: tensor.shape)
            let failure = header.withUnsafeBytes { header -> ArrayError? in
                do throws(ArrayError) {
                    try zip.add(
                        tensor.name + suffix, parts: [header, tensor.bytes], deflated: compressed)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }
        try zip.finish()
    }
}
