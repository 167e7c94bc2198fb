import CZlib
import MLXBase

/// gzip members (RFC 1952) in memory: data sets and fixtures come packed so. The length in the
/// trailer is a limit that unpacking never passes, and it and the checksum must be right.
package enum Gzip {
    /// Deflate cannot do better than 1032 to 1; a larger claim is a lie.
    private static let inflationRatio = 1032

    /// - Parameter limit: the most bytes that may come out.
    package static func unpack(
        _ packed: [UInt8], source: String, limit: Int = FileLimits.current.unpackedByteCount
    ) throws(ArrayError) -> [UInt8] {
        let start = try headerByteCount(packed, source)
        guard packed.count >= start + 8 else { throw .file("load", source, "ends early") }
        let trailer = packed.suffix(8).map { UInt32($0) }
        let checksum = trailer[0] | trailer[1] << 8 | trailer[2] << 16 | trailer[3] << 24
        let length = trailer[4] | trailer[5] << 8 | trailer[6] << 16 | trailer[7] << 24
        guard Int(length) <= limit, Int(length) / inflationRatio <= packed.count else {
            throw .file(
                "load", source,
                "claims to hold \(length) bytes; the limit (FileLimits.unpackedByteCount) is"
                    + " \(limit), and deflate packs 1032 to 1 at most")
        }
        let result = try inflate(packed[start..<(packed.count - 8)], source, Int(length))
        let own = result.withUnsafeBufferPointer { bytes in
            crc32(0, bytes.baseAddress, UInt32(truncatingIfNeeded: bytes.count))
        }
        guard UInt32(truncatingIfNeeded: result.count) == length, UInt32(own) == checksum else {
            throw .file("load", source, "the checksum of the packed data is wrong")
        }
        return result
    }

    /// Fixed part, extra field, name, comment, checksum of the header.
    private static func headerByteCount(
        _ packed: [UInt8], _ source: String
    ) throws(ArrayError) -> Int {
        guard packed.count >= 18, packed[0] == 0x1F, packed[1] == 0x8B, packed[2] == 8 else {
            throw .file("load", source, "is no gzip file")
        }
        let flags = packed[3]
        var at = 10
        if flags & 4 != 0 { at += 2 + Int(packed[10]) + Int(packed[11]) << 8 }
        for flag in [UInt8(8), 16] where flags & flag != 0 {
            while at < packed.count, packed[at] != 0 { at += 1 }
            at += 1
        }
        return flags & 2 != 0 ? at + 2 : at
    }

    private static func inflate(
        _ packed: ArraySlice<UInt8>, _ source: String, _ limit: Int
    ) throws(ArrayError) -> [UInt8] {
        guard let inflater = Inflater() else {
            throw .file("load", source, "zlib could not be started")
        }
        defer { inflater.close() }
        var result: [UInt8] = []
        result.reserveCapacity(min(limit, 1 << 24))
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var rest = packed
        while !inflater.isAtEnd {
            if inflater.pendingByteCount == 0, !rest.isEmpty {
                let room = inflater.room(atMost: rest.count)
                room.copyBytes(from: rest.prefix(room.count))
                inflater.supply(room.count)
                rest = rest.dropFirst(room.count)
            }
            let hadInput = inflater.pendingByteCount > 0
            guard let count = chunk.withUnsafeMutableBytes({ inflater.inflate(into: $0) }),
                count > 0 || hadInput || inflater.isAtEnd
            else { throw .file("load", source, "the packed data is malformed") }
            guard result.count + count <= limit else {
                throw .file("load", source, "unpacks to more than the \(limit) bytes it claims")
            }
            result += chunk[..<count]
        }
        return result
    }
}
