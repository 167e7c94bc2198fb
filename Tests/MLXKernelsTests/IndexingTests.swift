import CMLXKernels
import MLXBase
import Testing

@testable import MLXKernels

/// Gather, scatter, ranges and random bits, with the published answers of Threefry keys.
@Suite struct IndexingTests {
    @Test(arguments: generalDevices)
    func gathersWindows(device: DeviceTraits) throws {
        let x = TestArray([5, 4], .float32, strides: [1, 5]) { Double($0) }
        let i = TestArray([3], .int32) { [4, -5, 2][$0] }
        let rows = try run(
            Kernels.gather, [3, 1, 4], .float32, [x, i], [1, 1, 4], device: device)
        #expect(rows.values == [16, 17, 18, 19, 0, 1, 2, 3, 8, 9, 10, 11])
        let a = TestArray([2, 1], .int64) { Double($0 * 3) }
        let b = TestArray([3], .uint8) { Double($0) }
        let points = try run(
            Kernels.gather, [2, 3, 1, 1], .float32, [x, a, b], [3, 1, 1], device: device)
        #expect(points.values == [0, 1, 2, 12, 13, 14])
    }

    @Test(arguments: generalDevices)
    func outOfRangeIsAnError(device: DeviceTraits) throws {
        let x = TestArray([5], .float32) { Double($0) }
        let i = TestArray([2], .int32) { [0, 5][$0] }
        let error = #expect(throws: ArrayError.self) {
            _ = try run(Kernels.gather, [2, 1], .float32, [x, i], [1, 1], device: device)
        }
        #expect(error?.kind == .index && error?.message.contains("index 5") == true)
        let j = TestArray([1], .int32) { _ in -6 }
        let u = TestArray([1, 1], .float32) { _ in 1 }
        #expect(throws: ArrayError.self) {
            _ = try run(Kernels.scatterAdd, [5], .float32, [x, j, u], [1, 1], device: device)
        }
    }

    @Test(arguments: [DType.int32, .float16, .float32], generalDevices)
    func scattersInOrder(dtype: DType, device: DeviceTraits) throws {
        let x = TestArray([4, 3], dtype) { _ in 1 }
        let i = TestArray([3], .int32) { [2, 0, 2][$0] }
        let u = TestArray([3, 1, 3], dtype, strides: [1, 9, 3]) { Double($0 + 2) }
        let inputs = [x, i, u]
        let assigned = try run(
            Kernels.scatterAssign, [4, 3], dtype, inputs, [1, 1, 3], device: device)
        #expect(assigned.values == [5, 6, 7, 1, 1, 1, 8, 9, 10, 1, 1, 1])
        let added = try run(Kernels.scatterAdd, [4, 3], dtype, inputs, [1, 1, 3], device: device)
        #expect(added.values == [6, 7, 8, 1, 1, 1, 11, 13, 15, 1, 1, 1])
        let high = try run(Kernels.scatterMax, [4, 3], dtype, inputs, [1, 1, 3], device: device)
        #expect(high.values == [5, 6, 7, 1, 1, 1, 8, 9, 10, 1, 1, 1])
        let product = try run(
            Kernels.scatterProduct, [4, 3], dtype, inputs, [1, 1, 3], device: device)
        #expect(product.values == [5, 6, 7, 1, 1, 1, 16, 27, 40, 1, 1, 1])
    }

    @Test(arguments: generalDevices)
    func largeScatterAddKeepsOrder(device: DeviceTraits) throws {
        let x = TestArray([100], .float32) { _ in 0 }
        let i = TestArray([40000], .int32) { Double(($0 * 31) % 100) }
        let u = TestArray([40000, 1], .float32) { Double($0 % 7) / 3 }
        var want = [Float](repeating: 0, count: 100)
        for k in 0..<40000 { want[(k * 31) % 100] += Float(Double(k % 7) / 3) }
        let got = try run(Kernels.scatterAdd, [100], .float32, [x, i, u], [1, 1], device: device)
        #expect(got.values == want.map(Double.init))
    }

    @Test(arguments: generalDevices)
    func rangesAndRandomBits(device: DeviceTraits) throws {
        func bits(_ value: Float) -> Int { Int(value.bitPattern) }
        let floats = try run(
            Kernels.arange, [4], .float32, [], [bits(1), bits(0.25)], device: device)
        #expect(floats.values == [1, 1.25, 1.5, 1.75])
        let ints = try run(
            Kernels.arange, [3], .int8, [], [Int(UInt8(bitPattern: -2)), 3], device: device)
        #expect(ints.values == [-2, 1, 4])
        let key = TestArray([2], .uint32) { _ in 0 }
        let split = try run(Kernels.randomBits, [2, 2], .uint32, [key], [4], device: device)
        #expect(split.values == [4_146_024_105, 967_050_713, 2_718_843_009, 1_272_950_319])
        let three = try run(Kernels.randomBits, [3, 2], .uint32, [key], [4], device: device)
        #expect(three.values.prefix(2) == [2_467_461_003, 428_148_500])
        let keys = TestArray([2, 2], .uint32) { [0, 0, 0, 1][$0] }
        let both = try run(Kernels.randomBits, [2, 5], .uint32, [keys], [4], device: device)
        let one = try run(Kernels.randomBits, [5], .uint32, [key], [4], device: device)
        #expect(Array(both.values.prefix(5)) == one.values)
        let bytes = try run(Kernels.randomBits, [7], .uint8, [key], [1], device: device)
        let words = try run(Kernels.randomBits, [2], .uint32, [key], [4], device: device)
        #expect(bytes.values[0] == Double(UInt32(words.values[0]) & 255))
    }

    /// uniform and normal of key 0, as published: the bits, the division and erfinv together.
    @Test(arguments: generalDevices)
    func normalsAgreeWithTheReference(device: DeviceTraits) throws {
        let key = TestArray([2], .uint32) { _ in 0 }
        let raw = try run(Kernels.randomBits, [3], .uint32, [key], [4], device: device).values
        let uniforms = raw.map { min(Float($0) / 4_294_967_296, Float(1).nextDown) }
        var values = uniforms.map { $0 * 2 + Float(-1).nextUp }
        try elementwise(MLX_ERFINV, .float32)(&values, values, nil, nil, 3)
        let normals = values.map { $0 * Float(2).squareRoot() }
        #expect(normals == [1.8160871267318726, -0.48262301087379456, 0.339889258146286])
    }
}
