import CZlib
import MLXFormats

/// Checksums put right, so that damage reaches what lies behind them.
enum Checksums {
    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer {
            UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count))
        }
    }

    private static func store(
        _ word: UInt32, _ bytes: inout [UInt8], at place: Int, bigEndian: Bool
    ) {
        for index in 0..<4 {
            let shift = UInt32(8 * (bigEndian ? 3 - index : index))
            bytes[place + index] = UInt8(truncatingIfNeeded: word >> shift)
        }
    }

    private static func word(_ bytes: [UInt8], _ place: Int, _ count: Int, bigEndian: Bool) -> Int {
        (0..<count).reduce(0) { word, index in
            word | Int(bytes[place + index]) << (8 * (bigEndian ? count - 1 - index : index))
        }
    }

    /// Each chunk's, and that of the pixels where they are one chunk that unpacks.
    static func png(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        var at = 8
        while at + 12 <= bytes.count {
            let length = word(bytes, at, 4, bigEndian: true)
            guard length <= bytes.count - at - 12 else { break }
            if bytes[at + 4..<at + 8].elementsEqual("IDAT".utf8), length >= 6 {
                let packed = bytes[at + 10..<at + 8 + length - 4]
                if let plain = inflated(packed) {
                    let sum = plain.withUnsafeBufferPointer {
                        adler32_z(1, $0.baseAddress, $0.count)
                    }
                    store(
                        UInt32(truncatingIfNeeded: sum), &bytes, at: at + 8 + length - 4,
                        bigEndian: true)
                }
            }
            store(
                crc(bytes[at + 4..<at + 8 + length]), &bytes, at: at + 8 + length, bigEndian: true)
            at += length + 12
        }
        return bytes
    }

    /// Sum and length in the trailer, for a header without further fields.
    static func gzip(_ input: [UInt8]) -> [UInt8] {
        guard input.count >= 18, let plain = inflated(input[10..<input.count - 8]) else {
            return input
        }
        var bytes = input
        store(crc(plain[...]), &bytes, at: bytes.count - 8, bigEndian: false)
        store(
            UInt32(truncatingIfNeeded: plain.count), &bytes, at: bytes.count - 4, bigEndian: false)
        return bytes
    }

    /// Those of local headers whose data is stored, here and in the directory.
    static func zip(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        var sums: [Int: UInt32] = [:]
        var at = 0
        while at + 46 <= bytes.count {
            let signature = word(bytes, at, 4, bigEndian: false)
            if signature == 0x0403_4B50 {
                let start =
                    at + 30 + word(bytes, at + 26, 2, bigEndian: false)
                    + word(bytes, at + 28, 2, bigEndian: false)
                let length = word(bytes, at + 18, 4, bigEndian: false)
                if start + length <= bytes.count {
                    let data = bytes[start..<start + length]
                    let isStored = word(bytes, at + 8, 2, bigEndian: false) == 0
                    let sum = crc(isStored ? data : (inflated(data) ?? [])[...])
                    sums[at] = sum
                    store(sum, &bytes, at: at + 14, bigEndian: false)
                }
            } else if signature == 0x0201_4B50 {
                if let sum = sums[word(bytes, at + 42, 4, bigEndian: false)] {
                    store(sum, &bytes, at: at + 16, bigEndian: false)
                }
            }
            at += 1
        }
        return bytes
    }

    /// Raw deflate data of a megabyte at most.
    private static func inflated(_ packed: ArraySlice<UInt8>) -> [UInt8]? {
        var packed = Array(packed)
        var out = [UInt8](repeating: 0, count: 1 << 20)
        var stream = z_stream()
        let version = ZLIB_VERSION
        guard
            inflateInit2_(&stream, -MAX_WBITS, version, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { inflateEnd(&stream) }
        let count = packed.withUnsafeMutableBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target -> Int? in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                let code = inflate(&stream, Z_FINISH)
                return code == Z_STREAM_END ? target.count - Int(stream.avail_out) : nil
            }
        }
        return count.map { Array(out[..<$0]) }
    }
}
