import CMLXInterface
import FoundationEssentials
import Glibc
import MLX
import MLXBase
import MLXFormats
import MLXGraph

/// Named arrays and texts, what a file holds.
private final class Table {
    struct Entry {
        let section: Int32
        let name: UnsafeMutablePointer<CChar>
        let array: MLXArray?
        let texts: [UnsafeMutablePointer<CChar>]
        let isList: Bool
    }

    static let arrays = Int32(CMLX_TABLE_ARRAYS)
    static let metadata = Int32(CMLX_TABLE_METADATA)

    var entries: [Entry] = []

    func add(
        _ section: Int32, _ name: String, array: MLXArray? = nil, texts: [String] = [],
        isList: Bool = false
    ) {
        entries.append(
            Entry(
                section: section, name: strdup(name), array: array,
                texts: texts.map { strdup($0) }, isList: isList))
    }

    deinit {
        for entry in entries {
            free(entry.name)
            for text in entry.texts { free(text) }
        }
    }

    var namedArrays: [String: MLXArray] {
        var result: [String: MLXArray] = [:]
        for entry in entries where entry.section == Table.arrays {
            result[String(cString: entry.name)] = entry.array
        }
        return result
    }

    var texts: [String: GGUFMetadata] {
        var result: [String: GGUFMetadata] = [:]
        for entry in entries where entry.section == Table.metadata {
            let texts = entry.texts.map { String(cString: $0) }
            result[String(cString: entry.name)] =
                entry.array.map { .array($0) }
                ?? (entry.isList ? .strings(texts) : .string(texts.first ?? ""))
        }
        return result
    }
}

private func table(_ pointer: OpaquePointer?) -> Table? {
    pointer.map { Unmanaged<Table>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

private func entry(_ pointer: OpaquePointer?, _ number: Int32) -> Table.Entry? {
    guard let table = table(pointer), table.entries.indices.contains(Int(number)) else {
        return nil
    }
    return table.entries[Int(number)]
}

@c @implementation
public func cmlx_table_make() -> OpaquePointer? {
    OpaquePointer(Unmanaged.passRetained(Table()).toOpaque())
}

@c @implementation
public func cmlx_table_free(_ pointer: OpaquePointer?) {
    guard let pointer else { return }
    Unmanaged<Table>.fromOpaque(UnsafeRawPointer(pointer)).release()
}

@c @implementation
public func cmlx_table_add_array(
    _ pointer: OpaquePointer?, _ section: Int32, _ name: UnsafePointer<CChar>?,
    _ array: cmlx_array
) -> Int32 {
    guard let table = table(pointer), let name else { return -1 }
    table.add(section, String(cString: name), array: MLXArray(borrowing: array))
    return 0
}

@c @implementation
public func cmlx_table_add_texts(
    _ pointer: OpaquePointer?, _ section: Int32, _ name: UnsafePointer<CChar>?,
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32, _ isList: Int32
) -> Int32 {
    guard let table = table(pointer), let name else { return -1 }
    let values = (0..<Int(count)).map { texts![$0].map { String(cString: $0) } ?? "" }
    table.add(section, String(cString: name), texts: values, isList: isList != 0)
    return 0
}

@c @implementation
public func cmlx_table_count(_ pointer: OpaquePointer?) -> Int32 {
    Int32(table(pointer)?.entries.count ?? 0)
}

@c @implementation
public func cmlx_table_section(_ pointer: OpaquePointer?, _ number: Int32) -> Int32 {
    entry(pointer, number)?.section ?? -1
}

@c @implementation
public func cmlx_table_name(_ pointer: OpaquePointer?, _ number: Int32) -> UnsafePointer<CChar>? {
    entry(pointer, number).map { UnsafePointer($0.name) }
}

@c @implementation
public func cmlx_table_array(_ pointer: OpaquePointer?, _ number: Int32) -> cmlx_array {
    entry(pointer, number)?.array?.given() ?? 0
}

@c @implementation
public func cmlx_table_text_count(_ pointer: OpaquePointer?, _ number: Int32) -> Int32 {
    Int32(entry(pointer, number)?.texts.count ?? 0)
}

@c @implementation
public func cmlx_table_text_is_list(_ pointer: OpaquePointer?, _ number: Int32) -> Int32 {
    entry(pointer, number)?.isList == true ? 1 : 0
}

@c @implementation
public func cmlx_table_text(
    _ pointer: OpaquePointer?, _ number: Int32, _ position: Int32
) -> UnsafePointer<CChar>? {
    guard let entry = entry(pointer, number), entry.texts.indices.contains(Int(position)) else {
        return nil
    }
    return UnsafePointer(entry.texts[Int(position)])
}

@c @implementation
public func cmlx_load(
    _ path: UnsafePointer<CChar>?, _ format: UnsafePointer<CChar>?
) -> OpaquePointer? {
    let table = Table()
    do {
        guard let path, let format else { throw ArrayError(.argument, "load", "has no path") }
        let name = String(cString: path)
        func add(_ tensors: [StoredTensor]) throws {
            for tensor in tensors {
                table.add(Table.arrays, tensor.description.name, array: try loaded(tensor))
            }
        }
        switch String(cString: format) {
        case "npy": table.add(Table.arrays, "", array: try loaded(NPY.open(path: name)))
        case "npz": try add(NPZ.open(path: name))
        case "safetensors":
            let file = try Safetensors.open(path: name)
            try add(file.tensors)
            for (key, text) in file.metadata { table.add(Table.metadata, key, texts: [text]) }
        case "gguf":
            let (arrays, metadata) = try loadGGUF(url: URL(fileURLWithPath: name))
            for (key, array) in arrays { table.add(Table.arrays, key, array: array) }
            for (key, value) in metadata {
                switch value {
                case .string(let text): table.add(Table.metadata, key, texts: [text])
                case .strings(let texts):
                    table.add(Table.metadata, key, texts: texts, isList: true)
                case .array(let array): table.add(Table.metadata, key, array: array)
                case .list:
                    throw ArrayError(
                        .file, "load", "metadata '\(key.prefix(64))' has arrays in an array")
                }
            }
        case let other: throw ArrayError(.argument, "load", "Unknown file format \(other)")
        }
        return OpaquePointer(Unmanaged.passRetained(table).toOpaque())
    } catch {
        Failure.note(error)
        return nil
    }
}

@c @implementation
public func cmlx_save(
    _ path: UnsafePointer<CChar>?, _ format: UnsafePointer<CChar>?, _ pointer: OpaquePointer?
) -> Int32 {
    guarded {
        guard let path, let format, let table = table(pointer) else {
            throw ArrayError(.argument, "save", "has no path")
        }
        let name = String(cString: path)
        let arrays = table.namedArrays
        try checkedEval(Array(arrays.values))
        switch String(cString: format) {
        case "npy": try withContents(arrays) { try NPY.write($0[0], path: name) }
        case "npz": try withContents(arrays) { try NPZ.write($0, compressed: false, path: name) }
        case "npz+": try withContents(arrays) { try NPZ.write($0, compressed: true, path: name) }
        case "safetensors":
            let metadata = table.texts.compactMapValues {
                if case .string(let text) = $0 { text } else { nil }
            }
            try withContents(arrays) {
                try Safetensors.write($0, metadata: metadata, path: name)
            }
        case "gguf":
            try saveGGUF(
                arrays: arrays, metadata: table.texts, url: URL(fileURLWithPath: name))
        case let other: throw ArrayError(.argument, "save", "Unknown file format \(other)")
        }
    }
}
