import MLXBase

/// The entries of a zip archive, taken from its central directory and compared with each local
/// header. Everything is checked before an entry is handed out: names, methods, sizes, ranges,
/// overlap (the trick of zip bombs), and what the deflated entries claim to hold together.
struct ZipDirectory {
    private(set) var entries: [ZipEntry] = []

    private let source: any ByteSource
    private let end: ZipEnd
    private let inflatedByteCountLimit: Int

    /// - Parameter inflatedByteCountLimit: what all deflated entries together may claim to hold.
    init(
        _ source: any ByteSource, inflatedByteCountLimit: Int = FileLimits.current.unpackedByteCount
    ) throws(ArrayError) {
        self.source = source
        self.inflatedByteCountLimit = inflatedByteCountLimit
        self.end = try ZipEnd(source)
        try readCentralHeaders()
        try checkNames()
        for index in entries.indices { try readLocalHeader(index) }
        try checkRanges()
    }

    private func malformed(_ message: String) -> ArrayError {
        .file("load", source.name, message)
    }

    // MARK: Central directory

    private mutating func readCentralHeaders() throws(ArrayError) {
        let bytes = try source.bytes(at: end.directoryOffset, count: end.directoryByteCount)
        var offset = 0
        entries.reserveCapacity(end.entryCount)
        for _ in 0..<end.entryCount {
            guard bytes.count - offset >= ZipRecord.centralByteCount,
                bytes.word32(at: offset) == ZipRecord.centralSignature
            else { throw malformed("an entry of the zip directory is malformed") }
            let nameByteCount = bytes.word16(at: offset + 28)
            let extraByteCount = bytes.word16(at: offset + 30)
            let total =
                ZipRecord.centralByteCount + nameByteCount + extraByteCount
                + bytes.word16(at: offset + 32)
            guard total <= bytes.count - offset else {
                throw malformed("an entry of the zip directory is cut short")
            }
            entries.append(
                try centralEntry(
                    bytes, at: offset, nameByteCount: nameByteCount,
                    extraByteCount: extraByteCount))
            offset += total
        }
        guard offset == bytes.count else {
            throw malformed("the zip directory has bytes of no entry")
        }
    }

    private func centralEntry(
        _ bytes: [UInt8], at offset: Int, nameByteCount: Int, extraByteCount: Int
    ) throws(ArrayError) -> ZipEntry {
        let nameStart = offset + ZipRecord.centralByteCount
        let name = try name(bytes[nameStart..<nameStart + nameByteCount])
        try checkFlags(bytes.word16(at: offset + 8), name)
        guard let method = ZipEntry.Method(rawValue: bytes.word16(at: offset + 10)) else {
            throw malformed("entry '\(name)' is compressed by an unsupported method")
        }
        let extraStart = nameStart + nameByteCount
        var sizes = ZipSizes(
            byteCount: UInt64(bytes.word32(at: offset + 24)),
            compressedByteCount: UInt64(bytes.word32(at: offset + 20)),
            headerOffset: UInt64(bytes.word32(at: offset + 42)))
        guard sizes.widen(from: bytes[extraStart..<extraStart + extraByteCount]),
            bytes.word16(at: offset + 34) == 0
        else { throw malformed("entry '\(name)' has malformed zip64 fields") }
        guard sizes.compressedByteCount <= UInt64(end.directoryOffset),
            sizes.headerOffset <= UInt64(end.directoryOffset),
            sizes.byteCount <= UInt64(Int.max)
        else { throw malformed("entry '\(name)' lies outside the zip archive") }
        let entry = ZipEntry(
            name: name, method: method, checksum: UInt32(bytes.word32(at: offset + 16)),
            compressedByteCount: Int(sizes.compressedByteCount), byteCount: Int(sizes.byteCount),
            headerOffset: Int(sizes.headerOffset), dataOffset: 0)
        try checkSizes(entry)
        return entry
    }

    private func name(_ bytes: ArraySlice<UInt8>) throws(ArrayError) -> String {
        guard !bytes.isEmpty, bytes.count <= ZipLimits.nameByteCount,
            let name = String(validating: bytes, as: UTF8.self)
        else { throw malformed("an entry's name is empty, too long or not UTF-8") }
        if ZipEntry.leadsElsewhere(name) {
            throw malformed("entry '\(name.prefix(64))' has a name that leads elsewhere")
        }
        return name
    }

    private func checkFlags(_ flags: Int, _ name: String) throws(ArrayError) {
        let encrypted =
            ZipRecord.flagEncrypted | ZipRecord.flagStrongEncryption | ZipRecord.flagMasked
        if flags & encrypted != 0 { throw malformed("entry '\(name)' is encrypted") }
    }

