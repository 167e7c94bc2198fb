import MLX
import MLXBase
import MLXGraph
import MLXOps

/// Programs of products, convolutions, reductions and elementwise operations in the sizes at which
/// devices compute in different ways: where the rows' samples agree bit for bit, these do not.
struct PlacementProgram {
    private var random: SplitMix64
    private var program = FuzzProgram()
    private var shapes: [[Int]] = []
    private let dtype: DType

    private static let lengths = [1, 2, 5, 8, 17, 33, 64, 100, 129, 200, 300]

    /// Depends on the seed alone.
    static func program(seed: UInt64) -> FuzzProgram {
        var random = SplitMix64(seed: seed)
        let dtype: DType = [.float32, .float32, .float32, .bfloat16, .float16][random.below(5)]
        var made = PlacementProgram(random: random.split(), dtype: dtype)
        made.grow()
        return made.program
    }

    private init(random: SplitMix64, dtype: DType) {
        self.random = random
        self.dtype = dtype
    }

    private mutating func length() -> Int {
        PlacementProgram.lengths[random.below(PlacementProgram.lengths.count)]
    }

    private mutating func leaf(_ shape: [Int]) -> Int {
        program.nodes.append(
            .leaf(.init(shape: shape, dtype: dtype, seed: random.next(), constant: nil)))
        shapes.append(shape)
        return shapes.count - 1
    }

    private mutating func append(
        _ op: OpCode, _ inputs: [Int], _ shape: [Int], _ attributes: Attributes = .none
    ) -> Int {
        program.nodes.append(.step(.init(op: op, inputs: inputs, attributes: attributes)))
        shapes.append(shape)
        return shapes.count - 1
    }

    private mutating func grow() {
        var x = random.oneIn(2) ? convolution() : leaf([length(), length()])
        for _ in 0..<(2 + random.below(5)) {
            x = next(x)
            // A second user of an inner value now and then.
            if random.oneIn(4) { _ = append(.tanh, [x], shapes[x]) }
        }
    }

    /// Another operation on a matrix.
    private mutating func next(_ x: Int) -> Int {
        let shape = shapes[x]
        let (rows, columns) = (shape[0], shape[1])
        switch random.below(7) {
        case 0, 1:
            let width = length()
            let weight = leaf([columns, width])
            // Products of many terms stay within what half precision can say.
            let scaled = append(.tanh, [x], shape)
            return append(.matmul, [scaled, weight], [rows, width])
        case 2:
            return append(
                .transpose, [x], [columns, rows], Attributes(word: Permutation([1, 0]).word))
        case 3: return append(.add, [x, leaf([columns])], shape)
        case 4: return append([.tanh, .sigmoid, .sin][random.below(3)], [x], shape)
        case 5: return append(.softmax, [x], shape, Attributes(word: 1 << UInt64(random.below(2))))
        default:
            let axis = random.below(2)
            let sum = append(
                .sum, [x], axis == 0 ? [1, columns] : [rows, 1],
                Attributes(word: AxisMask([axis], keepDims: true).word))
            return append(.subtract, [x, sum], shape)
        }
    }

    /// A convolution whose result is laid out as a matrix.
    private mutating func convolution() -> Int {
        let (side, channels) = (4 + random.below(14), 1 + random.below(20))
        let filters = 1 + random.below(40)
        let image = leaf([2, side, side, channels])
        let weight = leaf([filters, 3, 3, channels])
        var geometry = ConvolutionGeometry()
        geometry.paddingLow = [1, 1]
        geometry.paddingHigh = [1, 1]
        let result = append(
            .conv2d, [image, weight], [2, side, side, filters],
            Attributes(words: geometry.words))
        let matrix = [2 * side * side, filters]
        return append(
            .reshape, [result], matrix,
            Attributes(outputShape: try? Shape(validating: matrix, operation: "fuzz")))
    }
}

extension FuzzGenerator {
    /// Programs for `PlacementCheck`: every second one of the rows' samples, the others of
    /// operations that devices compute in different ways.
    package static func placementProgram(seed: UInt64) -> FuzzProgram {
        seed % 2 == 0 ? program(seed: seed / 2) : PlacementProgram.program(seed: seed)
    }
}
