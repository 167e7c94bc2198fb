import CMLXKernels
import Foundation
import MLXBase
import Testing

/// Elementwise loops against float64 libm and known semantics, at every level of the machine.
/// A level is forced for the thread of one test only: others compare bits at the same time.
@Suite struct LevelTests {
    static let levels = 0...Int(mlx_best_level())

    private func unary(_ op: mlx_elementwise, _ values: [Float]) -> [Float] {
        var out = values
        let function = mlx_elementwise_fn(Int32(op.rawValue), Int32(MLX_F32.rawValue))!
        out.withUnsafeMutableBytes {
            function($0.baseAddress, $0.baseAddress, nil, nil, values.count)
        }
        return out
    }

    private func binary<T: BitwiseCopyable>(
        _ op: mlx_elementwise, _ dtype: mlx_dtype, _ x: [T], _ y: [T]
    ) -> [T] {
        var out = x
        let function = mlx_elementwise_fn(Int32(op.rawValue), Int32(dtype.rawValue))!
        out.withUnsafeMutableBytes { function($0.baseAddress, $0.baseAddress, y, nil, x.count) }
        return out
    }

    private func truth<T: BitwiseCopyable>(
        _ op: mlx_elementwise, _ dtype: mlx_dtype, _ x: [T], _ y: [T]
    ) -> [UInt8] {
        var out = [UInt8](repeating: 9, count: x.count)
        mlx_elementwise_fn(Int32(op.rawValue), Int32(dtype.rawValue))!(&out, x, y, nil, x.count)
        return out
    }

