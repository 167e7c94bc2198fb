import MLXBase

// Kernels of layers with unusual weights: ternary ones, rotations by pairs, and routers.

extension MetalKernels {
    /// Which experts a row goes to: the K largest of E numbers in ascending order, of equal ones
    /// the later last, NaN as the largest of all; with `NORM_`, over their sum.
    ///
    /// Input: gates (…, E). Template: E_, K_, NORM_. Outputs: their places (…, K) in uint32, and
    /// their values (…, K).
    static let routerTopK: Implementation = { call in
        try call.checkInputCount(1...1)
        let gates = call.inputs[0]
        let (experts, k) = (try call.integer("E_"), try call.integer("K_"))
        let isNormed = try call.integer("NORM_") != 0
        guard gates.ndim >= 1, gates.dim(-1) == experts, (1...max(experts, 1)).contains(k),
            k <= experts
        else {
            throw call.error(.shape, "cannot take \(k) of \(experts) from \(gates.shape)")
        }
        let places = argSort(gates, axis: -1)[.ellipsis, (experts - k)...]
        var scores = takeAlong(gates, places, axis: -1).asType(call.outputDTypes[1])
        if isNormed {
            // Rounded after each addition, as the kernel does.
            var sum = scores[.ellipsis, 0..<1]
            for place in 1..<max(k, 1) { sum = sum + scores[.ellipsis, place..<(place + 1)] }
            scores = scores / sum
        }
        return [places.asType(call.outputDTypes[0]), scores]
    }

    /// A product with ternary weights (BitNet b1.58: Ma et al., 2024,
    /// https://arxiv.org/abs/2402.17764). Each byte holds four of them, two bits each: bits 2i of
    /// row r are weight row r + i out / 4, plus one.
    ///
    /// Inputs: x (M, in), weights (out / 4, in) in uint8, their scale (1). Template:
    /// `invert_weight_scales`, in_features, out_features. Output: (M, out).
    static let bitLinear: Implementation = { call in
        try call.checkInputCount(3...3)
        let (wide, narrow) = (try call.integer("in_features"), try call.integer("out_features"))
        let divides = try call.integer("invert_weight_scales") != 0
        try call.check(0, [-1, wide], "x")
        guard narrow % 4 == 0 else {
            throw call.error(.shape, "\(narrow) rows of weights do not fill bytes of four")
        }
        try call.check(1, [narrow / 4, wide], "the weights")
        guard call.inputs[1].dtype == .uint8 else {
            throw call.error(.dtype, "needs weights in uint8, not \(call.inputs[1].dtype)")
        }
        guard call.inputs[2].size == 1 else {
            throw call.error(.shape, "needs one scale, not \(call.inputs[2].shape)")
        }
        let packed = call.inputs[1]
        let rows = (0..<4).map { ((packed >> (2 * $0)) & 3).asType(.float32) - 1 }
        let product = matmul(
            call.inputs[0].asType(.float32), concatenated(rows, axis: 0).transposed())
        let scale = call.inputs[2].asType(.float32).reshaped([1, 1])
        return [(divides ? product / scale : product * scale).asType(call.outputDTypes[0])]
    }

    /// Rounds of plane rotations within groups of channels, after a scale for each channel: the
    /// pair (i, j) becomes (a cos + b sin, b cos - a sin).
    ///
    /// Inputs: x (M, K), pairs (rounds, K / 2) in int32, i in the low and j in the high half,
    /// counted within the group; cos and sin (rounds, K / 2), scales (K), and as int32: M, K, the
    /// rounds, the size of a group. Output: (M, K).
    static let pairRotations: Implementation = { call in
        try call.checkInputCount(6...6)
        try call.check(0, [-1, -1], "x")
        let k = call.inputs[0].dim(1)
        try call.check(1, [-1, k / 2], "the pairs")
        let rounds = call.inputs[1].dim(0)
        try call.check(2, [rounds, k / 2], "the cosines")
        try call.check(3, [rounds, k / 2], "the sines")
        guard call.inputs[4].size == k else {
            throw call.error(.shape, "needs \(k) scales, not \(call.inputs[4].shape)")
        }
        guard call.inputs[5].size == 4, call.inputs[5].dtype.isInteger else {
            throw call.error(.shape, "needs four integers as parameters")
        }
        let size = call.inputs[5].asType(.int32).asArray(Int32.self)[3]
        guard size > 0, size % 2 == 0, k % Int(size) == 0 else {
            throw call.error(.argument, "\(k) channels do not fall into groups of \(size)")
        }
        let group = Int32(size)
        let start = floorDivide(arange(k / 2, dtype: .int32), group / 2) * group
        var x = call.inputs[0].asType(.float32) * call.inputs[4].asType(.float32).reshaped([1, k])
        let (cos, sin) = (call.inputs[2].asType(.float32), call.inputs[3].asType(.float32))
        for round in 0..<rounds {
            let pairs = call.inputs[1][round]
            let (i, j) = ((pairs & 0xFFFF) + start, ((pairs >> 16) & 0xFFFF) + start)
            let (a, b) = (take(x, i, axis: 1), take(x, j, axis: 1))
            x[0..., i] = a * cos[round] + b * sin[round]
            x[0..., j] = b * cos[round] - a * sin[round]
        }
        return [x.asType(call.outputDTypes[0])]
    }
}
