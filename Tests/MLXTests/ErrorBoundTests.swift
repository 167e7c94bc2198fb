import MLX
import MLXGraph
import MLXOps
import Testing

/// What products that round to int8 are off by, against the bound that their row of the op table
/// states: never more, and not much less than what values can be found for.
@Suite("Error bounds") struct ErrorBoundTests {
    /// Rows and columns that meet, in numbers that their dtype has, and what they make.
    private struct Case {
        /// (M, K) and (N, K).
        var x: [[Double]]
        var w: [[Double]]
        var y: [Double]
        /// For all values, relative to the norms.
        var bound: Double
        /// For these values, of each element.
        var bounds: [Double]
        let isHalf: Bool

        init(
            _ x: MLXArray, _ w: MLXArray, _ y: MLXArray, bound: Double, bounds: MLXArray
        ) {
            func rows(_ array: MLXArray, _ length: Int) -> [[Double]] {
                let all = array.asType(.float64).asArray(Double.self)
                return stride(from: 0, to: all.count, by: length).map {
                    Array(all[$0..<($0 + length)])
                }
            }
            (self.x, self.w) = (rows(x, x.dim(-1)), rows(w, w.dim(-1)))
            self.y = y.asType(.float64).asArray(Double.self)
            self.bound = bound
            isHalf = y.dtype.size == 2
            self.bounds = bounds.asType(.float64).asArray(Double.self)
        }
    }

    /// How values are drawn: ordinary ones, and those that rounding is worst for.
    private enum Values: CaseIterable {
        case normal, heavyTailed, uniform, tiny, huge, mostlyZero
        /// One large value, all others halfway between two steps, on the side of the other factor.
        case halvesOnTheLeft, halvesOnTheRight
    }

    private static let cases = 2000

    private func numbers(
        _ count: Int, _ values: Values, isLeft: Bool, _ random: inout SplitMix64
    ) -> [Double] {
        func normal() -> Double {
            (0..<4).reduce(0.0) { sum, _ in sum + random.unit() - 0.5 } * 1.7
        }
        switch (values, isLeft) {
        case (.halvesOnTheLeft, true), (.halvesOnTheRight, false):
            var halves = (0..<count).map { _ in
                (Double(Int.random(in: 0...2, using: &random)) + 0.498) / 127
            }
            if let place = halves.indices.randomElement(using: &random) { halves[place] = 1 }
            return halves
        case (.halvesOnTheLeft, false), (.halvesOnTheRight, true):
            return [Double](repeating: 1, count: count)
        case (.heavyTailed, _):
            return (0..<count).map { _ in
                let value = normal()
                return value * value * value * value * value
            }
        case (.uniform, _): return (0..<count).map { _ in random.unit() }
        case (.tiny, _): return (0..<count).map { _ in normal() * 0x1p-50 }
        case (.huge, _): return (0..<count).map { _ in normal() * 0x1p50 }
        case (.mostlyZero, _):
            return (0..<count).map { _ in random.unit() < 0.8 ? 0 : normal() }
        default: return (0..<count).map { _ in normal() }
        }
    }

    private func array(
        _ count: Int, _ shape: [Int], _ values: Values, isLeft: Bool, _ dtype: DType,
        _ random: inout SplitMix64
    ) -> MLXArray {
        let rows = (0..<(shape.reduce(1, *) / max(count, 1))).flatMap { _ in
            numbers(count, values, isLeft: isLeft, &random)
        }
        return MLXArray(rows, shape).asType(dtype)
    }

    private func bound(_ op: OpCode, _ shapes: [[Int]], _ words: [Int], _ y: MLXArray) throws
        -> Double
    {
        let row = try #require(OpTable.find(op))
        let rule = try #require(row.errorBound, "\(row.name) states none")
        return rule.relative(
            CostContext(
                shapes: try shapes.map { try Shape(validating: $0, operation: row.name) },
                output: try Shape(validating: y.shape, operation: row.name), words: words,
                itemSize: y.dtype.size))
    }

