import MLXBase
import Testing

@testable import MLXKernels

/// Copies from every kind of layout, and the kernels that place arrays inside others.
@Suite struct MovementTests {
    static let layouts: [([Int], [Int])] = [
        ([5], [1]), ([5], [-2]), ([3, 4], [1, 3]), ([33, 70], [1, 33]),
        ([2, 33, 20], [660, 1, 33]),
        ([4, 5, 6], [0, 6, 1]), ([6, 5], [-5, 1]), ([0, 3], [3, 1]), ([], []),
        ([3, 1, 2], [1, 9, 3]),
        ([100_003], [1]), ([7, 3], [1, 0]),
    ]

    @Test(arguments: [DType.bool, .int8, .float16, .int32, .complex64], generalDevices)
    func copiesAnyLayout(dtype: DType, device: DeviceTraits) throws {
        for (dims, strides) in Self.layouts {
            let x = TestArray(dims, dtype, strides: strides) { Double($0 % 100) }
            let areSame = try run(Kernels.copy, dims, dtype, [x], device: device).values == x.values
            #expect(areSame, "\(dims) \(strides)")
        }
    }

    @Test(arguments: generalDevices)
    func concatenatesPadsUpdatesFills(device: DeviceTraits) throws {
        let a = TestArray([2, 2], .int32) { Double($0) }
        let b = TestArray([2, 1], .int32, strides: [1, 1]) { Double($0 + 10) }
        #expect(
            try run(Kernels.concatenate, [2, 3], .int32, [a, b], [1], device: device).values
                == [0, 1, 10, 2, 3, 11])
        let v = TestArray([], .int32) { _ in 7 }
        #expect(
            try run(Kernels.pad, [3, 4], .int32, [a, v], [1, 0, 0, 2], device: device).values
                == [7, 7, 7, 7, 0, 1, 7, 7, 2, 3, 7, 7])
        let x = TestArray([5, 6], .float32) { _ in 0 }
        let u = TestArray([2, 3], .float32) { Double($0 + 1) }
        let y = try run(
            Kernels.sliceUpdate, [5, 6], .float32, [x, u], [1, 4, 2, -2], device: device
        ).values
        #expect(y[6 + 4] == 1 && y[6 + 2] == 2 && y[6] == 3 && y[18 + 4] == 4)
        #expect(y.reduce(0, +) == 21)
        #expect(try run(Kernels.fill, [3], .int32, [v], device: device).values == [7, 7, 7])
    }
}
