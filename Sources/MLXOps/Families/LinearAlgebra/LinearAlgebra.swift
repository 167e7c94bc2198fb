import MLXBase
import MLXGraph
import MLXKernels

/// Factorisations, systems, inverses and eigenvalues of the matrices in the last two axes; the
/// axes before them are a batch. Rows with several results pack them into one axis, matrix by
/// matrix, and callers slice it. They may fail by value (a singular matrix, an iteration that does
/// not converge), which is an error, not a result. Derivatives are in `LinearAlgebraRules`.
package enum LinearAlgebra {
    package static let rows: [OpRow] = [
        decomposition(
            .svd, "svd", "u s vᵀ = x, packed", Kernels.svd, vjp: .rule(Rules.svd),
            dtype: .matrixOrComplex, rectangular, { $0 * $0 + min($0, $1) + $1 * $1 }),
        decomposition(
            .singularValues, "svdvals", "s of u s vᵀ = x", Kernels.singularValues,
            vjp: .rule(Rules.singularValues), dtype: .matrix, rectangular, { min($0, $1) }),
        decomposition(
            .qr, "qr", "q r = x, packed", Kernels.qr, vjp: .rule(Rules.qr), dtype: .matrix,
            rectangular, { min($0, $1) * ($0 + $1) }),
        decomposition(
            .lu, "lu", "l u = x with rows interchanged: factors, pivots, rows, packed",
            Kernels.lu, vjp: .rule(Rules.lu), dtype: .matrix, rectangular,
            { $0 * $1 + min($0, $1) + $0 }),
        square(
            .eigh, "eigh", "v diag(w) vᵀ = x, packed", Kernels.eigh, vjp: .rule(Rules.eigh),
            dtype: .matrixOrComplex, words: [1, 0], { [$0 + $0 * $0] }),
        square(
            .eigvalsh, "eigvalsh", "w of v diag(w) vᵀ = x", Kernels.eigvalsh,
            vjp: .rule(Rules.eigvalsh), dtype: .matrixOrComplex, words: [1, 0], { [$0] }),
        square(
            .eig, "eig", "x v = v diag(w), packed", Kernels.eig, vjp: .none,
            dtype: .complexResult, words: [0], { [$0 + $0 * $0] }),
        square(
            .eigvals, "eigvals", "w of x v = v diag(w)", Kernels.eigvals, vjp: .none,
            dtype: .complexResult, words: [0], { [$0] }),
        square(
            .inverse, "inv", "x y = 1", Kernels.inverse, vjp: .rule(Rules.inverse),
            jvp: .rule(Rules.inverseTangent), dtype: .matrixOrComplex, words: [0], { [$0, $0] }),
        square(
            .triangularInverse, "tri_inv", "y = inverse of a triangle of x",
            Kernels.triangularInverse, vjp: .rule(Rules.triangularInverse), dtype: .matrix,
            words: [0, 1], { [$0, $0] }),
        square(
            .cholesky, "cholesky", "l lᵀ = x", Kernels.cholesky, vjp: .rule(Rules.cholesky),
            dtype: .matrix, words: [0, 1], { [$0, $0] }),
        square(
            .determinant, "det", "y = |x|", Kernels.determinant, vjp: .rule(Rules.determinant),
            dtype: .matrixOrComplex, words: [0], { _ in [] }),
        square(
            .cofactors, "cofactors", "y = |x| x⁻ᵀ", Kernels.cofactors, vjp: .rule(Rules.cofactors),
            dtype: .matrixOrComplex, words: [0], { [$0, $0] }),
        square(
            .logDeterminant, "slogdet", "sign and ln ||x||, packed", Kernels.determinant,
            vjp: .rule(Rules.logDeterminant), dtype: .matrixOrComplex, words: [1], { _ in [2] }),
        pseudoInverse,
        system(
            .solve, "solve", "a y = b", Kernels.solve, vjp: .rule(Rules.solve),
            jvp: .rule(Rules.solveTangent), dtype: .matrixOrComplex, words: [0]),
        system(
            .solveTriangular, "solve_triangular", "t y = b, t a triangle of a or of aᵀ",
            Kernels.solveTriangular, vjp: .rule(Rules.solveTriangular), jvp: .transposed,
            dtype: .matrix, words: [0, 1, 2, 3]),
    ]

    typealias Rules = LinearAlgebraRules

    private static let rectangular = [[3, 3], [4, 3], [3, 4], [2, 1, 3], [2, 2, 2]]

    /// A row whose packed result has a length that follows from the matrix's.
    private static func decomposition(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        vjp: VJPRule, dtype: DTypeRule, _ shapes: [[Int]],
        _ length: @escaping @Sendable (Int, Int) -> Int
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1, traits: .mayFail,
            dtype: dtype,
            shape: ShapeRule { (context) throws(ArrayError) in
                let (m, n) = try AttributeChecks.matrix(context, 0)
                guard max(m, n) < 1 << 30 else {
                    throw context.error(.limit, "a matrix of \(m) rows and \(n) columns")
                }
                return try Shape(
                    validating: context.shapes[0].array.dropLast(2) + [length(m, n)],
                    operation: name)
            },
            vjp: vjp, vmap: .trailing, work: OpWork(.linearAlgebra, flops: cubic),
            specialKernels: [.openBLAS: kernel], toleranceEpsilons: 256,
            samples: SampleRule { shapes.map { .init([$0]) } })
    }

    /// A row over square matrices; the axes of a result follow from the matrix's.
    private static func square(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        vjp: VJPRule, jvp: JVPRule = .transposed, dtype: DTypeRule, words: [UInt64],
        _ result: @escaping @Sendable (Int) -> [Int]
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1, traits: .mayFail,
            attributeNames: ["kind"], attributeForm: .integer, dtype: dtype,
            shape: ShapeRule { (context) throws(ArrayError) in
                let n = try AttributeChecks.squareMatrix(context, words)
                return try Shape(
                    validating: context.shapes[0].array.dropLast(2) + result(n), operation: name)
            },
            vjp: vjp, jvp: jvp, vmap: .trailing, work: OpWork(.linearAlgebra, flops: cubic),
            specialKernels: [.openBLAS: kernel], toleranceEpsilons: 256,
            samples: SampleRule {
                words.flatMap { word in
                    [[3, 3], [2, 2, 2], [1, 1]].map { .init([$0], Attributes(word: word)) }
                }
            })
    }

    private static let pseudoInverse = OpRow(
        code: .pseudoInverse, name: "pinv", synopsis: "y = v s⁺ uᵀ", arity: 1...1,
        traits: .mayFail, dtype: .matrix,
        shape: ShapeRule { (context) throws(ArrayError) in
            let (m, n) = try AttributeChecks.matrix(context, 0)
            return try Shape(
                validating: context.shapes[0].array.dropLast(2) + [n, m], operation: "pinv")
        },
        vjp: .rule(Rules.pseudoInverse), vmap: .trailing,
        work: OpWork(.linearAlgebra, flops: cubic),
        specialKernels: [.openBLAS: Kernels.pseudoInverse],
        toleranceEpsilons: 1024,
        samples: SampleRule { [[3, 2], [2, 4], [2, 2, 2]].map { .init([$0]) } })

    /// Systems of equations: both inputs have the same batch.
    private static func system(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        vjp: VJPRule, jvp: JVPRule, dtype: DTypeRule, words: [UInt64]
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 2...2, traits: .mayFail,
            attributeNames: ["kind"], attributeForm: .integer, dtype: dtype,
            shape: ShapeRule { (context) throws(ArrayError) in
                let n = try AttributeChecks.squareMatrix(context, words)
                let (a, b) = (context.shapes[0], context.shapes[1])
                guard b.ndim == a.ndim, b[b.ndim - 2] == n,
                    (0..<(a.ndim - 2)).allSatisfy({ a[$0] == b[$0] })
                else { throw context.error(.shape, "\(a) and \(b) do not fit") }
                return b
            },
            vjp: vjp, jvp: jvp,
            vmap: .rule { $0.record([$0.batched(0), $0.batched(1)], $0.attributes) },
            work: OpWork(.linearAlgebra, flops: cubic), specialKernels: [.openBLAS: kernel],
            toleranceEpsilons: 256,
            samples: SampleRule {
                words.flatMap { word in
                    [[[3, 3], [3, 2]], [[2, 2, 2], [2, 2, 1]]].map {
                        .init($0, Attributes(word: word))
                    }
                }
            })
    }

    private static let cubic: @Sendable (CostContext) -> Double = { context in
        let x = context.shapes[0]
        guard x.ndim >= 2 else { return 1 }
        return 4 * Double(x.size) * Double(min(x[x.ndim - 1], x[x.ndim - 2]))
    }
}

