import MLXBase

// Resizing of images (B, C, H, W) to the output's height and width, without aligned corners.

extension MetalKernels {
    /// Each place takes the nearest pixel: that at floor(place · size / new size).
    static let nearestInterpolation: Implementation = { call in
        let (height, width) = try sizes(call)
        let x = call.inputs[0]
        func places(_ old: Int, _ new: Int) -> MLXArray {
            let scale = Float(old) / Float(new)
            return MLXArray((0..<new).map { Int32(min(Int(Float($0) * scale), old - 1)) })
        }
        let rows = take(x, places(x.dim(2), height), axis: 2)
        return [take(rows, places(x.dim(3), width), axis: 3).asType(call.outputDTypes[0])]
    }

    /// Cubic convolution (Keys, 1981) with a = -1/2, widened by the factor by which an axis
    /// shrinks, so that nothing aliases; its weights are normed at the borders.
    static let bicubicInterpolation: Implementation = { call in
        let (height, width) = try sizes(call)
        let x = call.inputs[0].asType(.float32)
        let rows = matmul(bicubicWeights(x.dim(2), height), x)
        let result = matmul(rows, bicubicWeights(x.dim(3), width).transposed())
        return [result.asType(call.outputDTypes[0])]
    }

    /// The output's height and width.
    private static func sizes(_ call: Call) throws -> (Int, Int) {
        try call.checkInputCount(1...3)
        try call.check(0, [-1, -1, -1, -1], "the images")
        let x = call.inputs[0]
        guard let wanted = call.outputShapes.first, wanted.count == 4, wanted[0] == x.dim(0),
            wanted[1] == x.dim(1), wanted[2] > 0, wanted[3] > 0, x.dim(2) > 0, x.dim(3) > 0
        else {
            throw call.error(
                .shape, "cannot make \(call.outputShapes.first ?? []) of \(x.shape)")
        }
        return (wanted[2], wanted[3])
    }

    /// What each old element gives to each new one: (new, old).
    private static func bicubicWeights(_ old: Int, _ new: Int) -> MLXArray {
        let scale = Double(old) / Double(new)
        let width = max(scale, 1)
        var weights = [Float](repeating: 0, count: new * old)
        for place in 0..<new {
            let center = scale * (Double(place) + 0.5)
            let first = max(Int(center - 2 * width + 0.5), 0)
            let last = min(Int(center + 2 * width + 0.5), old)
            let own = (first..<last).map { cubic((Double($0) - center + 0.5) / width) }
            let total = own.reduce(0, +)
            for (offset, weight) in own.enumerated() {
                weights[place * old + first + offset] = Float(weight / total)
            }
        }
        return MLXArray(weights, [new, old])
    }

    private static func cubic(_ distance: Double) -> Double {
        let (a, x) = (-0.5, abs(distance))
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
}
