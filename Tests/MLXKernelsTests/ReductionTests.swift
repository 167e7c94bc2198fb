import CMLXKernels
import Foundation
import MLXBase
import Testing

@testable import MLXKernels

/// Reductions, argmax, softmax and log-sum-exp over many layouts and axis sets, against loops.
@Suite struct ReductionTests {
    static let shapes: [([Int], [Int]?, Int)] = [
        ([7], nil, 1), ([3, 5], nil, 0b10), ([3, 5], nil, 0b01), ([3, 5], nil, 0b11),
        ([2, 3, 4], nil, 0b101), ([2, 3, 4], [1, 2, 6], 0b100), ([5, 6], [-6, 1], 0b10),
        ([3, 40], nil, 0b01), ([2, 150, 33], nil, 0b010), ([300, 70], nil, 0b10),
        ([4, 3, 9], [0, 9, 1], 0b011), ([2, 9000], nil, 0b10), ([70000], nil, 1), ([5], nil, 0),
        ([2500, 20], nil, 0b01), ([1, 6, 1, 17], nil, 0b0010),
    ]

    private func reference(
        _ x: TestArray, _ mask: Int, _ start: Double, _ merge: (Double, Double) -> Double
    ) -> (dims: [Int], values: [Double]) {
        let dims = x.operand.shape.array
        let kept = dims.indices.filter { mask >> $0 & 1 == 0 }
        let outDims = kept.map { dims[$0] }
        var totals = [Double](repeating: start, count: outDims.reduce(1, *))
        for (index, value) in x.values.enumerated() {
            let position = unravel(index, dims)
            let place = ravel(kept.map { position[$0] }, outDims)
            totals[place] = merge(totals[place], value)
        }
        return (outDims, totals)
    }

    @Test(arguments: [DType.int8, .uint32, .int64, .float16, .bfloat16, .float32, .float64])
    func sumMaxMin(dtype: DType) throws {
        for (dims, strides, mask) in Self.shapes {
            let isSigned = !dtype.isUnsignedInteger
            let x = TestArray(dims, dtype, strides: strides) {
                isSigned ? pattern($0) : abs(pattern($0))
            }
            let high = reference(x, mask, -1e9, max)
            let low = reference(x, mask, 1e9, min)
            let want = reference(x, mask, 0, +)
            // Sums of whole numbers are exact before they are rounded to the dtype, or infinite
            // where it ends.
            let rounded = TestArray(want.dims, dtype) { want.values[$0] }.values
            for device in generalDevices {
                let highs = try run(
                    Kernels.reduction(MLX_MAX), high.dims, dtype, [x], [mask], device: device)
                #expect(highs.values == high.values)
                let lows = try run(
                    Kernels.reduction(MLX_MIN), low.dims, dtype, [x], [mask], device: device)
                #expect(lows.values == low.values)
                if dtype == .int8 { continue }
                let got = try run(
                    Kernels.reduction(MLX_SUM), want.dims, dtype, [x], [mask], device: device)
                #expect(got.values == rounded, "\(dims) \(mask) \(dtype)")
            }
        }
    }

    /// Sums past the largest number of the dtype are infinite, those just below are not.
    @Test(arguments: generalDevices)
    func sumsOverflowOnlyWhereTheDtypeEnds(device: DeviceTraits) throws {
        for (each, want) in [(65_000.0 / 8, 65_000.0), (8_192, .infinity)] {
            let x = TestArray([8], .float16) { _ in each }
            let got = try run(
                Kernels.reduction(MLX_SUM), [], .float16, [x], [1], device: device)
            #expect(got.values == [Double(Float16(want))])
        }
    }

