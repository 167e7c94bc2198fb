import Foundation
import MLXBase
import MLXOps

/// The naive reference of quantized rows: bits are read one by one, values come from the formats'
/// definitions. Nothing here is shared with the kernels.
enum Codes {
    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        let words = attributes.words
        switch name {
        case "dequantize": return numbers(inputs, words)
        case "quantized_matmul": return product(inputs, words, shape)
        case "gather_qmm": return gathered(inputs, words, shape)
        case "quantized_matmul_int8":
            return product([rounded(inputs[0], words[0])] + inputs.dropFirst(), words, shape)
        case "gather_qmm_int8":
            return gathered([rounded(inputs[0], words[0])] + inputs.dropFirst(), words, shape)
        case "to_fp8": return Tensor(shape, inputs[0].values.map { Double(byte($0)) })
        case "from_fp8": return Tensor(shape, inputs[0].values.map { e4m3(Int($0)) })
        default: return nil
        }
    }

    /// Each group along the last axis as integers of at most 127 with a scale, in float32.
    private static func rounded(_ x: Tensor, _ group: Int) -> Tensor {
        let values = x.values.map { Float($0) }
        return Tensor(
            x.shape,
            values.indices.map { at in
                let first = at / group * group
                let largest = values[first..<first + group].reduce(0) { max($0, abs($1)) }
                if largest == 0 { return 0 }
                let step = (values[at] * (127 / largest)).rounded(.toNearestOrEven)
                return Double(step) * Double(largest / 127)
            })
    }

    private static func e4m3(_ code: Int) -> Double {
        let (exponent, mantissa) = (code >> 3 & 15, Double(code & 7))
        let size =
            exponent == 0
            ? mantissa / 512 : (1 + mantissa / 8) * Foundation.pow(2, Double(exponent - 7))
        return code & 0x80 != 0 ? -size : size
    }

    private static func e2m1(_ code: Int) -> Double {
        let sizes = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
        return code & 8 != 0 ? -sizes[code & 7] : sizes[code & 7]
    }

    /// The nearest of all 127 magnitudes, the even code where two are as near.
    private static func byte(_ value: Double) -> Int {
        let size = Swift.min(Swift.abs(value), 448)
        let best = (0...126).min { a, b in
            let (da, db) = (Swift.abs(e4m3(a) - size), Swift.abs(e4m3(b) - size))
            return da != db ? da < db : a % 2 < b % 2
        }!
        return best | (value.sign == .minus ? 0x80 : 0)
    }

    /// Codes, scales and offsets (or a power of two, or an E4M3 scale) as numbers.
    static func numbers(_ inputs: [Tensor], _ words: [Int]) -> Tensor {
        let (group, bits, mode) = (words[0], words[1], words[2])
        let row = inputs[0].shape.last!
        let length = row * 32 / bits
        return Tensor(inputs[0].shape.dropLast() + [length]) { position in
            let (line, k) = (position / length, position % length)
            var code = 0
            for bit in 0..<bits {
                let at = k * bits + bit
                let word = UInt64(inputs[0].values[line * row + at / 32])
                code |= Int(word >> UInt64(at % 32) & 1) << bit
            }
            let scale = inputs[1].values[line * (length / group) + k / group]
            switch mode {
            case 0:
                return scale * Double(code) + inputs[2].values[line * (length / group) + k / group]
            case 1: return e2m1(code) * Foundation.pow(2, scale - 127)
            case 2: return e4m3(code) * Foundation.pow(2, scale - 127)
            default: return e2m1(code) * e4m3(Int(scale))
            }
        }
    }

    private static func product(_ inputs: [Tensor], _ words: [Int], _ shape: [Int]) -> Tensor {
        let w = numbers(Array(inputs.dropFirst()), words)
        let x = inputs[0]
        return Tensor(shape) { position in
            let index = Tensor.index(position, shape)
            let batch = w.shape.count > 2 ? Array(index.dropLast(2)) : []
            return (0..<x.shape.last!).reduce(0.0) { sum, k in
                let at = words[3] != 0 ? [index.last!, k] : [k, index.last!]
                return sum + x[index.dropLast() + [k]] * w[batch + at]
            }
        }
    }

    private static func gathered(_ inputs: [Tensor], _ words: [Int], _ shape: [Int]) -> Tensor {
        let w = numbers(Array(inputs[1..<(inputs.count - 2)]), words)
        let (x, left, right) = (inputs[0], inputs[inputs.count - 2], inputs[inputs.count - 1])
        let (rows, depth) = (x.shape[x.shape.count - 2], x.shape.last!)
        let (height, width) = (w.shape[w.shape.count - 2], w.shape.last!)
        return Tensor(shape) { position in
            let index = Tensor.index(position, shape)
            let batch = Array(index.dropLast(2))
            let (i, j) = (Int(left[batch]), Int(right[batch]))
            return (0..<depth).reduce(0.0) { sum, k in
                let at = words[3] != 0 ? index.last! * width + k : k * width + index.last!
                return sum + x.values[(i * rows + index[index.count - 2]) * depth + k]
                    * w.values[j * height * width + at]
            }
        }
    }
}
