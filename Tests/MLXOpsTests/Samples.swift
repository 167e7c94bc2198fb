import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps

/// Test inputs: values drawn from a seed within a sample's domains, rounded to the dtype, and laid
/// out in memory in every way that a kernel may meet.
enum Layout: String, CaseIterable {
    case rowMajor, transposed, sliced, reversed
}

struct Draws: RandomNumberGenerator {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func next() -> UInt64 { random.next() }

    /// A number that the dtype holds exactly.
    mutating func number(_ domain: ClosedRange<Double>, _ dtype: DType) -> Double {
        let value = Double.random(in: domain, using: &self)
        switch dtype {
        case .bool: return value < (domain.lowerBound + domain.upperBound) / 2 ? 0 : 1
        case .float16: return Double(Float16(value))
        case .bfloat16:
            return Double(Float(bitPattern: UInt32(ScalarBits.bfloat16(Float(value))) << 16))
        case .float32, .complex64: return Double(Float(value))
        case .float64: return value
        default:
            let low = dtype.isUnsignedInteger ? max(domain.lowerBound, 0) : domain.lowerBound
            return Double.random(
                in: low.rounded(.up)...max(domain.upperBound, low) + 0.999,
                using: &self
            ).rounded(.down)
        }
    }

    mutating func tensor(
        _ shape: [Int], _ domain: ClosedRange<Double>, _ dtype: DType
    ) -> Tensor {
        Tensor(shape, (0..<shape.reduce(1, *)).map { _ in number(domain, dtype) })
    }
}

extension Tensor {
    /// The tensor as an evaluated array of a dtype and layout.
    func array(_ dtype: DType, _ layout: Layout = .rowMajor) -> MLXArray {
        let result: MLXArray
        switch layout {
        case .rowMajor: return stored(dtype)
        case .transposed:
            let reversed = Tensor(shape.reversed()) { position in
                self[Tensor.index(position, self.shape.reversed()).reversed()]
            }
            result = MLX.transposed(reversed.stored(dtype))
        case .sliced:
            let wide = shape.map { $0 * 2 + 1 }
            let padded = Tensor(wide) { position in
                let index = Tensor.index(position, wide)
                return index.allSatisfy { $0 % 2 == 1 } ? self[index.map { $0 / 2 }] : 77
            }
            result = Ops.slice(
                padded.stored(dtype), starts: shape.map { _ in 1 }, steps: shape.map { _ in 2 },
                sizes: shape)
        case .reversed:
            let backwards = Tensor(shape) { position in
                self[zip(Tensor.index(position, shape), shape).map { $1 - 1 - $0 }]
            }
            result = Ops.slice(
                backwards.stored(dtype), starts: shape.map { max($0 - 1, 0) },
                steps: shape.map { _ in -1 }, sizes: shape)
        }
        eval(result)
        return result
    }

    private func stored(_ dtype: DType) -> MLXArray {
        // float64 holds every value here; the cast is exact because values were rounded before.
        let wide = values.withUnsafeBytes { MLXArray(Data($0), shape, dtype: .float64) }
        let array = wide.asType(dtype)
        eval(array)
        return array
    }

    init(_ array: MLXArray) {
        self.init(array.shape, array.asType(.float64).asArray(Double.self))
    }
}
