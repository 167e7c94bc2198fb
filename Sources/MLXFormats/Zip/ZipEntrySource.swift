import CZlib
import MLXBase

/// The contents of a zip entry as a source of bytes. Deflate has no random access, so each read
/// inflates from the start; loaders read a header and then everything behind it, once. A read that
/// reaches the end also checks the length and the checksum of the whole entry.
final class ZipEntrySource: ByteSource {
    let name: String
    private let entry: ZipEntry
    private let archive: any ByteSource

    /// Bytes of the window that compressed data passes through.
    private static let windowByteCount = 1 << 16

    init(_ entry: ZipEntry, of archive: any ByteSource) {
        self.entry = entry
        self.archive = archive
        self.name = "\(archive.name)/\(entry.name)"
    }

    var byteCount: Int { entry.byteCount }

    /// The checksum is of the whole.
    var isDivisible: Bool { false }

    func read(
        at offset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        try checkRange(offset, destination.count)
        var stream = try EntryStream(entry, archive, name)
        let window = UnsafeMutableRawBufferPointer.allocate(
            byteCount: ZipEntrySource.windowByteCount, alignment: 16)
        defer {
            window.deallocate()
            stream.close()
        }
        let isWhole = offset + destination.count == byteCount
        if entry.method == .stored, !isWhole {
            try archive.read(at: entry.dataOffset + offset, into: destination)
            return
        }
        var skipped = 0
        while skipped < offset {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: window[0..<min(offset - skipped, window.count)])
            try stream.read(into: part)
            skipped += part.count
        }
        try stream.read(into: destination)
        if isWhole { try stream.finish() }
    }
}

/// A forward walk through an entry's contents, stored or deflated, that keeps the checksum.
private struct EntryStream {
    private let entry: ZipEntry
    private let archive: any ByteSource
    private let name: String
    private var checksum = crc32(0, nil, 0)
    /// Bytes of the archive taken so far.
    private var consumed = 0
    private var inflater: Inflater?

    init(_ entry: ZipEntry, _ archive: any ByteSource, _ name: String) throws(ArrayError) {
        self.entry = entry
        self.archive = archive
        self.name = name
        if entry.method == .deflated {
            guard let inflater = Inflater() else {
                throw ArrayError(.memory, "load", "'\(name)': zlib has no memory to inflate")
            }
            self.inflater = inflater
        }
    }

    func close() { inflater?.close() }

    mutating func read(into destination: UnsafeMutableRawBufferPointer) throws(ArrayError) {
        guard let base = destination.baseAddress, !destination.isEmpty else { return }
        if let inflater {
            let count = try fill(destination, with: inflater)
            guard count == destination.count else {
                throw .file("load", name, "its compressed data ends early")
            }
        } else {
            try archive.read(at: entry.dataOffset + consumed, into: destination)
            consumed += destination.count
        }
        checksum = crc32_z(checksum, base.assumingMemoryBound(to: UInt8.self), destination.count)
    }

    /// The end of the entry must be the end of the compressed data too, and its checksum right.
    mutating func finish() throws(ArrayError) {
        if let inflater {
            var extra: UInt8 = 0
            var failure: ArrayError?
            let count = withUnsafeMutableBytes(of: &extra) { buffer -> Int in
                do throws(ArrayError) {
                    return try fill(buffer, with: inflater)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            guard count == 0, inflater.isAtEnd else {
                throw .file("load", name, "holds more than it claims to")
            }
            guard consumed - inflater.pendingByteCount == entry.compressedByteCount else {
                throw .file("load", name, "something follows its compressed data")
            }
        }
        guard UInt32(truncatingIfNeeded: checksum) == entry.checksum else {
            throw .file("load", name, "its checksum is wrong")
        }
    }

    /// Inflates into `destination` and returns how many bytes came; fewer only at the end.
    private mutating func fill(
        _ destination: UnsafeMutableRawBufferPointer, with inflater: Inflater
    ) throws(ArrayError) -> Int {
        var done = 0
        while done < destination.count, !inflater.isAtEnd {
            if inflater.pendingByteCount == 0, consumed < entry.compressedByteCount {
                let input = inflater.room(atMost: entry.compressedByteCount - consumed)
                try archive.read(at: entry.dataOffset + consumed, into: input)
                consumed += input.count
                inflater.supply(input.count)
            }
            let rest = UnsafeMutableRawBufferPointer(rebasing: destination[done...])
            guard let count = inflater.inflate(into: rest) else {
                throw .file("load", name, "its compressed data is malformed")
            }
            if count == 0, !inflater.isAtEnd, consumed == entry.compressedByteCount,
                inflater.pendingByteCount == 0
            {
                return done
            }
            done += count
        }
        return done
    }
}
