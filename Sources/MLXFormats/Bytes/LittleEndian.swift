/// Little-endian words in byte arrays. Reading is bounds-checked by the array; callers check
/// lengths first so that no file can reach that trap.
extension Array where Element == UInt8 {
    func word16(at offset: Int) -> Int { Int(self[offset]) | Int(self[offset + 1]) << 8 }

    func word32(at offset: Int) -> Int {
        word16(at: offset) | word16(at: offset + 2) << 16
    }

    func word64(at offset: Int) -> UInt64 {
        UInt64(word32(at: offset)) | UInt64(word32(at: offset + 4)) << 32
    }

    mutating func append16(_ value: Int) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func append32(_ value: Int) {
        append16(value)
        append16(value >> 16)
    }

    mutating func append64(_ value: Int) {
        append32(value)
        append32(value >> 32)
    }
}
