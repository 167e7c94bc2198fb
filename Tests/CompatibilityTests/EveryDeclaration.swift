import Foundation
import MLX
import Testing

/// Calls every declaration of mlx-swift's array modules once, as `Scripts/api-parity --called`
/// checks against their list with the compiler's syntax tree. A call works when it compiles without
/// a warning, does not trap, and its arrays can be evaluated; what they contain is the matter of
/// other tests. The functions are in files by subject.
@Suite("Every declaration") struct EveryDeclaration {
    /// Symmetric and positive definite, numbers between 0 and 1.
    let x = MLXArray.eye(4) * 0.5 + 0.1
    let v = MLXArray([0.1, 0.2, 0.3, 0.4] as [Float])
    let triple = MLXArray([0.1, 0.2, 0.3] as [Float])
    let zero = MLXArray(0 as Float)
    let n = MLXArray(0..<16, [4, 4])
    let b = MLXArray([true, false, true, false])
    let z = MLXArray(real: 1, imaginary: 2)
    let bytes = MLXArray([1, 2, 3, 4] as [UInt8])
    let thin = MLXArray.ones([1, 4, 1])
    let picks = MLXArray([0, 2] as [UInt32])
    let order = MLXArray.zeros([4, 4], dtype: .int32)
    let key = MLXRandom.key(3)
    let segments = MLXArray([0, 2, 2, 4] as [UInt32], [2, 2])

    let signal = MLXArray.ones([1, 8, 2])
    let taps1 = MLXArray.ones([2, 3, 2])
    let image = MLXArray.ones([1, 6, 6, 2])
    let taps2 = MLXArray.ones([2, 3, 3, 2])
    let volume = MLXArray.ones([1, 4, 4, 4, 2])
    let taps3 = MLXArray.ones([2, 3, 3, 3, 2])
    /// (batch, heads, length, features)
    let heads = MLXArray.ones([1, 2, 3, 4])

    let wide = MLXArray.ones([32, 64])
    let packed: MLXArray
    let scales: MLXArray
    let biases: MLXArray?
    let packedFP4: MLXArray
    let scalesFP4: MLXArray

    init() {
        (packed, scales, biases) = quantized(wide, groupSize: 32, bits: 4)
        (packedFP4, scalesFP4, _) = quantized(wide, groupSize: 16, bits: 4, mode: .nvfp4)
    }

    /// Evaluates the arrays of what a call gave.
    func works(_ value: Any) throws { try checkedEval(value) }

    /// A place for a file of this test, which is removed at its end.
    func withFile<R>(_ name: String, _ body: (URL) throws -> R) throws -> R {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(directory.appendingPathComponent(name))
    }

    /// Calls of what is deprecated: through this requirement they are no warning.
    protocol Calls {
        func run(_ fixture: EveryDeclaration) async throws
    }

    @Test("deprecated declarations") func deprecated() async throws {
        let all: [any Calls] = [
            DeprecatedFunctions(), DeprecatedArrays(), DeprecatedRandom(), DeprecatedFourier(),
            DeprecatedLinalg(), DeprecatedFast(),
        ]
        for calls in all { try await calls.run(self) }
    }

    /// Switches of the process, which other tests must not see changed.
    @Test("settings of the process") func settings() async {
        await #expect(processExitsWith: .success) {
            let fixture = EveryDeclaration()
            let calls: any Calls = DeprecatedState()
            try await calls.run(fixture)
            Memory.peakMemory = 0
            Memory.cacheLimit = Memory.cacheLimit
            Memory.memoryLimit = Memory.memoryLimit
            Memory.clearCache()
            GPU.resetPeakMemory()
            compile(enable: true)
            MLXRandom.seed(7)
            MLX.seed(7)
        }
    }
}