    @Test(arguments: generalDevices)
    func productsAndComplexSums(device: DeviceTraits) throws {
        let x = TestArray([3, 4], .float32) { Double($0 % 3 + 1) }
        let want = reference(x, 0b10, 1, *)
        #expect(
            try run(Kernels.reduction(MLX_PRODUCT), [3], .float32, [x], [0b10], device: device)
                .values == want.values)
        let z = TestArray([4], .complex64) { Double($0) }
        #expect(
            try run(Kernels.reduction(MLX_SUM), [], .complex64, [z], [1], device: device).values
                == [6])
    }

    @Test(arguments: generalDevices)
    func booleansAndEmpty(device: DeviceTraits) throws {
        let x = TestArray([2, 3], .bool) { $0 == 4 ? 0 : 1 }
        #expect(
            try run(Kernels.reduction(MLX_MIN), [2], .bool, [x], [0b10], device: device).values == [
                1, 0,
            ])
        #expect(
            try run(Kernels.reduction(MLX_MAX), [3], .bool, [x], [0b01], device: device).values == [
                1, 1, 1,
            ])
        let none = TestArray([2, 0], .bool) { _ in 0 }
        #expect(
            try run(Kernels.reduction(MLX_MIN), [2], .bool, [none], [0b10], device: device).values
                == [1, 1])
        let empty = TestArray([0, 2], .float32) { _ in 0 }
        #expect(
            try run(Kernels.reduction(MLX_PRODUCT), [2], .float32, [empty], [1], device: device)
                .values == [1, 1])
        #expect(
            try run(Kernels.reduction(MLX_SUM), [0], .float32, [empty], [0b10], device: device)
                .values == [])
    }

    @Test(arguments: generalDevices)
    func notANumberPropagates(device: DeviceTraits) throws {
        let x = TestArray([2, 100], .float32) { $0 == 130 ? .nan : Double($0) }
        let high = try run(Kernels.reduction(MLX_MAX), [2], .float32, [x], [0b10], device: device)
            .values
        #expect(high[0] == 99 && high[1].isNaN)
        #expect(
            try run(Kernels.argMin, [2], .uint32, [x], [0b10], device: device).values == [0, 30])
    }

    @Test(arguments: [DType.uint8, .int32, .float16, .float32, .float64, .complex64])
    func argumentsOfExtremes(dtype: DType) throws {
        for (dims, strides, mask) in Self.shapes where mask != 0 {
            let x = TestArray(dims, dtype, strides: strides) { abs(pattern($0)) }
            let kept = dims.indices.filter { mask >> $0 & 1 == 0 }
            let reduced = dims.indices.filter { mask >> $0 & 1 != 0 }
            let outDims = kept.map { dims[$0] }
            var best = [Double](repeating: -1, count: outDims.reduce(1, *))
            var index = [Double](repeating: 0, count: best.count)
            for (i, value) in x.values.enumerated() {
                let position = unravel(i, dims)
                let place = ravel(kept.map { position[$0] }, outDims)
                let at = Double(ravel(reduced.map { position[$0] }, reduced.map { dims[$0] }))
                if value > best[place] || (value == best[place] && at < index[place]) {
                    (best[place], index[place]) = (value, at)
                }
            }
            let turned = TestArray(dims, dtype, strides: strides) { 20 - abs(pattern($0)) }
            for device in generalDevices {
                let got = try run(Kernels.argMax, outDims, .uint32, [x], [mask], device: device)
                #expect(got.values == index, "\(dims) \(mask)")
                let lows = try run(
                    Kernels.argMin, outDims, .uint32, [turned], [mask], device: device)
                #expect(lows.values == index, "\(dims) \(mask)")
            }
        }
    }

    @Test(arguments: [DType.float16, .float32, .float64])
    func softmaxAndLogSumExp(dtype: DType) throws {
        for (dims, strides, mask) in Self.shapes where mask != 0 {
            let x = TestArray(dims, dtype, strides: strides) { pattern($0) / 4 }
            let total = reference(x, mask, 0) { $0 + exp($1) }
            let kept = dims.indices.filter { mask >> $0 & 1 == 0 }
            let want = x.values.enumerated().map { index, value in
                let position = unravel(index, dims)
                return exp(value) / total.values[ravel(kept.map { position[$0] }, total.dims)]
            }
            let tolerance = dtype == .float16 ? 1e-3 : 1e-5
            for device in generalDevices {
                let soft = try run(Kernels.softmax, dims, dtype, [x], [mask], device: device).values
                #expect(isClose(soft, want, tolerance), "\(dims) \(mask)")
                let lse = try run(Kernels.logSumExp, total.dims, dtype, [x], [mask], device: device)
                    .values
                #expect(
                    isClose(lse, total.values.map { log($0) }, tolerance * 4), "\(dims) \(mask)")
            }
        }
        let lows = TestArray([3], dtype) { _ in -.infinity }
        for device in generalDevices {
            let lse = try run(Kernels.logSumExp, [], dtype, [lows], [1], device: device)
            #expect(lse.values == [-.infinity])
            let soft = try run(Kernels.softmax, [3], dtype, [lows], [1], device: device)
            #expect(soft.values[0].isNaN)
        }
    }

    /// Rows written past the caches have the same bits, and rows of any length are right.
    @Test(arguments: [16, 1024, 1000, 4096]) func softmaxPastTheCaches(count: Int) {
        let rows = 3
        let x = UnsafeMutablePointer<Float>.allocate(capacity: rows * count)
        let cached = UnsafeMutableRawPointer.allocate(byteCount: rows * count * 4, alignment: 64)
        let streamed = UnsafeMutableRawPointer.allocate(byteCount: rows * count * 4, alignment: 64)
        defer {
            x.deallocate()
            cached.deallocate()
            streamed.deallocate()
        }
        for i in 0..<(rows * count) { x[i] = Float(i * 7919 % 1013) / 100 - 5 }
        x[1] = -.infinity
        x[2] = -200
        let softmax = mlx_softmax_fn(DType.float32.code)!
        softmax(cached, x, rows, count, false)
        softmax(streamed, x, rows, count, true)
        let (a, b) = (cached.assumingMemoryBound(to: Float.self), streamed)
        #expect(memcmp(a, b, rows * count * 4) == 0)
        #expect(a[1] == 0 && a[2] == 0)
        for row in 0..<rows {
            let sum = (0..<count).reduce(0.0) { $0 + Double(a[row * count + $1]) }
            #expect(abs(sum - 1) < 1e-5)
        }
    }
}