    // MARK: - Products

    /// Halves have no room for very large and very small products.
    private func draw(_ random: inout SplitMix64) -> (Values, DType) {
        let values = Values.allCases.randomElement(using: &random)!
        let types: [DType] = [.float32, .float32, .float16, .bfloat16]
        let dtype = types.randomElement(using: &random)!
        return (values, values == .tiny || values == .huge ? .float32 : dtype)
    }

    /// What the result's rounding adds to that of the integers.
    private func floats(_ x: MLXArray, _ w: MLXArray, _ y: MLXArray) -> MLXArray {
        let sizes = MLX.matmul(abs(x.asType(.float32)), abs(w.asType(.float32)).T)
        return sizes * Float(ErrorBound.floats(itemSize: y.dtype.size))
    }

    private func matmul(_ op: OpCode, _ random: inout SplitMix64) throws -> Case {
        let (values, dtype) = draw(&random)
        let (m, n) = (Int.random(in: 1...8, using: &random), Int.random(in: 1...9, using: &random))
        let k = Int.random(in: 1...80, using: &random)
        let x = array(k, [m, k], values, isLeft: true, dtype, &random)
        let w = array(k, [n, k], values, isLeft: false, dtype, &random)
        if op == .limitedMatmul {
            let words = [1_000_000_000, 1]
            let y = Ops.record(
                op, [x, w.T], Attributes(words: words), stream: StreamID(.npu, lane: 0))
            return Case(
                x, w, y, bound: try bound(op, [[m, k], [k, n]], words, y),
                bounds: ReducedPrecision.int8.errorBound(x, w.T))
        }
        let (q, scales) = int8Quantized(w)
        let y = int8Matmul(x, q, scales: scales, stream: .npu)
        let exact = q.asType(.float64) * scales.asType(.float64).reshaped([n, 1])
        return Case(
            x, exact, y, bound: try bound(op, [[m, k], [n, k], [n]], [], y),
            bounds: int8RoundingError(x, exact) + floats(x, exact, y))
    }

    private func grouped(_ random: inout SplitMix64) throws -> Case {
        let values = Values.allCases.randomElement(using: &random)!
        let size = [32, 64].randomElement(using: &random)!
        let bits = [2, 4, 8].randomElement(using: &random)!
        let (m, n) = (Int.random(in: 1...8, using: &random), Int.random(in: 1...9, using: &random))
        let k = size * Int.random(in: 1...2, using: &random)
        let x = array(k, [m, k], values, isLeft: true, .float32, &random)
        let w = array(k, [n, k], values, isLeft: false, .float32, &random)
        let (q, scales, biases) = quantized(w, groupSize: size, bits: bits)
        let y = quantizedMM(
            x, q, scales: scales, biases: biases, groupSize: size, bits: bits, mode: .affineInt8,
            stream: .npu)
        let exact = dequantized(
            q, scales: scales, biases: biases, groupSize: size, bits: bits, mode: .affineInt8)
        // Offsets and codes cancel, so float32 sums are relative to more than |w|.
        let sums = ErrorBound.groups(of: size, count: k / size, itemSize: 4)
        let norms =
            sqrt(square(x).sum(axis: 1, keepDims: true))
            * sqrt(square(exact).sum(axis: 1)).reshaped([1, n])
        let plain = ErrorBound.oneSide(terms: size, itemSize: 4)
        return Case(
            x, exact, y,
            bound: try bound(.roundedMatmul, [[m, k], [n, k]], [size, bits, 0, 1], y),
            bounds: int8RoundingError(x, exact, groupSize: size) + floats(x, exact, y)
                + norms * Float(sums - plain))
    }

