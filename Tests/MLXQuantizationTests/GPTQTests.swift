import MLX
import MLXNN
import Testing

@testable import MLXQuantization

/// GPTQ against optimal brain quantization written down in float64, one column after the other with
/// the whole inverse brought up to date, and against rounding to nearest.
@Suite("GPTQ") struct GPTQTests {
    /// The inverse by Gauss and Jordan.
    private func inverse(_ matrix: [[Double]]) -> [[Double]] {
        let n = matrix.count
        var rows = matrix.enumerated().map { index, row in
            row + (0..<n).map { $0 == index ? 1.0 : 0.0 }
        }
        for pivot in 0..<n {
            let scale = rows[pivot][pivot]
            rows[pivot] = rows[pivot].map { $0 / scale }
            for other in 0..<n where other != pivot {
                let factor = rows[other][pivot]
                if factor == 0 { continue }
                for column in 0..<2 * n { rows[other][column] -= factor * rows[pivot][column] }
            }
        }
        return rows.map { Array($0[n...]) }
    }

    /// Scale and bias of a group as MLX's `quantized` has them.
    private func range(_ group: [Double], _ format: AffineFormat) -> (Double, Double) {
        let parts = quantized(
            MLXArray(group.map(Float.init), [1, group.count]), groupSize: format.groupSize,
            bits: format.bits)
        return (
            Double(parts.scales.item(Float.self)), Double(parts.biases?.item(Float.self) ?? .nan)
        )
    }

    /// What the formula gives: for each column q in order, w -= (w_q - round(w_q)) / [H⁻¹]_qq ·
    /// [H⁻¹]_q, then row and column q are eliminated from H⁻¹.
    private func reference(
        _ weight: [[Double]], _ moments: [[Double]], _ format: AffineFormat, damping: Double,
        order: [Int]?
    ) -> [[Double]] {
        let n = moments.count
        let mean = (0..<n).reduce(0.0) { $0 + moments[$1][$1] } / Double(n)
        var damped = moments
        for i in 0..<n { damped[i][i] += damping * mean }
        let size = format.groupSize
        return weight.map { original in
            var (w, result) = (original, original)
            var h = inverse(damped)
            var grids: [Int: (Double, Double)] = [:]
            for column in order ?? Array(0..<n) {
                let group = column / size
                if grids[group] == nil {
                    let source = order == nil ? w : original
                    grids[group] = range(Array(source[group * size..<(group + 1) * size]), format)
                }
                let (scale, bias) = grids[group] ?? (1, 0)
                let code = ((w[column] - bias) / scale).rounded(.toNearestOrEven)
                result[column] = min(max(code, 0), Double(1 << format.bits - 1)) * scale + bias
                let loss = (w[column] - result[column]) / h[column][column]
                let row = h[column]
                for other in 0..<n { w[other] -= loss * row[other] }
                for i in 0..<n {
                    let factor = h[i][column] / row[column]
                    for j in 0..<n { h[i][j] -= factor * row[j] }
                }
                h[column][column] = 1
            }
            return result
        }
    }

    @Test("follows the formula", arguments: [false, true])
    func formula(ordered: Bool) throws {
        let (weight, x) = (drawn([5, 64], seed: 1), correlated(200, 64, seed: 2))
        let moments = matmul(x.T, x) / 200
        let format = try AffineFormat(groupSize: 32, bits: 3)
        let own = try AffineWeights(
            gptq: weight, moments: moments, format,
            options: GPTQOptions(ordersByActivation: ordered, searchesGrid: false))
        let diagonal = doubles(moments).enumerated().map { $1[$0] }
        let order = diagonal.indices.sorted { diagonal[$0] > diagonal[$1] }
        let expected = reference(
            doubles(weight), doubles(moments), format, damping: 0.01, order: ordered ? order : nil)
        // NUMERICS: float32 against float64; a weight in the middle of two codes may fall on either
        // side, after which its row goes another way.
        let found = doubles(own.matrix)
        let equal = zip(found, expected).filter { a, b in
            zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 }
        }
        #expect(equal.count >= 4)
    }

    @Test("is better than rounding to nearest", arguments: [2, 3, 4, 8], [32, 64, 128])
    func better(bits: Int, groupSize: Int) throws {
        let (weight, x) = (drawn([24, 128], seed: 11), correlated(600, 128, seed: 12))
        let format = try AffineFormat(groupSize: groupSize, bits: bits)
        let moments = matmul(x.T, x)
        let nearest = productLoss(x, AffineWeights.nearest(weight, format).matrix, weight)
        for ordered in [false, true] {
            let options = GPTQOptions(ordersByActivation: ordered)
            let own = try AffineWeights(gptq: weight, moments: moments, format, options: options)
            #expect(productLoss(x, own.matrix, weight) < 0.8 * nearest, "ordered: \(ordered)")
        }
    }

    @Test("inputs that are never there leave their columns to themselves") func silent() throws {
        let weight = drawn([4, 64], seed: 5)
        let format = try AffineFormat(groupSize: 32, bits: 4)
        let none = try AffineWeights(
            gptq: weight, moments: MLXArray.zeros([64, 64]), format,
            options: GPTQOptions(searchesGrid: false))
        #expect(
            arrayEqual(none.codes, AffineWeights.nearest(weight, format).codes).item(Bool.self))
    }

    @Test("refuses what does not fit") func errors() throws {
        let format = try AffineFormat(groupSize: 32, bits: 4)
        let weight = drawn([4, 64], seed: 5)
        #expect(throws: ArrayError.self) {
            try AffineWeights(gptq: weight, moments: MLXArray.identity(32), format)
        }
        #expect(throws: ArrayError.self) {
            try AffineWeights(
                gptq: drawn([4, 48], seed: 1), moments: MLXArray.identity(48), format)
        }
        #expect(throws: ArrayError.self) {
            try AffineWeights(
                gptq: weight, moments: MLXArray.identity(64), format,
                options: GPTQOptions(damping: 0))
        }
        #expect(throws: QuantizationError.self) {
            try AffineWeights(
                gptq: weight, moments: MLXArray.identity(64) * Float.infinity, format)
        }
        // Negative off the diagonal beyond what damping mends.
        let indefinite = MLXArray.identity(64) - MLXArray.ones([64, 64]) * 0.5
        #expect(throws: QuantizationError.self) {
            try AffineWeights(gptq: weight, moments: indefinite, format)
        }
        #expect(throws: ArrayError.self) { try AffineFormat(groupSize: 48, bits: 4) }
        #expect(throws: ArrayError.self) { try AffineFormat(groupSize: 64, bits: 7) }
    }
}
