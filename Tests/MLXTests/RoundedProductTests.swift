import MLX
import Testing

/// Products of affine codes with inputs that are rounded to int8 by group.
@Suite("Products of rounded inputs") struct RoundedProductTests {
    private static let formats = [(32, 2), (64, 2), (64, 4), (128, 4), (32, 8), (64, 8), (128, 8)]

    /// What rounding x by groups can change at most: half a step of each term.
    private func bound(_ x: MLXArray, _ w: MLXArray, _ groupSize: Int) -> MLXArray {
        let groups = [x.dim(0), x.dim(1) / groupSize, groupSize]
        let step = MLX.max(abs(x.reshaped(groups)), axis: -1, keepDims: true) / 127
        let halves = broadcast(step / 2, to: groups).reshaped(x.shape)
        return matmul(halves, abs(w).T) * 1.0001 + 1e-5 * matmul(abs(x), abs(w).T)
    }

    @Test("the error stays within the bound, and the bound is tight", arguments: formats)
    func errors(groupSize: Int, bits: Int) {
        for (seed, rows) in [1, 2, 3, 13, 40].enumerated() {
            let key = MLXRandom.key(UInt64(seed))
            let (a, b) = MLXRandom.split(key: key)
            var x = MLXRandom.normal([rows, 384], key: a)
            // One outlier in the first group: it costs that group alone its precision.
            x[0..., 5] = MLXArray(1000)
            let w = MLXRandom.normal([70, 384], key: b)
            let (wq, scales, biases) = quantized(w, groupSize: groupSize, bits: bits)
            let plain = dequantized(
                wq, scales: scales, biases: biases, groupSize: groupSize, bits: bits)
            let y = quantizedMM(
                x, wq, scales: scales, biases: biases, groupSize: groupSize, bits: bits,
                mode: .affineInt8)
            let error = abs(y - matmul(x, plain.T))
            let limit = bound(x, plain, groupSize)
            #expect(all(error .<= limit).item(), "\(rows) rows")
            #expect(MLX.max(error / limit).item(Float.self) > 1.0 / 64, "\(rows) rows")
        }
    }

    @Test("inputs of few steps are not changed", arguments: formats)
    func exact(groupSize: Int, bits: Int) {
        // Each group has 127 as its largest magnitude, so that steps are ones.
        let x = MLXArray(
            (0..<3 * 256).map { Float($0 % groupSize == 0 ? -127 : $0 % 255 - 127) }, [3, 256])
        let w = MLXRandom.normal([33, 256], key: MLXRandom.key(7))
        let q = quantized(w, groupSize: groupSize, bits: bits, mode: .affineInt8)
        let plain = dequantized(
            q.wq, scales: q.scales, biases: q.biases, groupSize: groupSize, bits: bits,
            mode: .affineInt8)
        let y = quantizedMM(
            x, q.wq, scales: q.scales, biases: q.biases, groupSize: groupSize, bits: bits,
            mode: .affineInt8)
        #expect(allClose(y, matmul(x, plain.T), rtol: 1e-4, atol: 1e-2).item())
    }

    @Test("NaN and infinity reach their rows and no other")
    func notFinite() {
        let w = MLXRandom.normal([8, 128], key: MLXRandom.key(3))
        let (wq, scales, biases) = quantized(w, groupSize: 64, bits: 8)
        for value in [Float.nan, .infinity] {
            for rows in [2, 5] {
                let x = MLXArray.ones([rows, 128])
                x[1, 70] = MLXArray(value)
                let y = quantizedMM(
                    x, wq, scales: scales, biases: biases, groupSize: 64, bits: 8, mode: .affineInt8
                )
                #expect(all(isNaN(y[1])).item())
                #expect(!any(isNaN(y[0])).item())
            }
        }
    }

    @Test("gradients are those of the product that does not round")
    func gradients() {
        let x = MLXRandom.normal([5, 64], key: MLXRandom.key(1))
        let (wq, scales, biases) = quantized(
            MLXRandom.normal([6, 64], key: MLXRandom.key(2)), groupSize: 32, bits: 4)
        func slope(_ mode: QuantizationMode) -> MLXArray {
            grad { (x: MLXArray) in
                quantizedMM(
                    x, wq, scales: scales, biases: biases, groupSize: 32, bits: 4, mode: mode
                ).sum()
            }(x)
        }
        #expect(arrayEqual(slope(.affine), slope(.affineInt8)).item())
    }

    @Test("an expert's product is that of its matrix")
    func gathered() {
        let x = MLXRandom.normal([3, 1, 64], key: MLXRandom.key(1))
        let w = MLXRandom.normal([4, 10, 64], key: MLXRandom.key(2))
        let q = quantized(w, groupSize: 64, bits: 4, mode: .affineInt8)
        let picked = MLXArray([2, 0, 3] as [Int32])
        let y = gatherQuantizedMM(
            x, q.wq, scales: q.scales, biases: q.biases, rhsIndices: picked, groupSize: 64, bits: 4,
            mode: .affineInt8)
        for (row, expert) in [2, 0, 3].enumerated() {
            let own = quantizedMM(
                x[row], q.wq[expert], scales: q.scales[expert], biases: q.biases?[expert],
                groupSize: 64, bits: 4, mode: .affineInt8)
            #expect(arrayEqual(y[row], own).item())
        }
    }

    @Test("what it does not take is said")
    func badInput() throws {
        let w = MLXRandom.normal([6, 64], key: MLXRandom.key(2))
        let x = MLXArray.ones([2, 64])
        func message(_ body: () -> MLXArray) -> String {
            do {
                try withError { eval(body()) }
                return "none"
            } catch { return "\(error)" }
        }
        let three = quantized(w, groupSize: 32, bits: 3)
        let odd = message {
            quantizedMM(
                x, three.wq, scales: three.scales, biases: three.biases, groupSize: 32, bits: 3,
                mode: .affineInt8)
        }
        #expect(odd.contains("2, 4 or 8 bits"))
        let four = quantized(w, groupSize: 32, bits: 4)
        let flat = message {
            quantizedMM(
                MLXArray.ones([2, 6]), four.wq, scales: four.scales, biases: four.biases,
                transpose: false, groupSize: 32, bits: 4, mode: .affineInt8)
        }
        #expect(flat.contains("transpose"))
    }

    @Test("a layer and its table")
    func layers() throws {
        let (wq, scales, biases) = quantized(
            MLXRandom.normal([6, 64], key: MLXRandom.key(2)), groupSize: 64, bits: 8,
            mode: .affineInt8)
        let affine = quantized(
            MLXRandom.normal([6, 64], key: MLXRandom.key(2)), groupSize: 64, bits: 8)
        #expect(arrayEqual(wq, affine.wq).item())
        #expect(arrayEqual(scales, affine.scales).item())
        #expect(arrayEqual(try #require(biases), try #require(affine.biases)).item())
    }
}
