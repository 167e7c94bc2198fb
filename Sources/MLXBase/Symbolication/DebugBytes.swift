/// A cursor over debug information in memory. Object files are trusted no more than other files:
/// each read is checked, and the first that does not fit makes all that follow return zero and
/// `isValid` false, so that parsers need to ask only now and then.
struct DebugBytes {
    private let base: UnsafePointer<UInt8>
    private(set) var position: Int
    private(set) var end: Int
    private(set) var isValid = true

    /// - Parameter bytes: must outlive the cursor and not be empty.
    init(_ bytes: UnsafeBufferPointer<UInt8>, from position: Int = 0, to end: Int? = nil) {
        self.base = bytes.baseAddress!
        self.end = min(end ?? bytes.count, bytes.count)
        self.position = position
        if position < 0 || position > self.end { fail() }
    }

    var isAtEnd: Bool { position >= end }

    private mutating func fail() {
        isValid = false
        position = end
    }

    mutating func skip(_ count: UInt64) {
        if count > UInt64(end - position) { fail() } else { position += Int(count) }
    }

    /// Nothing behind `count` more bytes belongs to what is being read.
    mutating func limit(to count: UInt64) {
        if count > UInt64(end - position) { fail() } else { end = position + Int(count) }
    }

    mutating func byte() -> UInt8 {
        guard position < end else {
            fail()
            return 0
        }
        position += 1
        return base[position - 1]
    }

    mutating func word<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) -> Word {
        let size = MemoryLayout<Word>.size
        guard end - position >= size else {
            fail()
            return 0
        }
        position += size
        return UnsafeRawPointer(base + position - size).loadUnaligned(as: type)
    }

    /// An unsigned LEB128 number; bits beyond 64 are dropped.
    mutating func unsigned() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = byte()
            if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
            shift += 7
            if byte & 0x80 == 0 { return value }
        }
    }

    /// A signed LEB128 number.
    mutating func signed() -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = byte()
            if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
            shift += 7
            if byte & 0x80 == 0 {
                if shift < 64, byte & 0x40 != 0 { value |= UInt64.max << shift }
                return Int64(bitPattern: value)
            }
        }
    }

    /// A string up to its zero byte.
    mutating func string() -> String {
        let start = position
        while byte() != 0 {}
        guard isValid else { return "" }
        let bytes = UnsafeBufferPointer(start: base + start, count: position - start - 1)
        return String(decoding: bytes, as: UTF8.self)
    }
}