    /// One pixel of the result, so that the rows are patches.
    private func convolution(_ op: OpCode, _ random: inout SplitMix64) throws -> Case {
        let (values, dtype) = draw(&random)
        let (m, n) = (Int.random(in: 1...6, using: &random), Int.random(in: 1...8, using: &random))
        let window = [
            Int.random(in: 1...3, using: &random), Int.random(in: 1...3, using: &random),
            Int.random(in: 1...6, using: &random),
        ]
        let k = window.reduce(1, *)
        let x = array(k, [m] + window, values, isLeft: true, dtype, &random)
        let w = array(k, [n] + window, values, isLeft: false, dtype, &random)
        let (patches, columns) = (x.reshaped([m, k]), w.reshaped([n, k]))
        if op == .limitedConv2d {
            let words = ConvolutionGeometry().words + [1_000_000_000, 1]
            let y = Ops.record(
                op, [x, w], Attributes(words: words), stream: StreamID(.npu, lane: 0))
            return Case(
                patches, columns, y, bound: try bound(op, [x.shape, w.shape], words, y),
                bounds: ReducedPrecision.int8.errorBound(patches, columns.T))
        }
        let (q, scales) = int8Quantized(w)
        let y = int8Conv2d(x, q, scales: scales, stream: .npu)
        let exact = (q.asType(.float64) * scales.asType(.float64).reshaped([n, 1, 1, 1]))
            .reshaped([n, k])
        return Case(
            patches, exact, y, bound: try bound(op, [x.shape, w.shape, [n]], [], y),
            bounds: int8RoundingError(patches, exact) + floats(patches, exact, y))
    }

    // MARK: - Errors

    /// How much larger the bounds are than the largest errors: of all values, and of a case's own.
    private struct Slack {
        var worst: [Double] = []
        var own: [Double] = []
    }

    private func add(_ item: Case, _ what: String, to slack: inout Slack) {
        func norm(_ row: [Double]) -> Double {
            row.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
        }
        let (left, right) = (item.x.map(norm), item.w.map(norm))
        var (relative, error, largest) = (0.0, 0.0, 0.0)
        for (i, x) in item.x.enumerated() {
            for (j, w) in item.w.enumerated() {
                let exact = zip(x, w).reduce(0.0) { $0 + $1.0 * $1.1 }
                let place = i * item.w.count + j
                let (off, size) = (abs(item.y[place] - exact), left[i] * right[j])
                // The smallest float16 is the step of numbers near zero.
                let step = size < 1 ? 0x1p-25 * (item.isHalf ? 1 : 0) : 0
                #expect(off <= item.bound * size + step, "\(what): \(off) of \(size)")
                #expect(off <= item.bounds[place] * 1.00001 + step, "\(what): \(off)")
                if size > 0 { relative = max(relative, (off - step) / size) }
                (error, largest) = (max(error, off), max(largest, item.bounds[place]))
            }
        }
        if relative > 0 { slack.worst.append(item.bound / relative) }
        if error > 0 { slack.own.append(largest / error) }
    }

    @Test(
        "no error exceeds its row's bound, and bounds are tight",
        arguments: [OpCode.int8Matmul, .int8Conv2d, .roundedMatmul, .limitedMatmul, .limitedConv2d])
    func bounds(op: OpCode) throws {
        let seed = UInt64(op.raw)
        var random = SplitMix64(seed: seed)
        var slack = Slack()
        for number in 0..<Self.cases {
            let item =
                switch op {
                case .roundedMatmul: try grouped(&random)
                case .int8Conv2d, .limitedConv2d: try convolution(op, &random)
                default: try matmul(op, &random)
                }
            add(item, "\(OpTable.name(op)), case \(number) of seed \(seed)", to: &slack)
        }
        let median = slack.own.sorted()[slack.own.count / 2]
        let nearest = slack.worst.min() ?? 0
        print(
            "\(OpTable.name(op)): \(Self.cases) cases; bound over largest error: median \(median)"
                + " with a case's own values, least \(nearest) for all values")
        #expect(slack.own.count > Self.cases / 2)
        #expect(median <= 8 && nearest < 2.5 && nearest >= 1)
    }
}
