import Foundation
import MLX
import Testing

// Calls of the initialisers of arrays, and of what an array says about itself.
extension EveryDeclaration {
    @Test("initialisers of one number") func numberInitialisers() throws {
        try works(MLXArray(1 as Int32))
        try works(MLXArray(1 as Int))
        try works(MLXArray(int64: 1))
        try works(MLXArray(true))
        try works(MLXArray(1 as Float))
        try works(MLXArray(float64: 1))
        try works(MLXArray(1 as UInt8))
        try works(MLXArray(bfloat16: 1))
        try works(MLXArray(1, dtype: .float16))
        try works(MLXArray(real: 1, imaginary: 2))
        try works(MLXArray(z.item() as Complex<Float>))
    }

    @Test("initialisers of many numbers") func listInitialisers() throws {
        try works(MLXArray([1, 2] as [Float], [2, 1]))
        try works(MLXArray([1, 2] as [Int], [2, 1]))
        try works(MLXArray(int64: [1, 2] as [Int], [2, 1]))
        try works(MLXArray(converting: [1, 2], [2, 1]))
        try works(MLXArray(stride(from: Float(0), to: 2, by: 1), [2, 1]))
        try works(MLXArray(int64: 0..<2, [2, 1]))
        let literal: MLXArray = [1, 2, 3]
        try works((literal, MLXArray(arrayLiteral: 1, 2)))
        let floats: [Float] = [1, 2]
        try floats.withUnsafeBufferPointer { try works(MLXArray($0, [2, 1])) }
        try floats.withUnsafeBytes { try works(MLXArray($0, [2, 1], type: Float.self)) }
        let data = floats.withUnsafeBytes { Data($0) }
        try works(MLXArray(data, [2, 1], type: Float.self))
        try works(MLXArray(data, [2, 1], dtype: .float32))
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 8)
        try works(MLXArray(rawPointer: memory, [2], dtype: .float32) { memory.deallocate() })
        _ = literal as any ExpressibleByArrayLiteral
    }

    @Test("contents") func contents() throws {
        #expect(v.asArray(Float.self).count == 4)
        #expect(zero.item() as Float == 0 && zero.item(Float.self) == 0)
        let ways: [MLXArray.AccessMethod] = [.copy, .noCopyIfContiguous, .noCopy]
        for way in ways {
            let bytes: MLXArray.MLXArrayData = v.asData(access: way)
            _ = (bytes.data, bytes.shape, bytes.strides, bytes.dType)
            try works(MLXArray(data: bytes))
        }
    }

    @Test("properties") func properties() throws {
        _ = (x.itemSize, x.size, x.count, x.nbytes, x.ndim, x.dtype, x.shape)
        _ = (x.shape2, thin.shape3, image.shape4, x.dim(0))
        try works((x.asType(.float16, stream: .cpu), x.asType(Int32.self, stream: .cpu)))
        try works((x.asImaginary(stream: .cpu), z.realPart(stream: .cpu)))
        try works((z.imaginaryPart(stream: .cpu), x.T))
        let copy = x + 1
        copy.eval()
        copy._updateInternal(x)
        _ = (copy.description, copy as any CustomStringConvertible)
        try works(copy.innerState() + [copy].innerState())
        let states: [any Updatable] = [copy, [copy]]
        let values: [any Evaluatable] = [copy, [copy]]
        for state in states { try works(state.innerState()) }
        for value in values { try works(value.innerState()) }
        _ = copy as any ScalarOrArray
    }

    @Test("evaluation") func evaluation() async throws {
        eval(x + 1, x + 2)
        eval([x + 1, x + 2])
        eval(["a": x + 1])
        eval([["a": x + 1], ["b": x + 2]] as [Any])
        try checkedEval(["a": x + 1], x + 2)
        try checkedEval([x + 1, x + 2] as [Any])
        asyncEval([x + 1, x + 2])
        asyncEval(["a": x + 1], x + 2)
        asyncEval([["a": x + 1]] as [Any])
    }

    @Test("derivatives and maps") func transformations() throws {
        let lists: ([MLXArray]) -> [MLXArray] = { [$0[0] * $0[1]] }
        let one: ([MLXArray]) -> MLXArray = { $0[0] * $0[1] }
        let many: (MLXArray) -> [MLXArray] = { [$0 * $0] }
        let plain: (MLXArray) -> MLXArray = { $0 * $0 }
        try works(grad(lists, argumentNumbers: [0, 1])([zero, zero]))
        try works(grad(one, argumentNumbers: [0])([zero, zero]) as MLXArray)
        try works(grad(many)(zero))
        try works(grad(plain)(zero))
        try works(valueAndGrad(lists, argumentNumbers: [0])([zero, zero]))
        let tree = NestedDictionary<String, MLXArray>(values: ["a": .value(zero)])
        let slope = valueAndGrad { (tree: NestedDictionary<String, MLXArray>, scale: Float) in
            tree.flattenedValues().map { $0 * scale }
        }
        let (values, gradients) = slope(tree, 2)
        try works((values, gradients.flattenedValues()))
        try works(jvp(lists, primals: [zero, zero], tangents: [zero, zero]))
        try works(vjp(lists, primals: [zero, zero], cotangents: [zero]))
        try works(vmap(lists, inAxes: [0, nil], outAxes: [0])([v, zero]))
        try works(vmap(plain, inAxes: 0, outAxes: 0)(v))
        try works(
            vmap({ (a: MLXArray, b: MLXArray) in a * b }, inAxes: (0, nil), outAxes: 0)(v, zero))
        let custom: ([MLXArray]) -> [MLXArray] = CustomFunction {
            Forward { [$0[0] * 2] }
            VJP { primals, cotangents in [cotangents[0] * 2] }
        }
        try works(custom([v]))
        let parts: [MLXCustomFunctionComponent] = [
            .forward({ $0 }), .vjp({ _, cotangents in cotangents }),
        ]
        try works(MLXCustomFunctionBuilder.Builder.buildBlock(parts[0], parts[1])([v]))
    }
}
