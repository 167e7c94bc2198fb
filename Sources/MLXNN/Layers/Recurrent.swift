import MLX

/// Recurrent layers: a state is carried along the second to last axis. The input's products are
/// made for all steps at once; what is left for a step is the product with the state. Parameters
/// are drawn evenly from ±1/√hiddenSize in the order of the properties.

/// The steps of (…, L, D) as L arrays (…, D), or an error for an input without the axes.
///
/// Their gradients are stacked at once. The rule of a slice by itself would add L arrays, each of
/// the size of the whole sequence and zero nearly everywhere.
private func steps(_ x: MLXArray, _ layer: String) throws(ArrayError) -> [MLXArray] {
    guard x.ndim >= 2 else {
        throw ArrayError(.shape, layer, "needs a sequence (L, D) or (N, L, D)", shapes: [x.shape])
    }
    let count = x.dim(-2)
    if count == 0 { return [] }
    let unstacked = CustomFunction {
        Forward { inputs in (0..<count).map { inputs[0][.ellipsis, $0, 0...] } }
        VJP { _, cotangents in [stacked(cotangents, axis: -2)] }
    }
    return unstacked([x])
}

/// The states of all steps, (…, L, hiddenSize); a sequence without steps has none.
private func joined(_ states: [MLXArray], like x: MLXArray, _ hiddenSize: Int) -> MLXArray {
    states.isEmpty
        ? MLXArray.zeros(x.shape.dropLast() + [hiddenSize], dtype: x.dtype)
        : stacked(states, axis: -2)
}

/// The transposed weights of the state, for all steps. A product of a few rows sums rows of a
/// matrix nearly twice as fast as it makes dot products with them (143 against 79 GFLOP/s on a core
/// with AVX-512), so they are laid out for that once where many steps read them. One row is bound
/// by memory either way, and from 65 rows on products pack the matrix.
private func stateWeights(_ weights: MLXArray, for steps: [MLXArray]) -> MLXArray {
    let transposed = weights.forProduct.T
    guard steps.count >= 4, steps[0].ndim >= 2 else { return transposed }
    let rows = steps[0].size / Swift.max(1, steps[0].dim(-1))
    return 2...64 ~= rows ? contiguous(transposed) : transposed
}

private func drawn(_ hiddenSize: Int, _ shape: [Int]) -> MLXArray {
    let scale = 1 / Float(hiddenSize).squareRoot()
    return MLXRandom.uniform(low: -scale, high: scale, shape)
}

/// h = f(Wxh x + b + Whh h), with f = tanh (Elman, 1990).
/// ```swift
/// let states = RNN(inputSize: 8, hiddenSize: 16)(x)  // (N, L, 8) to (N, L, 16)
/// ```
open class RNN: Module {
    /// The size of the state.
    public let hiddenSize: Int
    /// The function f.
    public let nonLinearity: (MLXArray, StreamOrDevice) -> MLXArray
    /// (hiddenSize, inputSize)
    @ParameterInfo(key: "Wxh") public var wxh: MLXArray
    /// (hiddenSize, hiddenSize)
    @ParameterInfo(key: "Whh") public var whh: MLXArray
    /// (hiddenSize); nil for a layer without one.
    public let bias: MLXArray?

    /// A layer for sequences of vectors of `inputSize`.
    public init(
        inputSize: Int, hiddenSize: Int, bias: Bool = true,
        nonLinearity: @escaping (MLXArray, StreamOrDevice) -> MLXArray = tanh
    ) {
        self.hiddenSize = hiddenSize
        self.nonLinearity = nonLinearity
        _wxh = ParameterInfo(wrappedValue: drawn(hiddenSize, [hiddenSize, inputSize]), key: "Wxh")
        _whh = ParameterInfo(wrappedValue: drawn(hiddenSize, [hiddenSize, hiddenSize]), key: "Whh")
        self.bias = bias ? drawn(hiddenSize, [hiddenSize]) : nil
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(inputDimensions=\(wxh.dim(1)), hiddenSize=\(hiddenSize), bias=\(bias != nil))"
    }

    /// The states after each step.
    /// - Parameters:
    ///   - x: (N, L, inputSize) or (L, inputSize).
    ///   - hidden: the state before the first step, (N, hiddenSize) or (hiddenSize); zeros if nil.
    /// - Returns: (N, L, hiddenSize) or (L, hiddenSize).
    open func callAsFunction(_ x: MLXArray, hidden: MLXArray? = nil) -> MLXArray {
        let projected = projection(x, wxh, nil)
        let bias = bias?.forProduct
        do throws(ArrayError) {
            var (hidden, states) = (hidden, [MLXArray]())
            let all = try steps(projected, "RNN")
            let weights = stateWeights(whh, for: all)
            for step in all {
                let input = bias.map { step + $0 } ?? step
                let state = nonLinearity(
                    hidden.map { addMM(input, $0.forProduct, weights) } ?? input, .default)
                states.append(state)
                hidden = state
            }
            return noted(joined(states, like: projected, hiddenSize), from: x)
        } catch {
            return invalidArray(error, inputs: [x])
        }
    }
}

