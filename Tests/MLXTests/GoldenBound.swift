import Foundation
import MLX

/// Compares a result with MLX's. Integers and bools must be equal. NUMERICS: floats may differ by
/// a number of the dtype's epsilons, relative to the value or to the largest one; MLX computes
/// float64 functions in float32, so there the epsilon is float32's.
struct GoldenBound {
    let ulp: Double
    let isScaled: Bool

    /// What differs, nil when nothing does.
    func difference(_ got: MLXArray, _ expected: MLXArray) -> String? {
        guard got.dtype == expected.dtype else { return "\(got.dtype), not \(expected.dtype)" }
        guard got.shape == expected.shape else { return "\(got.shape), not \(expected.shape)" }
        let (a, b) = (got.asData().data, expected.asData().data)
        if a == b { return nil }
        guard let type = got.dtype.finfo else { return "\(got), not \(expected)" }
        let (x, y) = (GoldenBound.numbers(a, got.dtype), GoldenBound.numbers(b, got.dtype))
        let epsilon = got.dtype == .float64 ? Double(Float.ulpOfOne) : type.eps
        let largest = y.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
        var worst = 0.0
        for (x, y) in zip(x, y) where !(x == y || x.isNaN && y.isNaN) {
            let size = max(isScaled ? largest : abs(y), type.smallestNormal)
            let error = abs(x - y) / (size * epsilon)
            worst = max(worst, error.isNaN ? .infinity : error)
        }
        if worst == 0, ulp > 0 { return nil }
        let sameSigns = zip(x, y).allSatisfy { $0.isNaN || $0.sign == $1.sign }
        if worst == 0, sameSigns { return nil }
        return worst <= ulp && worst > 0
            ? nil : "off by \(worst) of \(ulp) epsilons: \(got), not \(expected)"
    }

    private static func numbers(_ data: Data, _ dtype: DType) -> [Double] {
        func read<T>(_ type: T.Type, _ convert: (T) -> Double) -> [Double] {
            data.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: MemoryLayout<T>.size).map {
                    convert(bytes.loadUnaligned(fromByteOffset: $0, as: T.self))
                }
            }
        }
        switch dtype {
        case .float16: return read(Float16.self) { Double($0) }
        case .bfloat16:
            return read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .float64: return read(Double.self) { $0 }
        default: return read(Float.self) { Double($0) }
        }
    }
}
