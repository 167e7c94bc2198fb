import MLX
import MLXNN

// MLX's affine form: w ≈ scale q + bias with integer codes q for each group of weights along the
// inputs. How codes are chosen is free; how they lie in words is not.

/// How many weights share a scale and a bias, and the bits of a code.
public struct AffineFormat: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 32, 64 or 128.
    public let groupSize: Int
    /// 2, 3, 4, 5, 6 or 8.
    public let bits: Int

    /// A format that MLX has.
    /// - Throws: `ArrayError` for another group size or width.
    public init(groupSize: Int = 64, bits: Int = 4) throws {
        (self.groupSize, self.bits) = try QuantizationMode.affine.settings(
            groupSize: groupSize, bits: bits)
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            groupSize: try values.decode(Int.self, forKey: .groupSize),
            bits: try values.decode(Int.self, forKey: .bits))
    }

    /// The largest code.
    var largest: Float { Float(1 << bits - 1) }

    public var description: String { "\(bits) bits, groups of \(groupSize)" }
}

/// A matrix in affine form.
public struct AffineWeights: Sendable {
    /// Codes of (outputs, inputs) in words as `quantized` packs them: (outputs, inputs · bits / 32)
    /// in uint32.
    public let codes: MLXArray
    /// (outputs, inputs / group size)
    public let scales: MLXArray
    /// (outputs, inputs / group size)
    public let biases: MLXArray
    /// The sizes of groups and codes.
    public let format: AffineFormat

    /// What `quantized` makes of a matrix: the nearest codes of the range of each group.
    static func nearest(_ weight: MLXArray, _ format: AffineFormat) -> AffineWeights {
        let parts = MLX.quantized(weight, groupSize: format.groupSize, bits: format.bits)
        return AffineWeights(
            codes: parts.wq, scales: parts.scales, biases: parts.biases ?? parts.scales,
            format: format)
    }

    /// The matrix that the codes stand for, (outputs, inputs) in the dtype of the scales.
    public var matrix: MLXArray {
        dequantized(
            codes, scales: scales, biases: biases, groupSize: format.groupSize, bits: format.bits)
    }

    /// The layer that multiplies with the matrix.
    func linear(bias: MLXArray?) -> QuantizedLinear {
        QuantizedLinear(
            weight: codes, bias: bias, scales: scales, biases: biases,
            groupSize: format.groupSize, bits: format.bits)
    }

    /// Packs codes (outputs, inputs), one after the other from the lowest bit on: 32 codes of b
    /// bits fill b words.
    static func packed(_ codes: MLXArray, bits: Int) -> MLXArray {
        let parts = codes.asType(.uint32).reshaped([codes.dim(0), codes.dim(1) / 32, 32])
        var words = [MLXArray?](repeating: nil, count: bits)
        func add(_ part: MLXArray, to word: Int) {
            words[word] = words[word].map { bitwiseOr($0, part) } ?? part
        }
        for index in 0..<32 {
            let (word, shift) = (index * bits / 32, index * bits % 32)
            let code = parts[0..., 0..., index]
            add(leftShift(code, MLXArray(UInt32(shift))), to: word)
            // The upper bits of a code that two words share.
            if shift + bits > 32 {
                add(rightShift(code, MLXArray(UInt32(32 - shift))), to: word + 1)
            }
        }
        return stacked(words.compactMap { $0 }, axis: -1)
            .reshaped([codes.dim(0), codes.dim(1) * bits / 32])
    }
}
