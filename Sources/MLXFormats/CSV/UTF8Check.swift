/// Whether bytes are text in UTF-8 (The Unicode Standard, table 3-7), found without a copy of them.
enum UTF8Check {
    /// The place of the first byte that begins no character; nil for text.
    static func firstFault(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var at = 0
        while at < bytes.count {
            let lead = bytes[at]
            if lead < 0x80 {
                at += 1
                continue
            }
            // How many bytes follow, and what the first of them may be.
            let (following, second): (Int, ClosedRange<UInt8>)
            switch lead {
            case 0xC2...0xDF: (following, second) = (1, 0x80...0xBF)
            case 0xE0: (following, second) = (2, 0xA0...0xBF)
            case 0xED: (following, second) = (2, 0x80...0x9F)
            case 0xE1...0xEF: (following, second) = (2, 0x80...0xBF)
            case 0xF0: (following, second) = (3, 0x90...0xBF)
            case 0xF1...0xF3: (following, second) = (3, 0x80...0xBF)
            case 0xF4: (following, second) = (3, 0x80...0x8F)
            default: return at
            }
            guard at + following < bytes.count, second.contains(bytes[at + 1]) else { return at }
            for place in at + 1...at + following where bytes[place] & 0xC0 != 0x80 { return at }
            at += following + 1
        }
        return nil
    }
}
