import MLX
import Testing

/// Operators between arrays and every kind of number, on either side, and the functions and
/// methods of the same meaning.
@Suite("Operators") struct OperatorTests {
    @Test("weak scalars on either side") func weakScalars() {
        let half = MLXArray([1, 2] as [Float16])
        let integer = MLXArray([1, 2])
        let float = MLXArray([1, 2] as [Float])
        #expect((half + 1).dtype == .float16)
        #expect((1.5 * half).dtype == .float16)
        #expect((half - Float(1)).dtype == .float16)
        #expect((integer + 1).dtype == .int32)
        #expect((integer * 1.5).dtype == .float32)
        #expect((2 - integer).asArray(Int.self) == [1, 0])
        #expect((1 / float).asArray(Float.self) == [1, 0.5])
        #expect((float ** 2).asArray(Float.self) == [1, 4])
        #expect((2 ** float).asArray(Float.self) == [2, 4])
        #expect((integer % 2).asArray(Int.self) == [1, 0])
        #expect((float + Double(1)).dtype == .float32)
        #expect((float + Int32(1)).dtype == .float32)
        #expect((float * Float16(2)).dtype == .float32)
        #expect((integer + UInt8(1)).asArray(Int.self) == [2, 3])
        #expect((integer + Int64(1)).asArray(Int.self) == [2, 3])
        #expect((integer + [10, 20]).asArray(Int.self) == [11, 22])
        #expect((-float).asArray(Float.self) == [-1, -2])
    }

    @Test("compound assignment is seen by every reference") func compound() {
        var a = MLXArray([1, 2, 3] as [Float])
        let same = a
        a += 1
        a -= MLXArray(0.5 as Float)
        a *= 2
        a /= 3
        #expect(allClose(a, MLXArray([1, 5.0 / 3, 7.0 / 3] as [Float])).item(Bool.self))
        #expect(same === a)
        #expect(same.arrayEqual(a).item(Bool.self))
    }

    @Test("comparisons and logic") func comparisons() {
        let a = MLXArray([1, 2, 3])
        let b = MLXArray([3, 2, 1])
        #expect((a .== b).asArray(Bool.self) == [false, true, false])
        #expect((a .!= 2).asArray(Bool.self) == [true, false, true])
        #expect((a .< b).asArray(Bool.self) == [true, false, false])
        #expect((a .<= 2).asArray(Bool.self) == [true, true, false])
        #expect((a .> 1.5).asArray(Bool.self) == [false, true, true])
        #expect((a .>= b).asArray(Bool.self) == [false, true, true])
        #expect(((a .> 1) .&& (b .> 1)).asArray(Bool.self) == [false, true, false])
        #expect(((a .> 2) .|| (b .> 2)).asArray(Bool.self) == [true, false, true])
        #expect((.!(a .> 1)).asArray(Bool.self) == [true, false, false])
        #expect((a .> 0).all().item(Bool.self))
        #expect((a .> 2).any().item())
        #expect(a.allClose(b).item(Bool.self) == false)
        #expect(arrayEqual(a, a, equalNAN: true).item(Bool.self))
        #expect(allClose(a, a + 1e-9, rtol: 1e-5, atol: 1e-8, equalNaN: true).item())
        #expect(isClose(a, b).asArray(Bool.self) == [false, true, false])
        #expect(`where`(a .> 1, a, b).asArray(Int.self) == [3, 2, 3])
        #expect(which(a .> 1, 0, b).asArray(Int.self) == [3, 0, 0])
        #expect(logicalAnd(a .> 1, b .> 1).asArray(Bool.self) == [false, true, false])
        #expect(logicalNot(a .> 1).asArray(Bool.self) == [true, false, false])
    }

    @Test("bits") func bits() {
        let a = MLXArray([1, 2, 3] as [UInt8])
        #expect((a & 1).asArray(UInt8.self) == [1, 0, 1])
        #expect((a | 4).asArray(UInt8.self) == [5, 6, 7])
        #expect((a ^ a).asArray(UInt8.self) == [0, 0, 0])
        #expect((a << 1).asArray(UInt8.self) == [2, 4, 6])
        #expect((a >> 1).asArray(UInt8.self) == [0, 1, 1])
        #expect((~a).asArray(UInt8.self) == [254, 253, 252])
    }

    @Test("free functions and methods agree") func functions() {
        let x = MLXArray([0.25, 1, 4] as [Float])
        let pairs: [(MLXArray, MLXArray)] = [
            (x.abs(), abs(x)), (x.exp(), exp(x)), (x.log(), log(x)), (x.sqrt(), sqrt(x)),
            (x.rsqrt(), rsqrt(x)), (x.square(), square(x)), (x.sin(), sin(x)),
            (x.cos(), cos(x)), (x.floor(), floor(x)), (x.log1p(), log1p(x)),
            (x.log2(), log2(x)), (x.log10(), log10(x)), (x.reciprocal(), reciprocal(x)),
            (x.round(decimals: 1), round(x, decimals: 1)), (x.pow(2), pow(x, 2)),
            (x.floorDivide(2), floorDivide(x, 2)), (x.sum(), sum(x)), (x.mean(), mean(x)),
            (x.max(), max(x)), (x.min(), min(x)), (x.product(), product(x)),
            (x.variance(), variance(x)), (x.logSumExp(), logSumExp(x)),
            (x.argMax(), argMax(x)), (x.argMin(), argMin(x)),
        ]
        for (method, function) in pairs {
            #expect(method.arrayEqual(function).item(Bool.self))
        }
    }

    @Test("functions are values") func values() {
        let x = MLXArray([0.25, 0.5] as [Float])
        let functions: [(MLXArray, StreamOrDevice) -> MLXArray] = [exp, sqrt, tanh, sigmoid]
        #expect(functions.map { $0(x, .default).size } == [2, 2, 2, 2])
        let pair = [x, x * 2].map { sigmoid($0) }.reduce(MLXArray(0.0 as Float), +)
        #expect(pair.size == 2)
        let combined = [x, x, x].reduce(x, { $0 + $1 })
        #expect(combined.asArray(Float.self) == [1, 2])
        let operation: (MLXArray, MLXArray) -> MLXArray = { $0 * $1 }
        #expect(operation(x, x).shape == [2])
        #expect(zip([x], [x]).map(*).count == 1)
    }

    @Test("two arguments: arrays and numbers mix") func binary() {
        let a = MLXArray([1, 4, 9] as [Float])
        #expect(maximum(a, 2).asArray(Float.self) == [2, 4, 9])
        #expect(minimum(2, a).asArray(Float.self) == [1, 2, 2])
        #expect(clip(a, min: 2, max: 5).asArray(Float.self) == [2, 4, 5])
        #expect(clip(a, min: 2).asArray(Float.self) == [2, 4, 9])
        #expect(clip(a, max: 5).asArray(Float.self) == [1, 4, 5])
        #expect(add(a, 1).arrayEqual(a + 1).item())
        #expect(subtract(1, a).arrayEqual(1 - a).item())
        #expect(multiply(a, a).arrayEqual(a * a).item())
        #expect(divide(a, 2).arrayEqual(a / 2).item())
        #expect(remainder(a, 2).arrayEqual(a % 2).item())
        #expect(logAddExp(a, 0).shape == [3])
        #expect(divmod(a, 2).0.asArray(Float.self) == [0, 2, 4])
        #expect(equal(a, 4).asArray(Bool.self) == [false, true, false])
        #expect(greater(a, 1, stream: .cpu).dtype == .bool)
        #expect(lessEqual(a, 4).any().item(Bool.self))
    }
}
