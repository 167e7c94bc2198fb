import CZlib
import MLXBase

/// Writes a zip archive entry by entry: stored or deflated, with zip64 fields where a size or an
/// offset needs them. Times are those of the format's epoch, so equal contents make equal files.
struct ZipWriter {
    private let sink: any ByteSink
    private var directory: [UInt8] = []
    private var entryCount = 0
    /// From this size on the 64-bit fields are used; lower only to test them.
    private let wideFrom: Int

    /// 1980-01-01, the first day a zip archive can name.
    private static let date = 0x21
    private static let versionPlain = 20
    private static let versionWide = 45
    private static let madeByUnix = 3 << 8

    init(_ sink: any ByteSink, wideFrom: Int = ZipRecord.saturated32) {
        self.sink = sink
        self.wideFrom = wideFrom
    }

    /// Adds an entry whose contents are `parts`, one after the other.
    mutating func add(
        _ name: String, parts: [UnsafeRawBufferPointer], deflated: Bool
    ) throws(ArrayError) {
        let nameBytes = Array(name.utf8)
        guard !nameBytes.isEmpty, nameBytes.count <= ZipLimits.nameByteCount,
            entryCount < ZipLimits.entryCount
        else { throw ArrayError(.limit, "save", "too many arrays, or a name of unfit length") }
        var checksum = crc32(0, nil, 0)
        for part in parts where !part.isEmpty {
            checksum = crc32_z(
                checksum, part.baseAddress!.assumingMemoryBound(to: UInt8.self), part.count)
        }
        let packed = deflated ? try Deflater.deflate(parts) : nil
        let byteCount = parts.reduce(0) { $0 + $1.count }
        let header = Header(
            name: nameBytes, method: deflated ? .deflated : .stored, checksum: Int(checksum),
            compressedByteCount: packed?.count ?? byteCount, byteCount: byteCount,
            offset: sink.byteCount)
        try sink.write(local(header))
        if let packed {
            try sink.write(packed)
        } else {
            for part in parts { try sink.write(part) }
        }
        appendCentral(header)
        entryCount += 1
    }

    private struct Header {
        let name: [UInt8]
        let method: ZipEntry.Method
        let checksum: Int
        let compressedByteCount: Int
        let byteCount: Int
        let offset: Int
    }

    /// What both kinds of header share, from the version needed to the sizes.
    private func common(_ header: Header, isWide: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append16(isWide ? ZipWriter.versionWide : ZipWriter.versionPlain)
        bytes.append16(ZipRecord.flagUTF8)
        bytes.append16(header.method.rawValue)
        bytes.append16(0)
        bytes.append16(ZipWriter.date)
        bytes.append32(header.checksum)
        bytes.append32(isWide ? ZipRecord.saturated32 : header.compressedByteCount)
        bytes.append32(isWide ? ZipRecord.saturated32 : header.byteCount)
        bytes.append16(header.name.count)
        return bytes
    }

    private func local(_ header: Header) -> [UInt8] {
        let isWide = max(header.byteCount, header.compressedByteCount) >= wideFrom
        var bytes: [UInt8] = []
        bytes.append32(ZipRecord.localSignature)
        bytes += common(header, isWide: isWide)
        bytes.append16(isWide ? 20 : 0)
        bytes += header.name
        if isWide {
            bytes.append16(ZipRecord.extra64Identifier)
            bytes.append16(16)
            bytes.append64(header.byteCount)
            bytes.append64(header.compressedByteCount)
        }
        return bytes
    }

    private mutating func appendCentral(_ header: Header) {
        let isWide =
            max(header.byteCount, header.compressedByteCount, header.offset) >= wideFrom
        directory.append32(ZipRecord.centralSignature)
        directory.append16(ZipWriter.madeByUnix | ZipWriter.versionWide)
        directory += common(header, isWide: isWide)
        directory.append16(isWide ? 28 : 0)
        directory.append16(0)  // comment
        directory.append16(0)  // disk
        directory.append16(0)  // internal attributes
        directory.append32(0o100644 << 16)
        directory.append32(isWide ? ZipRecord.saturated32 : header.offset)
        directory += header.name
        if isWide {
            directory.append16(ZipRecord.extra64Identifier)
            directory.append16(24)
            directory.append64(header.byteCount)
            directory.append64(header.compressedByteCount)
            directory.append64(header.offset)
        }
    }

    /// Writes the directory and the end records; nothing may be added afterwards.
    func finish() throws(ArrayError) {
        let offset = sink.byteCount
        try sink.write(directory)
        let isWide =
            entryCount >= ZipRecord.saturated16 || max(offset, directory.count) >= wideFrom
        var bytes: [UInt8] = []
        if isWide { appendWideEnd(offset, to: &bytes) }
        bytes.append32(ZipRecord.endSignature)
        bytes.append32(0)
        let count = isWide ? ZipRecord.saturated16 : entryCount
        bytes.append16(count)
        bytes.append16(count)
        bytes.append32(isWide ? ZipRecord.saturated32 : directory.count)
        bytes.append32(isWide ? ZipRecord.saturated32 : offset)
        bytes.append16(0)
        try sink.write(bytes)
    }

    private func appendWideEnd(_ offset: Int, to bytes: inout [UInt8]) {
        bytes.append32(ZipRecord.end64Signature)
        bytes.append64(ZipRecord.end64ByteCount - 12)
        bytes.append16(ZipWriter.madeByUnix | ZipWriter.versionWide)
        bytes.append16(ZipWriter.versionWide)
        bytes.append64(0)
        bytes.append64(entryCount)
        bytes.append64(entryCount)
        bytes.append64(directory.count)
        bytes.append64(offset)
        bytes.append32(ZipRecord.locator64Signature)
        bytes.append32(0)
        bytes.append64(offset + directory.count)
        bytes.append32(1)
    }
}