extension AttributeChecks {
    static func matrix(_ context: RuleContext, _ input: Int) throws(ArrayError) -> (Int, Int) {
        let x = context.shapes[input]
        guard x.ndim >= 2 else {
            throw context.error(
                .shape, "needs an array with two axes or more, got one with \(x.ndim)")
        }
        return (x[x.ndim - 2], x[x.ndim - 1])
    }

    static func squareMatrix(
        _ context: RuleContext, _ words: [UInt64]
    ) throws(ArrayError) -> Int {
        let (m, n) = try matrix(context, 0)
        guard m == n else { throw context.error(.shape, "needs square matrices, got \(m) x \(n)") }
        guard n < 1 << 15 else { throw context.error(.limit, "a matrix of \(n) rows") }
        guard words.contains(context.attributes.word) else {
            throw context.error(.argument, "has no kind \(context.attributes.word)")
        }
        return n
    }
}

extension DTypeRule {
    /// float32 or float64.
    static let matrix = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        guard type == .float32 || type == .float64 else {
            throw context.error(.dtype, "needs float32 or float64, not \(type)")
        }
        return (type, type)
    }

    static let matrixOrComplex = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        guard type == .float32 || type == .float64 || type == .complex64 else {
            throw context.error(.dtype, "needs float32, float64 or complex64, not \(type)")
        }
        return (type, type)
    }

    static let complexResult = DTypeRule { (context) throws(ArrayError) in
        let (type, _) = try matrixOrComplex.apply(context)
        return (type, .complex64)
    }
}