    @Test(arguments: levels) func transcendentalsWithinThreeULP(level: Int) {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        let functions: [(mlx_elementwise, @Sendable (Double) -> Double)] = [
            (MLX_EXP, exp), (MLX_EXPM1, expm1), (MLX_LOG, log), (MLX_LOG2, log2),
            (MLX_LOG10, log10), (MLX_LOG1P, log1p), (MLX_SIN, sin), (MLX_COS, cos),
            (MLX_TAN, tan), (MLX_ASIN, asin), (MLX_ACOS, acos), (MLX_ATAN, atan),
            (MLX_SINH, sinh), (MLX_COSH, cosh), (MLX_TANH, tanh), (MLX_ASINH, asinh),
            (MLX_ACOSH, acosh), (MLX_ATANH, atanh), (MLX_ERF, erf),
        ]
        var generator = SplitMix64(seed: 7)
        var inputs: [Float] = [
            0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 1e-38,
            88.8, -103.9, 1e10, 3e38,
        ]
        for _ in 0..<1500 {
            inputs.append(Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())))
            inputs.append(Float(generator.unit() * 20 - 10))
            inputs.append(Float(generator.unit() * 2.4 - 1.2))
        }
        for (op, reference) in functions {
            let got = unary(op, inputs)
            for (x, y) in zip(inputs, got) {
                let want = reference(Double(x))
                #expect(isClose(y, want, ulps: 3), "\(op) of \(x): \(y), want \(want)")
            }
        }
    }

    @Test(arguments: levels) func doublesWithinThreeULP(level: Int) {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        var generator = SplitMix64(seed: 11)
        var inputs: [Double] = [
            0, -0.0, 1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 709.7, -745, 1e300,
        ]
        for _ in 0..<1500 {
            inputs.append(Double(bitPattern: generator.next()))
            inputs.append(generator.unit() * 20 - 10)
        }
        let functions: [(mlx_elementwise, @Sendable (Double) -> Double)] = [
            (MLX_EXP, exp), (MLX_LOG, log), (MLX_SIN, sin), (MLX_COS, cos), (MLX_TANH, tanh),
        ]
        for (op, reference) in functions {
            let got = binary(op, MLX_F64, inputs, inputs)
            for (x, y) in zip(inputs, got) {
                let want = reference(x)
                #expect(
                    y == want || (y.isNaN && want.isNaN) || abs(y - want) <= 3 * want.ulp,
                    "\(op) of \(x): \(y), want \(want)")
            }
        }
        for x in [-0.999, -0.5, 1e-300, 0.1, 0.7, 0.9999999] {
            let y = binary(MLX_ERFINV, MLX_F64, [x], [x])[0]
            #expect(abs(erf(y) - x) <= 4 * x.ulp, "erfinv of \(x)")
        }
    }

    // NUMERICS: an error is measured in units in the last place of the float32 result.
    private func isClose(_ got: Float, _ want: Double, ulps: Double) -> Bool {
        if want.isNaN { return got.isNaN }
        let rounded = Float(want)
        if got == rounded { return true }
        if !got.isFinite || !rounded.isFinite {
            return abs(got) >= .greatestFiniteMagnitude && abs(rounded) >= .greatestFiniteMagnitude
        }
        return abs(Double(got) - want) <= ulps * Double(rounded.ulp)
    }

    @Test func levelsAgreeBitForBit() {
        var generator = SplitMix64(seed: 3)
        let words = (0..<2048).map { _ in generator.next() }
        defer { mlx_override_level(-1) }
        for op in 0..<Int32(MLX_ELEMENTWISE_COUNT.rawValue) {
            for dtype in 1..<Int32(MLX_DTYPE_COUNT.rawValue) {
                var results: [[UInt64]] = []
                for level in Self.levels {
                    mlx_override_level(Int32(level))
                    guard let function = mlx_elementwise_fn(op, dtype) else { break }
                    var out = [UInt64](repeating: 0, count: 513)
                    function(&out, words, Array(words[700...]), Array(words[1400...]), 513)
                    results.append(canonical(out, dtype))
                }
                #expect(Set(results).count <= 1, "op \(op) dtype \(dtype)")
            }
        }
    }

    /// NaNs of every payload become one.
    private func canonical(_ words: [UInt64], _ dtype: Int32) -> [UInt64] {
        words.map { word in
            if dtype == Int32(MLX_F64.rawValue) {
                return Double(bitPattern: word).isNaN ? Double.nan.bitPattern : word
            }
            guard dtype >= Int32(MLX_F16.rawValue) else { return word }
            let halves = [UInt32(truncatingIfNeeded: word), UInt32(word >> 32)].map {
                Float(bitPattern: $0).isNaN ? Float.nan.bitPattern : $0
            }
            return UInt64(halves[0]) | UInt64(halves[1]) << 32
        }
    }

    @Test(arguments: levels) func integerSemantics(level: Int) {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        let x: [Int32] = [-7, 7, 7, 5, .min, 2, 2, 1, 0, -3]
        let y: [Int32] = [2, -3, 0, 0, -1, -1, 10, 33, 0, 3]
        #expect(binary(MLX_FLOOR_DIVIDE, MLX_I32, x, y) == [-4, -3, 0, 0, .min, -2, 0, 0, 0, -1])
        #expect(binary(MLX_REMAINDER, MLX_I32, x, y) == [1, -2, 7, 5, 0, 0, 2, 1, 0, 0])
        #expect(
            binary(MLX_POWER, MLX_I32, [Int32(2), 2, 0, -3], [-1, 31, 0, 3]) == [0, .min, 1, -27])
        #expect(binary(MLX_SHL, MLX_I32, [Int32(1), 1], [33, 4]) == [2, 16])
        #expect(binary(MLX_SHR, MLX_I32, [Int32(-8), 8], [1, 33]) == [-4, 4])
        #expect(binary(MLX_MULTIPLY, MLX_I8, [Int8(100)], [100]) == [16])
        #expect(binary(MLX_ADD, MLX_BOOL, [UInt8(1), 1, 0], [1, 0, 0]) == [1, 1, 0])
        #expect(binary(MLX_SUBTRACT, MLX_BOOL, [UInt8(1)], [0]) == [1])
        #expect(truth(MLX_LESS, MLX_U64, [UInt64.max, 1], [1, 2]) == [0, 1])
    }

    @Test(arguments: levels) func floatSemantics(level: Int) {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        let maxima = binary(MLX_MAXIMUM, MLX_F32, [Float.nan, 1, 2], [1, .nan, 3])
        #expect(maxima[0].isNaN && maxima[1].isNaN && maxima[2] == 3)
        #expect(
            binary(MLX_REMAINDER, MLX_F32, [Float(-7.5), 7, -1], [2, -3, .infinity])
                == [0.5, -2, .infinity])
        #expect(unary(MLX_SIGN, [.nan, -2, 3]) == [0, -1, 1])
        #expect(unary(MLX_ROUND, [0.5, 1.5, 2.5, -0.5]) == [0, 2, 2, 0])
        #expect(unary(MLX_SIGMOID, [-1000, 1000, 0]) == [0, 1, 0.5])
        #expect(unary(MLX_ERFINV, [1, -1, 0]) == [.infinity, -.infinity, 0])
        let lae = binary(MLX_LOGADDEXP, MLX_F32, [-Float.infinity, .infinity], [-.infinity, 1])
        #expect(lae == [-.infinity, .infinity])
        let powers = binary(MLX_POWER, MLX_F32, [Float(-2), 0, -2, 2], [3, -1, 0.5, 0.5])
        #expect(powers[0] == -8 && powers[1] == .infinity && powers[2].isNaN)
        #expect(powers[3] == Float(2).squareRoot())
    }

    @Test(arguments: levels) func casts(level: Int) {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        let floats: [Float] = [300.7, -1.5, .nan, 1e20, 65520, 65519, 1e-7, 5.9604645e-8]
        var ints = [Int32](repeating: 0, count: 8)
        cast(MLX_F32, MLX_I32, floats, &ints)
        #expect(ints == [300, -1, .min, .min, 65520, 65519, 0, 0])
        var bytes = [UInt8](repeating: 0, count: 8)
        cast(MLX_I32, MLX_U8, [300, -1, 0, 1, 2, 3, 4, 5].map(Int32.init), &bytes)
        #expect(bytes == [44, 255, 0, 1, 2, 3, 4, 5])
        cast(MLX_F32, MLX_BOOL, floats, &bytes)
        #expect(bytes == [1, 1, 1, 1, 1, 1, 1, 1])
        var halves = [Float16](repeating: 0, count: 8)
        cast(MLX_F32, MLX_F16, floats, &halves)
        for (half, float) in zip(halves, floats) {
            #expect(half == Float16(float) || (half.isNaN && float.isNaN))
        }
        let all = (0...UInt16.max).map { Float16(bitPattern: $0) }
        var wide = [Float](repeating: 0, count: all.count)
        cast(MLX_F16, MLX_F32, all, &wide)
        for (half, float) in zip(all, wide) { #expect(Float(half) == float || half.isNaN) }
    }

    private func cast<A: BitwiseCopyable, B: BitwiseCopyable>(
        _ from: mlx_dtype, _ to: mlx_dtype, _ x: [A], _ out: inout [B]
    ) {
        mlx_cast_fn(Int32(from.rawValue), Int32(to.rawValue))!(&out, x, nil, nil, x.count)
    }

    @Test func tapeWithEveryOperandKind() {
        let count = 3000
        let x = (0..<count).map { Float($0) }
        var scalar: Float = 2
        let row: [Float] = [10, 20, 30]
        var out = [Float](repeating: 0, count: count)
        let scratch = mlx_thread_scratch(mlx_tape_scratch_bytes(5, 3))!
            .assumingMemoryBound(to: CChar.self)
        let shape = [1000, 3]
        let strides = [0, 1]
        x.withUnsafeBytes { x in
            row.withUnsafeBytes { row in
                out.withUnsafeMutableBytes { out in
                    withUnsafeMutableBytes(of: &scalar) { scalar in
                        shape.withUnsafeBufferPointer { shape in
                            strides.withUnsafeBufferPointer { strides in
                                func operand(
                                    _ kind: mlx_tape_operand_kind, slot: UInt16,
                                    _ base: UnsafeRawPointer?
                                ) -> mlx_tape_operand {
                                    var o = mlx_tape_operand()
                                    o.kind = UInt8(kind.rawValue)
                                    o.item_size = 4
                                    o.ndim = 2
                                    o.slot = slot
                                    o.base = UnsafeMutablePointer(
                                        mutating: base?.assumingMemoryBound(to: CChar.self))
                                    o.shape = shape.baseAddress
                                    o.strides = strides.baseAddress
                                    return o
                                }
                                let operands = [
                                    operand(MLX_TAPE_FLAT, slot: 0, x.baseAddress),
                                    operand(MLX_TAPE_SCALAR, slot: 0, scalar.baseAddress),
                                    operand(MLX_TAPE_STRIDED, slot: 1, row.baseAddress),
                                    operand(MLX_TAPE_REGISTER, slot: 2, nil),
                                    operand(MLX_TAPE_FLAT, slot: 0, out.baseAddress),
                                ]
                                let float = Int32(MLX_F32.rawValue)
                                let steps = [
                                    mlx_tape_step(
                                        fn: mlx_elementwise_fn(Int32(MLX_MULTIPLY.rawValue), float),
                                        out: 3, a: 0, b: 1, c: 0),
                                    mlx_tape_step(
                                        fn: mlx_elementwise_fn(Int32(MLX_ADD.rawValue), float),
                                        out: 4, a: 3, b: 2, c: 0),
                                ]
                                for (begin, end) in [(0, 1), (1, 1500), (1500, count)] {
                                    mlx_tape_run(steps, 2, operands, 5, scratch, begin, end)
                                }
                            }
                        }
                    }
                }
            }
        }
        for i in 0..<count { #expect(out[i] == 2 * Float(i) + row[i % 3]) }
    }
}
