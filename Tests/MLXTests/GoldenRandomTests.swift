import MLX
import Testing

/// Known answers of seeded draws: MLX's random bits are part of its interface, as models are
/// initialised from them. The implicit state makes one step for each draw.
@Suite("Known draws") struct GoldenRandomTests {
    private let zero = MLXRandom.key(0)
    private let one = MLXRandom.key(1)

    @Test("keys and their splits") func keys() {
        #expect(MLXRandom.key((7 << 32) + 9).asArray(UInt32.self) == [7, 9])
        let two = stacked(MLXRandom.split(key: zero, into: 2))
        #expect(
            two.asArray(UInt32.self) == [4_146_024_105, 967_050_713, 2_718_843_009, 1_272_950_319])
        let three = stacked(MLXRandom.split(key: zero, into: 3))
        #expect(
            three.asArray(UInt32.self) == [
                2_467_461_003, 428_148_500, 3_186_719_485, 3_840_466_878, 2_562_233_961,
                1_946_702_221,
            ])
    }

    @Test("uniform draws, bit for bit") func uniform() {
        #expect(
            MLXRandom.uniform(0..<1, [5], key: zero).asArray(Float.self) == [
                0.574500560760498, 0.09968609362840652, 0.39316028356552124, 0.8941783905029297,
                0.5965665578842163,
            ])
        #expect(
            MLXRandom.uniform(low: 0, high: 1, [5], dtype: .float16, key: zero)
                .asArray(Float.self)
                == [0.57470703125, 0.09967041015625, 0.39306640625, 0.89404296875, 0.5966796875])
        #expect(
            MLXRandom.uniform(low: 0, high: 1, [3], dtype: .bfloat16, key: one)
                .asArray(Float.self) == [0.5703125, 0.2578125, 0.890625])
    }

    @Test("draws made of uniform ones") func others() {
        #expect(
            MLXRandom.randInt(0..<10, [5], key: zero).asArray(Int.self) == [5, 0, 3, 8, 5])
        #expect(
            MLXRandom.randInt(0..<100, [4], key: one).asArray(Int.self) == [56, 32, 88, 47])
        #expect(
            MLXRandom.bernoulli(0.5 as Float, [5], key: zero).asArray(Bool.self)
                == [false, true, true, false, false])
        expectNear(
            MLXRandom.normal([3], key: zero),
            [1.8160871267318726, -0.48262301087379456, 0.339889258146286])
        expectNear(MLXRandom.gumbel([2], key: zero), [-0.4259929, 1.5232530])
        expectNear(
            MLXRandom.truncatedNormal(-1..<1, [3], key: one),
            [0.11758083, -0.42559537, 0.72505629])
        expectNear(
            MLXRandom.laplace([3], dtype: .float32, key: one),
            [-0.14746246, 0.65931076, -1.50805259])
    }

    @Test("the implicit state makes one step a draw") func state() {
        withRandomState(MLXRandom.RandomState(seed: 0)) {
            #expect(
                MLXRandom.uniform(0..<1, [4]).asArray(Float.self)
                    == [0.87241435, 0.44302100, 0.27708054, 0.78659505])
            expectNear(MLXRandom.normal([2]), [0.00870731, -0.04888501])
        }
        withRandomState(MLXRandom.RandomState(seed: 864)) {
            expectNear(MLXRandom.normal(), [1.3235496282577515])
        }
        withRandomState(MLXRandom.RandomState(seed: 394)) {
            expectNear(MLXRandom.normal([4, 3]).mean(), [-0.17949937283992767])
        }
    }

    /// NUMERICS: erfinv and log differ from MLX's in the last bits; answers have eight digits.
    private func expectNear(
        _ array: MLXArray, _ values: [Float], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let got = array.asArray(Float.self)
        let isNear = zip(got, values).allSatisfy { abs($0 - $1) <= 1e-6 * (abs($1) + 0.01) }
        #expect(isNear && got.count == values.count, "\(got)", sourceLocation: sourceLocation)
    }
}