extension OpCode {
    package static let svd = OpCode(.linearAlgebra)
    package static let singularValues = OpCode(.linearAlgebra)
    package static let qr = OpCode(.linearAlgebra)
    package static let lu = OpCode(.linearAlgebra)
    package static let solve = OpCode(.linearAlgebra)
    package static let solveTriangular = OpCode(.linearAlgebra)
    package static let inverse = OpCode(.linearAlgebra)
    package static let triangularInverse = OpCode(.linearAlgebra)
    package static let cholesky = OpCode(.linearAlgebra)
    package static let eigh = OpCode(.linearAlgebra)
    package static let eigvalsh = OpCode(.linearAlgebra)
    package static let eig = OpCode(.linearAlgebra)
    package static let eigvals = OpCode(.linearAlgebra)
    package static let pseudoInverse = OpCode(.linearAlgebra)
    package static let determinant = OpCode(.linearAlgebra)
    package static let logDeterminant = OpCode(.linearAlgebra)
    package static let cofactors = OpCode(.linearAlgebra)
}

extension Ops {
    /// Part of a packed result: the axis of values from `offset` on, as matrices or vectors.
    package static func unpacked(
        _ packed: MLXArray, at offset: Int, _ dims: [Int], stream: StreamID = .unpinned
    ) -> MLXArray {
        let shape = packed.shape
        let part = slice(
            packed, axis: shape.count - 1, offset, dims.reduce(1, *), stream: stream)
        return reshape(part, shape.dropLast() + dims, stream: stream)
    }
}
