// Damage to bytes, made blindly: where no fuzzer watches which code runs.

import MLXBase

extension SplitMix64 {
    mutating func below(_ count: Int) -> Int { count > 0 ? Int(next() % UInt64(count)) : 0 }
}

/// What is done to bytes so that they lie: bits, numbers, pieces cut out, doubled, or taken from
/// elsewhere.
enum Damage {
    private static let bytes: [UInt8] = [
        0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x22, 0x2C, 0x30, 0x39, 0x5B,
    ]

    static func apply(_ input: inout [UInt8], _ other: [UInt8], _ generator: inout SplitMix64) {
        guard !input.isEmpty else {
            input = (0..<generator.below(64)).map { _ in UInt8(generator.below(256)) }
            return
        }
        let at = generator.below(input.count)
        let end = min(input.count, at + 1 + generator.below(generator.below(2) == 0 ? 8 : 64))
        switch generator.below(8) {
        case 0: input[at] ^= 1 << UInt8(generator.below(8))
        case 1: input[at] = UInt8(generator.below(256))
        case 2: for place in at..<end { input[place] = bytes[generator.below(bytes.count)] }
        case 3: input.insert(contentsOf: input[at..<end], at: at)
        case 4: input.removeSubrange(at..<end)
        case 5 where generator.below(4) == 0: input.removeLast(input.count - at)
        case 6 where !other.isEmpty:
            let from = generator.below(other.count)
            let to = min(other.count, from + 1 + generator.below(64))
            input.insert(contentsOf: other[from..<to], at: at)
        default: input[at] &+= generator.below(2) == 0 ? 1 : 255
        }
    }
}
