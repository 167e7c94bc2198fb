import MLX

/// What everything random about data is derived from: 64 bits, a value. Keys for an epoch, a batch
/// or an element are derived from it by number, so no draw depends on how many came before it, on
/// threads, or on how far ahead somebody reads. It is no generator and has no state.
///
/// ```swift
/// let loader = try DataLoader(digits, batchSize: 32, shuffle: 7)      // a literal is a seed
/// ```
public struct RandomKey: Sendable, Hashable, Codable {
    /// The key itself: the two words of MLX's key, the first one high.
    public let bits: UInt64

    /// The key of a seed, with the same bits as `MLXRandom.key(seed)`.
    public init(seed: UInt64) { bits = seed }

    /// A key of MLX's.
    /// - Parameter key: uint32, (2).
    /// - Throws: `ArrayError` for another array, and when it cannot be computed.
    public init(_ key: MLXArray) throws {
        try checkedEval(key)
        guard key.dtype == .uint32, key.shape == [2] else {
            throw ArrayError(
                .argument, "key", "a key is a uint32 array of two, not \(key.dtype) \(key.shape)",
                shapes: [key.shape], dtypes: [key.dtype])
        }
        let words = key.asArray(UInt32.self)
        bits = UInt64(words[0]) << 32 | UInt64(words[1])
    }

    /// The key that belongs to a number: an epoch, a batch, an element. Other numbers have other
    /// keys, as has another key the same number.
    ///
    /// ```swift
    /// let key = RandomKey(seed: 7).derived(epoch).derived(index)
    /// ```
    public func derived(_ number: Int) -> RandomKey {
        var number = SplitMix64(seed: UInt64(bitPattern: Int64(number)))
        var mixed = SplitMix64(seed: bits ^ number.next())
        return RandomKey(seed: mixed.next())
    }

    /// A generator for what is drawn in Swift: the same numbers for the same key.
    ///
    /// ```swift
    /// var generator = key.generator()
    /// let flips = Bool.random(using: &generator)
    /// ```
    public func generator() -> Generator { Generator(numbers: SplitMix64(seed: bits)) }

    /// Draws that follow from a key. The type has a name because Swift 6.3 captures a variable of
    /// an opaque type as a copy: a nested function would draw the same numbers with each call.
    public struct Generator: RandomNumberGenerator, Sendable {
        fileprivate var numbers: SplitMix64

        public mutating func next() -> UInt64 { numbers.next() }
    }

    /// The numbers from 0 to before `count` in the order that belongs to the key (Fisher-Yates).
    func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        var generator = SplitMix64(seed: bits)
        order.withUnsafeMutableBufferPointer { order in
            for last in stride(from: order.count - 1, to: 0, by: -1) {
                order.swapAt(last, generator.below(last + 1))
            }
        }
        return order
    }
}

extension RandomKey: ExpressibleByIntegerLiteral {
    public init(integerLiteral seed: UInt64) { self.init(seed: seed) }
}

/// May be given wherever MLX takes a key: `MLXRandom.uniform(0 ..< 1, [8], key: key)`.
extension RandomKey: RandomStateOrKey {
    /// The key as MLX has it: uint32, (2).
    public func asRandomKey() -> MLXArray { MLXRandom.key(bits) }
}
