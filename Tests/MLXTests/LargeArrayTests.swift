import Foundation
import MLX
import Testing

/// Large arrays take gigabytes and half a minute: with MLX_TESTS=full, and where there is memory.
private let isWanted =
    ProcessInfo.processInfo.environment["MLX_TESTS"] == "full"
    && ProcessInfo.processInfo.physicalMemory > 12 << 30

/// Arrays of more than 2^31 elements, where 32-bit counts would wrap.
@Suite("Large arrays", .serialized, .enabled(if: isWanted)) struct LargeArrayTests {
    private func marked() -> MLXArray {
        let x = MLXArray.zeros([1 << 31 + 9], dtype: .uint8)
        x[1 << 31 + 5] = MLXArray(7).asType(.uint8)
        return x
    }

    @Test("reductions, indices and windows beyond 2^31") func beyond() throws {
        let x = marked()
        try checkedEval(x)
        #expect(x.size == 1 << 31 + 9)
        #expect(x.max().item(UInt8.self) == 7)
        #expect(argMax(x).item(UInt32.self) == UInt32(1 << 31 + 5))
        #expect(x.asType(.bool).asType(.uint8).sum().item(UInt32.self) == 1)
        let tail = x[(1 << 31 + 3)...]
        #expect(tail.asArray(UInt8.self) == [0, 0, 7, 0, 0, 0])
        #expect(take(x, MLXArray(int64: 1 << 31 + 5)).item(UInt8.self) == 7)
    }

    @Test("joining two halves passes 2^31") func joined() throws {
        let half = MLXArray.ones([1 << 30 + 5], dtype: .int8)
        let both = concatenated([half, half + half])
        #expect(both.size == 1 << 31 + 10)
        #expect(both[1 << 30 + 4 ..< 1 << 30 + 6].asArray(Int8.self) == [1, 2])
        #expect(both[1 << 31 + 9].item(Int8.self) == 2)
    }
}
