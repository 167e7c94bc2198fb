import MLX

/// A linear layer that multiplies in a few bits: inputs are quantized as well as the weight. While
/// it is trained the weight is kept in floats and quantized in each call; outside training it is
/// stored quantized. MLX has it in Python only.

/// y = q(x) q(W)ᵀ with the rounding q of a floating-point format; it has no bias.
///
/// Gradients pass the rounding as if it were not there: that by x is cotangent · q(W), that by W is
/// cotangentᵀ · q(x).
/// ```swift
/// let layer = QQLinear(512, 512)
/// layer.train(false)  // now the weight takes 4.5 bits a number
/// ```
open class QQLinear: Module, UnaryLayer, Quantized {
    /// How many weights along the inputs share a scale.
    public let groupSize: Int
    /// The bits of a stored weight.
    public let bits: Int
    /// The format: `.nvfp4`, `.mxfp4` or `.mxfp8`.
    public let mode: QuantizationMode
    /// (outputs, inputs) in floats while training, otherwise packed codes.
    @ParameterInfo public var weight: MLXArray
    /// (outputs, inputs / groupSize); nil while training.
    @ParameterInfo public var scales: MLXArray?

    /// A layer with a weight drawn evenly from ±1/√inputs.
    /// - Parameters:
    ///   - groupSize: that of the mode if nil.
    ///   - bits: those of the mode if nil.
    public convenience init(
        _ inputDimensions: Int, _ outputDimensions: Int, groupSize: Int? = nil, bits: Int? = nil,
        mode: QuantizationMode = .nvfp4
    ) {
        let scale = (1 / Float(inputDimensions)).squareRoot()
        self.init(
            weight: MLXRandom.uniform(
                low: -scale, high: scale, [outputDimensions, inputDimensions]),
            groupSize: groupSize, bits: bits, mode: mode)
    }

    /// A layer with the weight of another one, whose bias is left out.
    public convenience init(
        _ other: Linear, groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .nvfp4
    ) {
        self.init(weight: other.weight, groupSize: groupSize, bits: bits, mode: mode)
    }

    private init(weight: MLXArray, groupSize: Int?, bits: Int?, mode: QuantizationMode) {
        self.groupSize = groupSize ?? (mode == .nvfp4 ? 16 : 32)
        self.bits = bits ?? (mode == .mxfp8 ? 8 : 4)
        self.mode = mode
        _weight = ParameterInfo(wrappedValue: weight.aliased())
        _scales = ParameterInfo(wrappedValue: nil)
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        let inputs = scales == nil ? weight.dim(1) : weight.dim(1) * 32 / max(bits, 1)
        return "(inputDimensions=\(inputs), outputDimensions=\(weight.dim(0)), "
            + "groupSize=\(groupSize), bits=\(bits), mode=\(mode))"
    }

    /// Codes have no gradients.
    open override func noGrad() -> Set<String> {
        scales == nil ? super.noGrad() : super.noGrad().union(["weight", "scales"])
    }

    /// Quantizes the weight when training ends, and makes floats of it when training begins.
    open override func didSetTrain(_ mode: Bool) {
        if mode, let scales {
            weight = dequantized(
                weight, scales: scales, biases: nil, groupSize: groupSize, bits: bits,
                mode: self.mode, dtype: .float32)
            self.scales = nil
        } else if !mode, scales == nil {
            let codes = quantized(weight, groupSize: groupSize, bits: bits, mode: self.mode)
            (weight, scales) = (codes.wq, codes.scales)
        }
    }

    /// Applies the layer: (…, inputs) to (…, outputs).
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let (groupSize, bits, mode) = (groupSize, bits, mode)
        func rounded(_ x: MLXArray) -> MLXArray {
            let codes = quantized(x, groupSize: groupSize, bits: bits, mode: mode)
            return dequantized(
                codes.wq, scales: codes.scales, biases: nil, groupSize: groupSize, bits: bits,
                mode: mode, dtype: x.dtype)
        }
        let weight = weight
        if let scales {
            return noted(
                quantizedQuantizedMM(
                    x, weight, scales: scales, groupSize: groupSize, bits: bits, mode: mode),
                from: x)
        }
        guard x.ndim > 0, weight.ndim == 2, x.dim(-1) == weight.dim(1) else {
            return invalidArray(
                ArrayError(
                    .shape, "QQLinear", "needs (…, \(weight.dim(1)))", shapes: [x.shape]),
                inputs: [x])
        }
        let product = CustomFunction {
            Forward {
                [
                    quantizedQuantizedMM(
                        $0[0], $0[1], scales: nil, groupSize: groupSize, bits: bits, mode: mode)
                ]
            }
            VJP { primals, cotangents in
                let (rows, outer) = (primals[0], cotangents[0])
                return [matmul(outer, rounded(primals[1])), matmul(outer.T, rounded(rows))]
            }
        }
        let y = product([x.reshaped([-1, x.dim(-1)]), weight])[0]
        return noted(y.reshaped(x.shape.dropLast() + [weight.dim(0)]), from: x)
    }
}
