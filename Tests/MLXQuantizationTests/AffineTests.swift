import Foundation
import MLX
import MLXNN
import Testing

@testable import MLXQuantization

/// Codes in words, and the search for scales and biases.
@Suite("Affine weights") struct AffineTests {
    @Test("codes are packed as MLX packs them", arguments: [2, 3, 4, 5, 6, 8])
    func packing(bits: Int) throws {
        let codes = MLXRandom.randInt(
            low: 0, high: 1 << bits, [3, 96], key: MLXRandom.key(UInt64(bits)))
        let words = AffineWeights.packed(codes, bits: bits)
        #expect(words.shape == [3, 96 * bits / 32] && words.dtype == .uint32)
        let ones = MLXArray.ones([3, 3])
        let back = dequantized(
            words, scales: ones, biases: MLXArray.zeros([3, 3]), groupSize: 32, bits: bits)
        #expect(arrayEqual(back, codes.asType(.float32)).item(Bool.self))
    }

    @Test("the search is better than the range, group by group", arguments: [2, 3, 4, 8])
    func search(bits: Int) throws {
        let weight = drawn([16, 256], seed: 1)
        let format = try AffineFormat(groupSize: 64, bits: bits)
        func losses(_ weights: AffineWeights) -> MLXArray {
            square(weights.matrix - weight).reshaped([64, 64]).sum(axis: 1)
        }
        let (own, nearest) = (
            losses(try AffineWeights(searching: weight, format)),
            losses(AffineWeights.nearest(weight, format))
        )
        #expect(all(own .<= nearest * 1.00001).item(Bool.self))
        let limits: [Int: Float] = [2: 0.75, 3: 0.85, 4: 0.92, 8: 1]
        #expect((own.sum() / nearest.sum()).item(Float.self) < limits[bits] ?? 0)
    }

    @Test("important columns lose less") func importance() throws {
        let weight = drawn([16, 64], seed: 3)
        let importance = which(arange(64) .< 8, MLXArray(Float(100)), MLXArray(Float(1)))
        let format = try AffineFormat(groupSize: 64, bits: 3)
        func loss(_ weights: AffineWeights) -> Float {
            (square(weights.matrix - weight) * importance).sum().item(Float.self)
        }
        let weighted = try AffineWeights(searching: weight, importance: importance, format)
        #expect(loss(weighted) < 0.8 * loss(try AffineWeights(searching: weight, format)))
    }

    @Test("groups of equal weights stay", arguments: [DType.float32, .bfloat16, .float16])
    func constant(dtype: DType) throws {
        let weight = broadcast(
            MLXArray([0, 0.25, -3] as [Float]).expandedDimensions(axis: 1), to: [3, 64]
        ).asType(dtype)
        let format = try AffineFormat(groupSize: 32, bits: 2)
        let own = try AffineWeights(searching: weight, format)
        #expect(own.scales.dtype == dtype)
        #expect(arrayEqual(own.matrix, weight).item(Bool.self))
    }

    @Test("formats are read as they are written, and others refused") func coding() throws {
        let format = try AffineFormat(groupSize: 32, bits: 3)
        let data = try JSONEncoder().encode(format)
        #expect(try JSONDecoder().decode(AffineFormat.self, from: data) == format)
        let bad = Data(#"{"groupSize": 48, "bits": 4}"#.utf8)
        #expect(throws: (any Error).self) { try JSONDecoder().decode(AffineFormat.self, from: bad) }
    }
}
