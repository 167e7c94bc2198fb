import CMLXKernels
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

    /// The planes larger than the caches, whose kernel works on smaller ones too.
    @Test(arguments: [UInt8.self, UInt16.self, UInt32.self, UInt64.self] as [any Word.Type])
    func transposesPastTheCaches(type: any Word.Type) {
        func check<T: Word>(_ type: T.Type) {
            for (rows, columns, gap) in [
                (512, 512, 0), (600, 320, 0), (37, 130, 5), (1041, 128, 1), (16, 1000, 24),
            ] {
                // Output rows of whole lines are written past the caches, others are not.
                let (so, si) = ((columns + 63) / 64 * 64 + gap, rows + 3)
                let source = UnsafeMutableBufferPointer<T>.allocate(capacity: columns * si)
                let raw = UnsafeMutableRawPointer.allocate(
                    byteCount: rows * so * MemoryLayout<T>.size, alignment: 64)
                defer {
                    source.deallocate()
                    raw.deallocate()
                }
                for i in source.indices {
                    source[i] = T(truncatingIfNeeded: i &* 2_654_435_761 >> 7)
                }
                let out = raw.bindMemory(to: T.self, capacity: rows * so)
                out.initialize(repeating: 77, count: rows * so)
                mlx_transpose_plane(
                    raw.assumingMemoryBound(to: CChar.self),
                    UnsafeRawPointer(source.baseAddress!).assumingMemoryBound(to: CChar.self),
                    Int32(MemoryLayout<T>.size), rows, columns, so, si, true)
                var wrong = 0
                for r in 0..<rows {
                    for c in 0..<columns where out[r * so + c] != source[c * si + r] { wrong += 1 }
                    for c in columns..<so where out[r * so + c] != 77 { wrong += 1 }
                }
                #expect(wrong == 0, "\(T.self) \(rows) x \(columns)")
            }
        }
        check(type)
    }
}

/// Elements by their size.
protocol Word: FixedWidthInteger {}
extension UInt8: Word {}
extension UInt16: Word {}
extension UInt32: Word {}
extension UInt64: Word {}
