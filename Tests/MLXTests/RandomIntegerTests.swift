import MLX
import Testing

/// `randInt` over ranges of every integer type: within bounds, evenly distributed down to the last
/// bit, errors where there is nothing to draw; and dtypes that other distributions refuse.
@Suite("Random integers") struct RandomIntegerTests {
    private static let count = 1 << 14
    private let key = MLXRandom.key(5)

    /// Counts of numbers below `count` in `bins` even parts, as chi squared over its expectation.
    private func spread(_ offsets: [Double], of count: Double, bins: Int) -> Double {
        var counts = [Int](repeating: 0, count: bins)
        for offset in offsets {
            counts[min(bins - 1, Int(offset * Double(bins) / count))] += 1
        }
        let expected = Double(offsets.count) / Double(bins)
        return counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) }
            / expected / Double(bins - 1)
    }

    private func check<T: HasDType & FixedWidthInteger>(_ range: Range<T>) {
        let drawn = MLXRandom.randInt(range, [Self.count], key: key)
        #expect(drawn.dtype == T.dtype)
        let values = drawn.asArray(T.self)
        let what = "\(T.self) \(range)"
        #expect(values.allSatisfy { range.contains($0) }, "\(what)")
        func offset(_ value: T) -> UInt64 {
            UInt64(truncatingIfNeeded: value) &- UInt64(truncatingIfNeeded: range.lowerBound)
        }
        let size = Double(offset(range.upperBound))
        let bins = Int(size <= 1024 ? size : 64)
        let evenness = spread(values.map { Double(offset($0)) }, of: size, bins: bins)
        // With 63 degrees of freedom 1.8 is beyond one in ten thousand; fewer vary more.
        #expect(evenness < (bins < 16 ? 4 : 1.8), "\(what): \(evenness)")
        guard size >= 65536 else { return }
        // The lowest bits are as even as the highest.
        let low = spread(values.map { Double(offset($0) & 63) }, of: 64, bins: 64)
        #expect(low < 1.8, "\(what): \(low)")
    }

    @Test("whole ranges, evenly") func wholeRanges() {
        check(Int8.min..<Int8.max)
        check(UInt8.min..<UInt8.max)
        check(Int16.min..<Int16.max)
        check(UInt16.min..<UInt16.max)
        check(Int32.min..<Int32.max)
        check(UInt32.min..<UInt32.max)
        check(Int64.min..<Int64.max)
        check(UInt64.min..<UInt64.max)
        check(Int.min..<Int.max)
    }

    @Test("ranges that float32 cannot hold") func largeRanges() {
        check(Int32(1 << 30)..<(1 << 30) + 10)
        check(Int32(-1 << 30)..<(1 << 30))
        check(Int64(1 << 40)..<(1 << 40) + 100)
        check(Int64(0)..<(1 << 40))
        check(Int64(-1 << 62)..<(1 << 62) + 1)
        check(UInt32(4_000_000_000)..<4_000_000_016)
        check(UInt64.max - 5000..<UInt64.max - 4000)
        check(0..<(1 << 24) + 1)
        check(0..<(1 << 24))
    }

    @Test("the upper bound is what one above the largest number may be") func upperBounds() {
        let bytes = MLXRandom.randInt(low: -128, high: 128, [4096], type: Int8.self, key: key)
        let values = bytes.asArray(Int8.self)
        #expect(bytes.dtype == .int8 && values.contains(-128) && values.contains(127))
        let unsigned = MLXRandom.randInt(low: 0, high: 256, [4096], type: UInt8.self, key: key)
        #expect(unsigned.asArray(UInt8.self).contains(255))
        let one = MLXRandom.randInt(low: 7, high: 8, [9], key: key)
        #expect(one.asArray(Int32.self).allSatisfy { $0 == 7 })
    }

    @Test("without a type it is int32, or as wide as the bounds") func types() {
        func type(_ low: some ScalarOrArray, _ high: some ScalarOrArray) -> DType {
            let drawn = MLXRandom.randInt(low: low, high: high, [3], key: key)
            #expect(throws: Never.self) { try checkedEval(drawn) }
            return drawn.dtype
        }
        #expect(type(0, 10) == .int32)
        #expect(type(Int8(0), Int8(10)) == .int32)
        #expect(type(MLXArray(0 as Int64), MLXArray(1 << 40 as Int64)) == .int64)
        #expect(type(0, 1 << 40) == .int64)
        #expect(type(Int64(0), 10) == .int64)
        #expect(type(UInt32(0), UInt32.max) == .uint32)
        #expect(type(0, UInt64.max) == .uint64)
        #expect(type([0, 1, 2], 9) == .int32)
        #expect(type([0, 1, 1 << 40], 1 << 41) == .int64)
    }

    @Test("arrays of bounds, batches of keys") func arrays() {
        let low = MLXArray(int64: [0, -5, 1 << 40], [3, 1])
        let high = MLXArray(int64: [10, 5, (1 << 40) + 3], [3, 1])
        let drawn = MLXRandom.randInt(low: low, high: high, [3, 500], type: Int64.self, key: key)
        for (row, range) in [0..<10, -5..<5, (1 << 40)..<(1 << 40) + 3].enumerated() {
            let values = drawn[row].asArray(Int.self)
            #expect(Set(values) == Set(range))
        }
        let keys = MLXArray([1, 2, 3, 4] as [UInt32], [2, 2])
        let mapped = vmap { (key: MLXArray) in
            MLXRandom.randInt(low: 0, high: 1 << 40, [6], type: Int64.self, key: key)
        }(keys)
        for row in 0..<2 {
            let alone = MLXRandom.randInt(
                low: 0, high: 1 << 40, [6], type: Int64.self, key: keys[row])
            #expect(mapped[row].asArray(Int.self) == alone.asArray(Int.self))
        }
    }

    @Test("what has no meaning is refused") func refusals() {
        let bad: [(String, ArrayError.Kind, MLXArray)] = [
            ("empty", .argument, MLXRandom.randInt(5..<5, [3], key: key)),
            ("turned round", .argument, MLXRandom.randInt(low: 5, high: 2, [3], key: key)),
            (
                "one of many", .argument,
                MLXRandom.randInt(low: MLXArray([0, 9]), high: MLXArray([5, 9]), key: key)
            ),
            (
                "too large", .argument,
                MLXRandom.randInt(low: 0, high: 300, [3], type: UInt8.self, key: key)
            ),
            (
                "negative", .argument,
                MLXRandom.randInt(low: -1, high: 3, [3], type: UInt64.self, key: key)
            ),
            ("fractions", .dtype, MLXRandom.randInt(low: 0.5, high: 3, [3], key: key)),
            ("normal", .dtype, MLXRandom.normal([3], dtype: .int32, key: key)),
            ("normal bool", .dtype, MLXRandom.normal([3], dtype: .bool, key: key)),
            ("laplace", .dtype, MLXRandom.laplace([3], dtype: .uint8, key: key)),
            ("gumbel", .dtype, MLXRandom.gumbel([3], dtype: .int64, key: key)),
            ("uniform", .dtype, MLXRandom.uniform(low: 0, high: 1, [3], dtype: .int32, key: key)),
            (
                "truncated", .dtype,
                MLXRandom.truncatedNormal(low: 0, high: 1, [3], dtype: .int32, key: key)
            ),
            ("complex", .dtype, MLXRandom.laplace([3], dtype: .complex64, key: key)),
        ]
        for (name, kind, array) in bad {
            let error = #expect(throws: ArrayError.self, "\(name)") { try checkedEval(array) }
            #expect(error?.kind == kind, "\(name): \(String(describing: error))")
        }
        #expect(MLXRandom.split(key: key, into: -1).isEmpty)
    }

    @Test("complex normal numbers are MLX's, and probabilities may be half types") func others() {
        let z = MLXRandom.normal([3], dtype: .complex64, key: MLXRandom.key(3))
        let parts = [z.realPart(), z.imaginaryPart()].map { $0.asArray(Float.self) }
        let wanted: [[Float]] = [
            [-0.584481, -0.0816263, 0.286653], [-0.223621, 0.602466, 0.651761],
        ]
        for (part, numbers) in zip(parts, wanted) {
            #expect(zip(part, numbers).allSatisfy { abs($0 - $1) < 2e-6 }, "\(part)")
        }
        for type in [DType.float16, .bfloat16, .float32] {
            let p = MLXArray(0.25, dtype: type)
            let drawn = MLXRandom.bernoulli(p, [Self.count], key: key).asType(.float32)
            #expect(abs(drawn.mean().item(Float.self) - 0.25) < 0.02, "\(type)")
        }
    }
}
