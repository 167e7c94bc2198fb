import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// What sums and products are recorded on: the input as it is, whatever the total's dtype.
@Suite("Rules of reductions") struct ReductionRuleTests {
    private func rule(
        _ name: String, _ type: DType, told: DType? = nil
    ) throws -> (inputs: DType?, output: DType) {
        let row = try #require(OpTable.find(name: name))
        let context = RuleContext(
            code: row.code, shapes: [try Shape(validating: [4])], dtypes: [type],
            attributes: Attributes(word: 1, outputDType: told))
        let (inputs, output) = try row.dtype.apply(context)
        return (inputs, output)
    }

    @Test("no input is widened in memory", arguments: ["sum", "prod"]) func widening(name: String)
        throws
    {
        for type in DType.allCases {
            let own = try rule(name, type)
            #expect(own.inputs == nil, "\(name) of \(type)")
            let isNarrow = (type.isInteger || type == .bool) && type.size < 4
            #expect(own.output == type || isNarrow && own.output.size == 4)
            if type != .complex64 {
                let wide = try rule(name, type, told: .float64)
                #expect(wide.inputs == nil && wide.output == .float64)
            }
        }
        // What would lose digits or has no meaning is refused, also in a function from a file.
        for (type, told) in [
            (.float64, .float32), (.complex64, .float64), (.float32, .float16), (.int32, .int8),
            (.uint8, .bool), (.int64, .complex64), (.float32, .int32),
        ] as [(DType, DType)] {
            #expect(throws: ArrayError.self) { try rule(name, type, told: told) }
        }
    }

    @Test("a mean goes through transforms with its wide total") func transforms() {
        let rows = MLXArray([60000, 60000, 60000, 1, 2, 3] as [Float], [2, 3]).asType(.float16)
        let mapped = vmap { (x: MLXArray) in x.mean() }(rows)
        #expect(mapped.asType(.float32).asArray(Float.self) == [60000, 2])
        let compiled = compile { (x: MLXArray) in x.mean(axis: 1) }(rows)
        #expect(compiled.asType(.float32).asArray(Float.self) == [60000, 2])
        let gradient = grad { (x: MLXArray) in x.mean(axis: 1).sum() }(rows)
        let third = Float(Float16(1.0 / 3))
        #expect(gradient.dtype == .float16)
        #expect(gradient.asType(.float32).asArray(Float.self).allSatisfy { $0 == third })
        let tangent = jvp(
            { [$0[0].mean(axis: 1)] }, primals: [rows], tangents: [rows]
        ).1[0]
        #expect(tangent.asType(.float32).asArray(Float.self) == [60000, 2])
    }
}
