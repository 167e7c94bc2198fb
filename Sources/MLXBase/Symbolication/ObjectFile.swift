import Glibc

/// The parts of a 64-bit little-endian ELF file that name code: its function symbols and its line
/// table. They are read once and kept, because a process that described one error will describe
/// another. A file without them (stripped, compressed sections, another format) has none.
final class ObjectFile {
    private let symbols: UnsafeBufferPointer<UInt8>?
    private let symbolNames: UnsafeBufferPointer<UInt8>?
    let lines: LineTable?

    /// Bytes of one section; more are taken as none.
    private static let maximumSectionByteCount: UInt64 = 1 << 28
    private static let maximumSectionCount = 4096
    private static let symbolByteCount = 24
    private static let sectionHeaderByteCount = 64
    private static let compressedFlag: UInt64 = 1 << 11

    init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let sections = ObjectFile.sections(of: descriptor) else { return nil }
        func load(_ name: String) -> UnsafeBufferPointer<UInt8>? {
            guard let section = sections[name] else { return nil }
            return ObjectFile.read(descriptor, at: section.offset, count: section.count)
        }
        symbols = load(".symtab")
        symbolNames = load(".strtab")
        lines = load(".debug_line").map {
            LineTable(program: $0, lineStrings: load(".debug_line_str"))
        }
    }

    deinit {
        symbols?.deallocate()
        symbolNames?.deallocate()
    }

    /// The function that holds an address of the file, and where it starts. Walks all symbols:
    /// some milliseconds for a large program, against a sorted copy of the table for good.
    func symbol(at address: UInt64) -> (name: String, start: UInt64)? {
        guard let symbols, let symbolNames else { return nil }
        let table = UnsafeRawPointer(symbols.baseAddress!)
        var offset = 0
        while offset + ObjectFile.symbolByteCount <= symbols.count {
            let start = table.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            if start <= address {
                let size = table.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self)
                let kind = symbols[offset + 4] & 0xF
                if address - start < size, kind == 2 {
                    let name = table.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                    var bytes = DebugBytes(symbolNames, from: Int(name))
                    let text = bytes.string()
                    return bytes.isValid ? (text, start) : nil
                }
            }
            offset += ObjectFile.symbolByteCount
        }
        return nil
    }

    // MARK: Reading

    private static func sections(
        of descriptor: Int32
    ) -> [String: (offset: UInt64, count: UInt64)]? {
        guard let header = read(descriptor, at: 0, count: 64) else { return nil }
        defer { header.deallocate() }
        let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1]
        guard header.starts(with: magic) else { return nil }
        let fields = UnsafeRawPointer(header.baseAddress!)
        let tableOffset = fields.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
        let size = Int(fields.loadUnaligned(fromByteOffset: 58, as: UInt16.self))
        let count = Int(fields.loadUnaligned(fromByteOffset: 60, as: UInt16.self))
        let nameIndex = Int(fields.loadUnaligned(fromByteOffset: 62, as: UInt16.self))
        guard size == sectionHeaderByteCount, count <= maximumSectionCount, nameIndex < count,
            let table = read(descriptor, at: tableOffset, count: UInt64(size * count))
        else { return nil }
        defer { table.deallocate() }
        let rows = UnsafeRawPointer(table.baseAddress!)
        func word(_ index: Int, _ offset: Int) -> UInt64 {
            rows.loadUnaligned(fromByteOffset: index * size + offset, as: UInt64.self)
        }
        guard let names = read(descriptor, at: word(nameIndex, 24), count: word(nameIndex, 32))
        else { return nil }
        defer { names.deallocate() }
        var sections: [String: (offset: UInt64, count: UInt64)] = [:]
        for index in 0..<count where word(index, 8) & compressedFlag == 0 {
            let name = rows.loadUnaligned(fromByteOffset: index * size, as: UInt32.self)
            var bytes = DebugBytes(names, from: Int(name))
            sections[bytes.string()] = (word(index, 24), word(index, 32))
        }
        return sections
    }

    /// A copy of a range; nil when it is empty, too long, or not all there.
    private static func read(
        _ descriptor: Int32, at offset: UInt64, count: UInt64
    ) -> UnsafeBufferPointer<UInt8>? {
        guard count > 0, count <= maximumSectionByteCount, offset <= UInt64(Int.max) - count else {
            return nil
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, offset + count <= UInt64(status.st_size) else {
            return nil
        }
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Int(count))
        var done = 0
        while done < buffer.count {
            let got = pread(
                descriptor, buffer.baseAddress! + done, buffer.count - done, Int(offset) + done)
            if got <= 0 {
                if got < 0, errno == EINTR { continue }
                buffer.deallocate()
                return nil
            }
            done += got
        }
        return UnsafeBufferPointer(buffer)
    }
}
