import MLX

/// What an operation's name in the manifest means: a call of the public function of that name.
/// The table has nothing of its own, so a wrong result is the library's.
struct GoldenReplay {
    typealias Call = @Sendable (_ inputs: [any ScalarOrArray], _ golden: GoldenCase) -> [MLXArray]

    let goldens: Goldens
    private let calls: [String: Call]

    init(_ goldens: Goldens) {
        self.goldens = goldens
        var calls: [String: Call] = [:]
        for (name, function) in GoldenReplay.unary { calls[name] = { i, _ in [function(a(i[0]))] } }
        for (name, function) in GoldenReplay.binary {
            calls[name] = { i, _ in [function(i[0], i[1])] }
        }
        let more = [
            GoldenReplay.elementwise, GoldenReplay.reductions, GoldenReplay.shapes,
            GoldenReplay.linear, GoldenReplay.sources, GoldenReplay.draws,
            GoldenReplay.indexing(goldens), GoldenReplay.spectra, GoldenReplay.matrices,
            GoldenReplay.arrays, GoldenReplay.products,
            GoldenReplay.quantization, GoldenReplay.fused,
        ]
        for table in more { calls.merge(table) { $1 } }
        self.calls = calls
    }

    /// The results of a case, nil when the table does not have its operation.
    func results(_ golden: GoldenCase) -> [MLXArray]? {
        let inputs = goldens.operands(golden)
        guard golden.op == "grad" else { return calls[golden.op]?(inputs, golden) }
        guard let call = calls[golden.args.of!] else { return nil }
        let weights = a(inputs.last!)
        let wanted = golden.args.wanted!
        let loss = { (chosen: [MLXArray]) -> MLXArray in
            var all = Array(inputs.dropLast())
            for (place, value) in zip(wanted, chosen) { all[place] = value }
            return (call(all, golden)[0].asType(.float32) * weights).sum()
        }
        return grad({ [loss($0)] }, argumentNumbers: wanted.indices)(wanted.map { a(inputs[$0]) })
    }

    static func dtype(_ golden: GoldenCase) -> DType {
        let name = golden.args.dtype!
        return DType.allCases.first { "\($0)" == name || "\($0)" == "\(name)_" }!
    }
}

/// An operand that is an array.
func a(_ operand: any ScalarOrArray) -> MLXArray { operand.asMLXArray(dtype: nil) }

extension GoldenReplay {
    static let unary: [String: @Sendable (MLXArray) -> MLXArray] = [
        "abs": { abs($0) }, "sign": { sign($0) }, "negative": { negative($0) },
        "square": { square($0) }, "sqrt": { sqrt($0) }, "rsqrt": { rsqrt($0) },
        "reciprocal": { reciprocal($0) }, "exp": { exp($0) }, "expm1": { expm1($0) },
        "log": { log($0) }, "log2": { log2($0) }, "log10": { log10($0) }, "log1p": { log1p($0) },
        "sin": { sin($0) }, "cos": { cos($0) }, "tan": { tan($0) }, "asin": { asin($0) },
        "acos": { acos($0) }, "atan": { atan($0) }, "sinh": { sinh($0) }, "cosh": { cosh($0) },
        "tanh": { tanh($0) }, "asinh": { asinh($0) }, "acosh": { acosh($0) },
        "atanh": { atanh($0) }, "sigmoid": { sigmoid($0) }, "erf": { erf($0) },
        "erfInverse": { erfInverse($0) }, "floor": { floor($0) }, "ceil": { ceil($0) },
        "conjugate": { conjugate($0) }, "degrees": { degrees($0) }, "radians": { radians($0) },
        "isNaN": { isNaN($0) }, "isInf": { isInf($0) }, "isFinite": { isFinite($0) },
        "isPosInf": { isPosInf($0) }, "isNegInf": { isNegInf($0) },
        "logicalNot": { logicalNot($0) }, "bitwiseInvert": { bitwiseInvert($0) },
    ]

    typealias Two = @Sendable (any ScalarOrArray, any ScalarOrArray) -> MLXArray

    static let binary: [String: Two] = [
        "add": { add($0, $1) }, "subtract": { subtract($0, $1) },
        "multiply": { multiply($0, $1) }, "divide": { divide($0, $1) },
        "remainder": { remainder($0, $1) }, "maximum": { maximum($0, $1) },
        "minimum": { minimum($0, $1) }, "logAddExp": { logAddExp($0, $1) },
        "equal": { equal($0, $1) }, "notEqual": { notEqual($0, $1) }, "less": { less($0, $1) },
        "lessEqual": { lessEqual($0, $1) }, "greater": { greater($0, $1) },
        "greaterEqual": { greaterEqual($0, $1) }, "logicalAnd": { logicalAnd($0, $1) },
        "logicalOr": { logicalOr($0, $1) }, "bitwiseAnd": { bitwiseAnd($0, $1) },
        "bitwiseOr": { bitwiseOr($0, $1) }, "bitwiseXOr": { bitwiseXOr($0, $1) },
        "leftShift": { leftShift($0, $1) }, "rightShift": { rightShift($0, $1) },
        "floorDivide": { floorDivide(a($0), $1) }, "pow": { pow(a($0), $1) },
        "atan2": { atan2(a($0), a($1)) },
    ]

    static let elementwise: [String: Call] = [
        "divmod": { i, _ in
            let (quotient, rest) = divmod(i[0], i[1])
            return [quotient, rest]
        },
        "which": { i, _ in [which(a(i[0]), i[1], i[2])] },
        "clip": { i, g in
            // A weak integer where the manifest's number is one.
            let (low, high) = (g.args.min!, g.args.max!)
            return a(i[0]).dtype.isFloatingPoint
                ? [clip(a(i[0]), min: low, max: high)]
                : [clip(a(i[0]), min: Int(low), max: Int(high))]
        },
        "round": { i, g in [round(a(i[0]), decimals: g.args.decimals!)] },
        "asType": { i, g in [a(i[0]).asType(dtype(g))] },
        "isClose": { i, g in [isClose(a(i[0]), a(i[1]), equalNaN: g.args.equalNaN!)] },
        "arrayEqual": { i, g in [arrayEqual(a(i[0]), a(i[1]), equalNAN: g.args.equalNaN!)] },
        "nanToNum": { i, _ in [nanToNum(a(i[0]), posInf: nil, negInf: nil)] },
    ]
}
