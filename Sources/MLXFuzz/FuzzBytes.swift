/// Bytes as a source of decisions: whatever chooses the bytes (a generator, a fuzzer that watches
/// which code runs) chooses what is tried. Behind the end all decisions are 0.
package struct FuzzBytes {
    private let bytes: [UInt8]
    private var at = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { at >= bytes.count }

    package mutating func byte() -> Int {
        guard at < bytes.count else { return 0 }
        defer { at += 1 }
        return Int(bytes[at])
    }

    /// From 0 up to `count`.
    package mutating func below(_ count: Int) -> Int {
        guard count > 1 else { return 0 }
        return (count > 256 ? byte() << 8 | byte() : byte()) % count
    }

    /// Once in so many times.
    package mutating func once(in count: Int) -> Bool { byte() % count == count - 1 }

    package mutating func word() -> UInt64 {
        (0..<8).reduce(0) { word, _ in word << 8 | UInt64(byte()) }
    }

    /// The numbers where arithmetic breaks.
    package mutating func number() -> Int {
        switch below(8) {
        case 0: below(8)
        case 1: -below(8)
        case 2: below(1024)
        case 3: Int.max - below(4)
        case 4: Int.min + below(4)
        case 5: (1 << below(63)) - below(3)
        case 6: -(1 << below(63)) + below(3)
        default: Int(bitPattern: UInt(word()))
        }
    }
}
