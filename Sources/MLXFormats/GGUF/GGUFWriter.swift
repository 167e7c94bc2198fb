import MLXBase

/// Writing GGUF version 3: keys and tensors sorted by name, tensors of plain dtypes at multiples of
/// 32 bytes, which is what readers expect of a file that names no alignment. Everything is checked
/// before the first byte.
extension GGUF {
    package static func write(
        _ tensors: [TensorContents], metadata: [String: GGUFValue] = [:], path: String
    ) throws(ArrayError) {
        let header = try header(tensors, metadata)
        let sink = try AtomicFileSink(path: path)
        try write(header, tensors, to: sink)
        try sink.commit()
    }

    package static func write(
        _ tensors: [TensorContents], metadata: [String: GGUFValue] = [:], to sink: any ByteSink
    ) throws(ArrayError) {
        try write(try header(tensors, metadata), tensors, to: sink)
    }

    private static func write(
        _ header: [UInt8], _ tensors: [TensorContents], to sink: any ByteSink
    ) throws(ArrayError) {
        try sink.write(header)
        for tensor in ordered(tensors) {
            try sink.write(tensor.bytes)
            try sink.write([UInt8](repeating: 0, count: padding(tensor.bytes.count)))
        }
    }

    private static func padding(_ count: Int) -> Int {
        (defaultAlignment - count % defaultAlignment) % defaultAlignment
    }

    private static func ordered(_ tensors: [TensorContents]) -> [TensorContents] {
        tensors.sorted { $0.name < $1.name }
    }

    private static func header(
        _ tensors: [TensorContents], _ metadata: [String: GGUFValue]
    ) throws(ArrayError) -> [UInt8] {
        var out: [UInt8] = []
        out.append32(magic)
        out.append32(3)
        out.append64(tensors.count)
        // Data is aligned as readers expect it of files that do not say; one that was read may.
        var values = metadata
        values[alignmentKey] = nil
        out.append64(values.count)
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            guard !key.isEmpty, key.utf8.count <= 65_535 else {
                throw ArrayError(.argument, "save", "a metadata key is empty or too long")
            }
            append(key, to: &out)
            try append(value, key, to: &out)
        }
        var names: Set<String> = []
        var offset = 0
        for tensor in ordered(tensors) {
            try tensor.check()
            guard !tensor.name.isEmpty, names.insert(tensor.name).inserted,
                tensor.name.utf8.count <= maximumNameByteCount
            else {
                throw ArrayError(
                    .argument, "save",
                    "the name '\(tensor.name.prefix(64))' is empty, too long or repeated")
            }
            guard let code = GGUFLayout.code(of: tensor.dtype) else {
                throw ArrayError(
                    .dtype, "save", "GGUF has no \(tensor.dtype)", dtypes: [tensor.dtype])
            }
            append(tensor.name, to: &out)
            out.append32(tensor.shape.count)
            for dim in tensor.shape.reversed() { out.append64(dim) }
            out.append32(code)
            out.append64(offset)
            offset += tensor.bytes.count + padding(tensor.bytes.count)
        }
        out.append(contentsOf: repeatElement(0, count: padding(out.count)))
        return out
    }

    private static func append(_ text: String, to out: inout [UInt8]) {
        out.append64(text.utf8.count)
        out.append(contentsOf: text.utf8)
    }

    private static func append(
        _ value: GGUFValue, _ key: String, to out: inout [UInt8]
    ) throws(ArrayError) {
        func code(_ dtype: DType) throws(ArrayError) -> Int {
            if let code = GGUFValue.code(of: dtype) { return code }
            throw ArrayError(
                .dtype, "save", "metadata '\(key.prefix(64))' cannot be \(dtype)",
                dtypes: [dtype])
        }
        switch value {
        case .string(let text):
            out.append32(GGUFValue.stringCode)
            append(text, to: &out)
        case .scalar(let dtype, let bytes):
            out.append32(try code(dtype))
            out.append(contentsOf: bytes)
        default:
            out.append32(GGUFValue.arrayCode)
            try appendArray(value, key, depth: 1, to: &out)
        }

        func appendArray(
            _ value: GGUFValue, _ key: String, depth: Int, to out: inout [UInt8]
        ) throws(ArrayError) {
            switch value {
            case .strings(let texts):
                out.append32(GGUFValue.stringCode)
                out.append64(texts.count)
                for text in texts { append(text, to: &out) }
            case .array(let dtype, let bytes):
                out.append32(try code(dtype))
                out.append64(bytes.count / dtype.size)
                out.append(contentsOf: bytes)
            case .list(let arrays) where depth < GGUFValue.maximumDepth:
                out.append32(GGUFValue.arrayCode)
                out.append64(arrays.count)
                for array in arrays { try appendArray(array, key, depth: depth + 1, to: &out) }
            default:
                throw ArrayError(
                    .argument, "save",
                    "metadata '\(key.prefix(64))' has something other than an array in an array,"
                        + " or more than \(GGUFValue.maximumDepth) levels")
            }
        }
    }
}