    private func checkSizes(_ entry: ZipEntry) throws(ArrayError) {
        switch entry.method {
        case .stored:
            guard entry.byteCount == entry.compressedByteCount else {
                throw malformed("entry '\(entry.name)' is stored with two different sizes")
            }
        case .deflated:
            guard entry.byteCount / ZipLimits.inflationRatio <= entry.compressedByteCount else {
                throw malformed("entry '\(entry.name)' claims to hold more than deflate can pack")
            }
        }
    }

    private func checkNames() throws(ArrayError) {
        var names: Set<String> = []
        for entry in entries where !names.insert(entry.name).inserted {
            throw malformed("entry '\(entry.name)' occurs twice")
        }
    }

    // MARK: Local headers

    /// Finds where the data starts, and refuses a local header that tells another story.
    private mutating func readLocalHeader(_ index: Int) throws(ArrayError) {
        let entry = entries[index]
        let fixed = ZipRecord.localByteCount
        guard entry.headerOffset <= end.directoryOffset - fixed else {
            throw malformed("entry '\(entry.name)' lies outside the zip archive")
        }
        let header = try source.bytes(at: entry.headerOffset, count: fixed)
        let flags = header.word16(at: 6)
        try checkFlags(flags, entry.name)
        let nameByteCount = header.word16(at: 26)
        let extraByteCount = header.word16(at: 28)
        let dataOffset = entry.headerOffset + fixed + nameByteCount + extraByteCount
        guard header.word32(at: 0) == ZipRecord.localSignature,
            header.word16(at: 8) == entry.method.rawValue,
            dataOffset <= end.directoryOffset - entry.compressedByteCount
        else { throw malformed("entry '\(entry.name)' has a malformed local header") }
        let rest = try source.bytes(
            at: entry.headerOffset + fixed, count: nameByteCount + extraByteCount)
        guard rest[0..<nameByteCount].elementsEqual(entry.name.utf8) else {
            throw malformed("entry '\(entry.name)' has another name in its local header")
        }
        if flags & ZipRecord.flagDescriptor == 0 {
            var sizes = ZipSizes(
                byteCount: UInt64(header.word32(at: 22)),
                compressedByteCount: UInt64(header.word32(at: 18)), headerOffset: 0)
            guard sizes.widen(from: rest[nameByteCount...]),
                sizes.byteCount == UInt64(entry.byteCount),
                sizes.compressedByteCount == UInt64(entry.compressedByteCount),
                UInt32(header.word32(at: 14)) == entry.checksum
            else { throw malformed("entry '\(entry.name)' has other sizes in its local header") }
        }
        entries[index].dataOffset = dataOffset
    }

    private func checkRanges() throws(ArrayError) {
        var reached = 0
        var inflated = 0
        for entry in entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
            guard entry.headerOffset >= reached else {
                throw malformed("entry '\(entry.name)' overlaps another")
            }
            reached = entry.dataOffset + entry.compressedByteCount
            if entry.method == .deflated {
                let (sum, overflow) = inflated.addingReportingOverflow(entry.byteCount)
                guard !overflow, sum <= inflatedByteCountLimit else {
                    throw malformed(
                        "its entries claim to hold too many bytes; the limit"
                            + " (FileLimits.unpackedByteCount) is \(inflatedByteCountLimit)")
                }
                inflated = sum
            }
        }
    }
}

/// The sizes of a header, and their 64-bit forms from its extra field where they are saturated.
private struct ZipSizes {
    var byteCount: UInt64
    var compressedByteCount: UInt64
    var headerOffset: UInt64

    /// False when the extra field is malformed or lacks a size that is needed.
    mutating func widen(from extra: ArraySlice<UInt8>) -> Bool {
        let extra = Array(extra)
        var offset = 0
        var wide: ArraySlice<UInt8>?
        while extra.count - offset >= 4 {
            let size = extra.word16(at: offset + 2)
            guard size <= extra.count - offset - 4 else { return false }
            if extra.word16(at: offset) == ZipRecord.extra64Identifier {
                if wide != nil { return false }
                wide = extra[offset + 4..<offset + 4 + size]
            }
            offset += 4 + size
        }
        var fields = wide.map(Array.init) ?? []
        return ZipSizes.widen(&byteCount, from: &fields)
            && ZipSizes.widen(&compressedByteCount, from: &fields)
            && ZipSizes.widen(&headerOffset, from: &fields)
    }

    private static func widen(_ value: inout UInt64, from fields: inout [UInt8]) -> Bool {
        guard value == UInt64(ZipRecord.saturated32) else { return true }
        guard fields.count >= 8 else { return false }
        value = fields.word64(at: 0)
        fields.removeFirst(8)
        return true
    }
}