/// A recurrent layer with two gates (Cho et al., 2014).
///
/// r = σ(Wxr x + br + Whr h), z = σ(Wxz x + bz + Whz h), n = tanh(Wxn x + bn + r ⊙ (Whn h + bhn)),
/// h = (1 - z) ⊙ n + z ⊙ h
/// ```swift
/// let states = GRU(inputSize: 8, hiddenSize: 16)(x)  // (N, L, 8) to (N, L, 16)
/// ```
open class GRU: Module {
    /// The size of the state.
    public let hiddenSize: Int
    /// (3 hiddenSize, inputSize): rows for r, z and n.
    @ParameterInfo(key: "Wx") public var wx: MLXArray
    /// (3 hiddenSize, hiddenSize)
    @ParameterInfo(key: "Wh") public var wh: MLXArray
    /// (3 hiddenSize); nil for a layer without biases.
    public let b: MLXArray?
    /// (hiddenSize): the bias that the reset gate is applied to.
    public let bhn: MLXArray?

    /// A layer for sequences of vectors of `inputSize`.
    public init(inputSize: Int, hiddenSize: Int, bias: Bool = true) {
        self.hiddenSize = hiddenSize
        _wx = ParameterInfo(
            wrappedValue: drawn(hiddenSize, [3 * hiddenSize, inputSize]), key: "Wx")
        _wh = ParameterInfo(
            wrappedValue: drawn(hiddenSize, [3 * hiddenSize, hiddenSize]), key: "Wh")
        b = bias ? drawn(hiddenSize, [3 * hiddenSize]) : nil
        bhn = bias ? drawn(hiddenSize, [hiddenSize]) : nil
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(inputDimensions=\(wx.dim(1)), hiddenSize=\(hiddenSize), bias=\(b != nil))"
    }

    /// The states after each step.
    /// - Parameters:
    ///   - x: (N, L, inputSize) or (L, inputSize).
    ///   - hidden: the state before the first step, (N, hiddenSize) or (hiddenSize); zeros if nil.
    /// - Returns: (N, L, hiddenSize) or (L, hiddenSize).
    open func callAsFunction(_ x: MLXArray, hidden: MLXArray? = nil) -> MLXArray {
        let states = gru(
            projection(x, wx, nil), weights: wh.forProduct, bias: b?.forProduct,
            innerBias: bhn?.forProduct, state: hidden?.forProduct)
        return noted(states, from: x)
    }
}

/// A recurrent layer with three gates and a cell (Hochreiter and Schmidhuber, 1997).
///
/// i, f, o = σ(W x + b + U h), g = tanh(W x + b + U h), c = f ⊙ c + i ⊙ g, h = o ⊙ tanh(c)
/// ```swift
/// let (states, cells) = LSTM(inputSize: 8, hiddenSize: 16)(x)
/// ```
open class LSTM: Module {
    /// The size of the state and of the cell.
    public let hiddenSize: Int
    /// (4 hiddenSize, inputSize): rows for i, f, g and o.
    @ParameterInfo(key: "Wx") public var wx: MLXArray
    /// (4 hiddenSize, hiddenSize)
    @ParameterInfo(key: "Wh") public var wh: MLXArray
    /// (4 hiddenSize); nil for a layer without one.
    public let bias: MLXArray?

    /// A layer for sequences of vectors of `inputSize`.
    public init(inputSize: Int, hiddenSize: Int, bias: Bool = true) {
        self.hiddenSize = hiddenSize
        _wx = ParameterInfo(
            wrappedValue: drawn(hiddenSize, [4 * hiddenSize, inputSize]), key: "Wx")
        _wh = ParameterInfo(
            wrappedValue: drawn(hiddenSize, [4 * hiddenSize, hiddenSize]), key: "Wh")
        self.bias = bias ? drawn(hiddenSize, [4 * hiddenSize]) : nil
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(inputDimensions=\(wx.dim(1)), hiddenSize=\(hiddenSize), bias=\(bias != nil))"
    }

    /// The states and cells after each step.
    /// - Parameters:
    ///   - x: (N, L, inputSize) or (L, inputSize).
    ///   - hidden: the state before the first step, (N, hiddenSize) or (hiddenSize); zeros if nil.
    ///   - cell: the cell before the first step, in the same shape; zeros if nil.
    /// - Returns: two arrays (N, L, hiddenSize) or (L, hiddenSize).
    open func callAsFunction(
        _ x: MLXArray, hidden: MLXArray? = nil, cell: MLXArray? = nil
    ) -> (MLXArray, MLXArray) {
        let (states, cells) = lstm(
            projection(x, wx, nil), weights: wh.forProduct, bias: bias?.forProduct,
            state: hidden?.forProduct, cell: cell)
        return (noted(states, from: x), cells)
    }
}
