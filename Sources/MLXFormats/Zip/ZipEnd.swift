import MLXBase

/// The end of a zip archive: where its directory is and how many entries it has, from the end
/// record or its 64-bit form. The directory must reach exactly to that record, so nothing hides
/// between them.
struct ZipEnd {
    let entryCount: Int
    let directoryOffset: Int
    let directoryByteCount: Int

    init(_ source: any ByteSource) throws(ArrayError) {
        func malformed(_ message: String) -> ArrayError { .file("load", source.name, message) }

        let end = try ZipEnd.find(source)
        let record = try source.bytes(at: end, count: ZipRecord.endByteCount)
        var fields = Fields(
            disk: record.word16(at: 4), directoryDisk: record.word16(at: 6),
            diskEntryCount: UInt64(record.word16(at: 8)),
            entryCount: UInt64(record.word16(at: 10)),
            directoryByteCount: UInt64(record.word32(at: 12)),
            directoryOffset: UInt64(record.word32(at: 16)))
        var limit = end
        if let (wide, offset) = try ZipEnd.wideFields(source, before: end) {
            guard wide.agrees(with: fields) else {
                throw malformed("the two end records of the zip archive disagree")
            }
            fields = wide
            limit = offset
        }
        guard fields.disk == 0, fields.directoryDisk == 0,
            fields.diskEntryCount == fields.entryCount
        else { throw malformed("zip archives of several parts are not supported") }
        guard fields.entryCount <= UInt64(ZipLimits.entryCount),
            fields.directoryByteCount <= UInt64(ZipLimits.directoryByteCount)
        else { throw malformed("the directory of the zip archive is too long") }
        guard fields.directoryOffset <= UInt64(limit),
            Int(fields.directoryOffset) + Int(fields.directoryByteCount) == limit,
            Int(fields.entryCount) * ZipRecord.centralByteCount <= Int(fields.directoryByteCount)
        else { throw malformed("the directory of the zip archive is not where it should be") }
        entryCount = Int(fields.entryCount)
        directoryOffset = Int(fields.directoryOffset)
        directoryByteCount = Int(fields.directoryByteCount)
    }

    private struct Fields {
        var disk: Int
        var directoryDisk: Int
        var diskEntryCount: UInt64
        var entryCount: UInt64
        var directoryByteCount: UInt64
        var directoryOffset: UInt64

        /// True when each field of the short record is either saturated or the same.
        func agrees(with short: Fields) -> Bool {
            let wide16 = UInt64(ZipRecord.saturated16)
            let wide32 = UInt64(ZipRecord.saturated32)
            return (short.entryCount == wide16 || short.entryCount == entryCount)
                && (short.directoryByteCount == wide32
                    || short.directoryByteCount == directoryByteCount)
                && (short.directoryOffset == wide32 || short.directoryOffset == directoryOffset)
        }
    }

    /// The end record is the last thing in the file but for a comment of up to 64 KiB, whose
    /// length it must state exactly.
    private static func find(_ source: any ByteSource) throws(ArrayError) -> Int {
        let span = min(
            source.byteCount, ZipRecord.endByteCount + ZipRecord.maximumCommentByteCount)
        let base = source.byteCount - span
        let tail = try source.bytes(at: base, count: span)
        var offset = span - ZipRecord.endByteCount
        while offset >= 0 {
            if tail.word32(at: offset) == ZipRecord.endSignature,
                tail.word16(at: offset + 20) == span - offset - ZipRecord.endByteCount
            {
                return base + offset
            }
            offset -= 1
        }
        throw .file("load", source.name, "is not a zip archive, or is cut short")
    }

    /// The 64-bit end record and where it starts, when a locator stands before the short one.
    private static func wideFields(
        _ source: any ByteSource, before end: Int
    ) throws(ArrayError) -> (Fields, Int)? {
        let locatorOffset = end - ZipRecord.locator64ByteCount
        guard locatorOffset >= 0 else { return nil }
        let locator = try source.bytes(at: locatorOffset, count: ZipRecord.locator64ByteCount)
        guard locator.word32(at: 0) == ZipRecord.locator64Signature else { return nil }
        // The record has a fixed size (an extensible part is for encryption only), so it must
        // start right before the locator.
        let offset = locatorOffset - ZipRecord.end64ByteCount
        guard locator.word32(at: 4) == 0, locator.word32(at: 16) <= 1, offset >= 0,
            locator.word64(at: 8) == UInt64(offset)
        else { throw .file("load", source.name, "the zip64 locator points elsewhere") }
        let record = try source.bytes(at: offset, count: ZipRecord.end64ByteCount)
        guard record.word32(at: 0) == ZipRecord.end64Signature,
            record.word64(at: 4) == UInt64(ZipRecord.end64ByteCount - 12)
        else { throw .file("load", source.name, "the zip64 end record is malformed") }
        let fields = Fields(
            disk: record.word32(at: 16), directoryDisk: record.word32(at: 20),
            diskEntryCount: record.word64(at: 24), entryCount: record.word64(at: 32),
            directoryByteCount: record.word64(at: 40), directoryOffset: record.word64(at: 48))
        return (fields, offset)
    }
}
