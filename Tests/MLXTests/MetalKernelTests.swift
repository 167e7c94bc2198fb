import Foundation
import MLX
import MLXBase
import Testing

/// Kernels that models ask for by name, each against loops written from its formula.
@Suite("Metal kernels") struct MetalKernelTests {
    /// Numbers between -1 and 1, the same for the same seed.
    private struct Source {
        var random: SplitMix64
        init(_ seed: UInt64) { random = SplitMix64(seed: seed) }
        mutating func numbers(_ count: Int, scale: Float = 1) -> [Float] {
            (0..<count).map { _ in Float(random.unit() * 2 - 1) * scale }
        }
    }

    private func call(
        _ name: String, _ inputs: [any ScalarOrArray],
        _ template: [(String, any KernelTemplateArg)] = [], shapes: [[Int]],
        dtypes: [DType]? = nil
    ) -> [MLXArray] {
        let kernel = MLXFast.metalKernel(
            name: name, inputNames: inputs.indices.map { "x\($0)" },
            outputNames: shapes.indices.map { "y\($0)" }, source: "")
        return kernel(
            inputs, template: template, grid: (1, 1, 1), threadGroup: (1, 1, 1),
            outputShapes: shapes, outputDTypes: dtypes ?? shapes.map { _ in .float32 })
    }

    private func expect(
        _ actual: MLXArray, _ expected: [Double], within tolerance: Double = 1e-5,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let values = actual.asType(.float32).asArray(Float.self)
        #expect(values.count == expected.count, sourceLocation: location)
        let largest = expected.map(abs).max() ?? 0
        for (value, right) in zip(values, expected)
        where !(abs(Double(value) - right) <= tolerance * max(largest, 1)) {
            Issue.record("\(value) instead of \(right)", sourceLocation: location)
            return
        }
    }

    @Test("ssm_kernel", arguments: [(1, 2, 3, 5, 4), (2, 1, 4, 16, 8), (3, 4, 1, 2, 16)])
    func stateSpace(n: Int, groups: Int, heads: Int, dh: Int, ds: Int) {
        var source = Source(UInt64(n * 100 + ds))
        let h = groups * heads
        let (x, aLog) = (source.numbers(n * h * dh), source.numbers(h))
        let (b, c) = (source.numbers(n * groups * ds), source.numbers(n * groups * ds))
        let (d, dt) = (source.numbers(h), source.numbers(n * h).map(abs))
        let state = source.numbers(n * h * dh * ds)
        var (y, next) = ([Double](), [Double]())
        for i in 0..<n {
            for head in 0..<h {
                let step = Double(dt[i * h + head])
                let decay = Foundation.exp(-Foundation.exp(Double(aLog[head])) * step)
                for row in 0..<dh {
                    let value = Double(x[(i * h + head) * dh + row])
                    var sum = value * Double(d[head])
                    for column in 0..<ds {
                        let shared = (i * groups + head / heads) * ds + column
                        let place = ((i * h + head) * dh + row) * ds + column
                        let new = decay * Double(state[place]) + value * step * Double(b[shared])
                        next.append(new)
                        sum += new * Double(c[shared])
                    }
                    y.append(sum)
                }
            }
        }
        let outputs = call(
            "ssm_kernel",
            [
                MLXArray(x, [n, 1, h, dh]), MLXArray(aLog), MLXArray(b, [n, 1, groups, ds]),
                MLXArray(c, [n, 1, groups, ds]), MLXArray(d), MLXArray(dt, [n, 1, h]),
                MLXArray(state, [n, h, dh, ds]),
            ],
            [
                ("T", DType.float32), ("U", DType.float32), ("Dh", dh), ("Ds", ds), ("H", h),
                ("G", heads),
            ], shapes: [[n, 1, h, dh], [n, h, dh, ds]])
        expect(outputs[0], y)
        expect(outputs[1], next)
    }

    @Test("gated_delta_step, with and without a mask", arguments: [false, true], [1, 5])
    func gatedDelta(isMasked: Bool, t: Int) {
        var source = Source(UInt64(t))
        let (b, hk, hv, dk, dv) = (2, 2, 4, 8, 3)
        let (q, k) = (source.numbers(b * t * hk * dk), source.numbers(b * t * hk * dk, scale: 0.4))
        let v = source.numbers(b * t * hv * dv)
        let (g, beta) = (source.numbers(b * t * hv).map(abs), source.numbers(b * t * hv).map(abs))
        let mask = (0..<(b * t)).map { $0 % 3 != 1 }
        var state = source.numbers(b * hv * dv * dk).map(Double.init)
        let first = state.map { Float($0) }
        var y = [Double](repeating: 0, count: b * t * hv * dv)
        for i in 0..<b {
            for step in 0..<t where !isMasked || mask[i * t + step] {
                for head in 0..<hv {
                    let keys = ((i * t + step) * hk + head / (hv / hk)) * dk
                    let gate = (i * t + step) * hv + head
                    for row in 0..<dv {
                        let base = ((i * hv + head) * dv + row) * dk
                        for column in 0..<dk { state[base + column] *= Double(g[gate]) }
                        let r = (0..<dk).reduce(0) { $0 + state[base + $1] * Double(k[keys + $1]) }
                        let error = (Double(v[gate * dv + row]) - r) * Double(beta[gate])
                        for column in 0..<dk {
                            state[base + column] += error * Double(k[keys + column])
                        }
                        y[gate * dv + row] = (0..<dk).reduce(0) {
                            $0 + state[base + $1] * Double(q[keys + $1])
                        }
                    }
                }
            }
        }
        var inputs: [any ScalarOrArray] = [
            MLXArray(q, [b, t, hk, dk]), MLXArray(k, [b, t, hk, dk]), MLXArray(v, [b, t, hv, dv]),
            MLXArray(g, [b, t, hv]), MLXArray(beta, [b, t, hv]), MLXArray(first, [b, hv, dv, dk]),
            t,
        ]
        if isMasked { inputs.append(MLXArray(mask, [b, t])) }
        let outputs = call(
            isMasked ? "gated_delta_step_mask" : "gated_delta_step", inputs,
            [("InT", DType.float32), ("StT", DType.float32), ("Dk", dk), ("Dv", dv)],
            shapes: [[b, t, hv, dv], [b, hv, dv, dk]])
        expect(outputs[0], y)
        expect(outputs[1], state)
    }

    @Test("router_topk_norm: ties, NaN, with and without the sum", arguments: [false, true])
    func router(isNormed: Bool) {
        let gates: [Float] = [0.1, 0.7, 0.7, 0.2, 0.5, 0.7, .nan, 0.3, 0.2, 0.1, 0.1, 0.1]
        let outputs = call(
            "router_topk_norm", [MLXArray(gates, [2, 6])],
            [("T", DType.float32), ("E_", 6), ("K_", 3), ("NORM_", isNormed)],
            shapes: [[2, 3], [2, 3]], dtypes: [.uint32, .float32])
        #expect(outputs[0].asArray(UInt32.self) == [1, 2, 5, 2, 1, 0])
        let scores = outputs[1].asArray(Float.self)
        let sum: Float = isNormed ? 0.7 + 0.7 + 0.7 : 1
        #expect(scores[..<3].allSatisfy { $0 == 0.7 / sum })
        #expect(scores[5].isNaN && (isNormed ? scores[3].isNaN : scores[3] == 0.2))
    }

    @Test("bitlinear_matmul", arguments: [false, true]) func bitLinear(divides: Bool) {
        var source = Source(9)
        let (m, wide, narrow) = (3, 20, 8)
        let x = source.numbers(m * wide)
        let packed = (0..<(narrow / 4 * wide)).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ 21) }
        var y: [Double] = []
        for row in 0..<m {
            for column in 0..<narrow {
                let (r, i) = (column % (narrow / 4), column / (narrow / 4))
                let sum = (0..<wide).reduce(0.0) { sum, k in
                    let weight = Double((packed[r * wide + k] >> (2 * i)) & 3) - 1
                    return sum + Double(x[row * wide + k]) * weight
                }
                y.append(divides ? sum / 0.25 : sum * 0.25)
            }
        }
        let outputs = call(
            "bitlinear_matmul",
            [
                MLXArray(x, [m, wide]), MLXArray(packed, [narrow / 4, wide]),
                MLXArray([0.25 as Float]),
            ],
            [
                ("T", DType.float32), ("invert_weight_scales", divides), ("in_features", wide),
                ("out_features", narrow),
            ], shapes: [[m, narrow]])
        expect(outputs[0], y)
    }

    @Test("paro_rotate_r1 and r4", arguments: [1, 4]) func rotations(rounds: Int) {
        var source = Source(UInt64(rounds))
        let (m, k, size) = (3, 16, 8)
        let (x, angles) = (source.numbers(m * k), source.numbers(rounds * k / 2, scale: 3))
        let scales = source.numbers(k)
        var pairs: [Int32] = []
        for round in 0..<rounds {
            for _ in 0..<(k / size) {
                let order = Array(0..<size).shuffled(using: &source.random)
                for pair in 0..<(size / 2) {
                    pairs.append(Int32(order[2 * pair] | order[2 * pair + 1] << 16))
                }
            }
            _ = round
        }
        var y = (0..<(m * k)).map { Double(x[$0]) * Double(scales[$0 % k]) }
        for round in 0..<rounds {
            for place in 0..<(k / 2) {
                let pair = Int(pairs[round * k / 2 + place])
                let base = place / (size / 2) * size
                let (i, j) = (base + pair & 0xFFFF, base + pair >> 16)
                let angle = Double(angles[round * k / 2 + place])
                for row in 0..<m {
                    let (a, b) = (y[row * k + i], y[row * k + j])
                    y[row * k + i] = a * Foundation.cos(angle) + b * Foundation.sin(angle)
                    y[row * k + j] = b * Foundation.cos(angle) - a * Foundation.sin(angle)
                }
            }
        }
        let turns = MLXArray(angles, [rounds, k / 2])
        let outputs = call(
            "paro_rotate_r\(rounds)",
            [
                MLXArray(x, [m, k]), MLXArray(pairs, [rounds, k / 2]), cos(turns), sin(turns),
                MLXArray(scales), MLXArray([m, k, rounds, size].map(Int32.init)),
            ], shapes: [[m, k]])
        expect(outputs[0], y)
    }

    /// Values of PyTorch's `interpolate`, from `Scripts/interpolation-fixtures`.
    @Test(
        "nearest and bicubic interpolation give PyTorch's pixels",
        arguments: ["nearest_interpolation", "bicubic_interpolation_antialias"])
    func interpolation(name: String) throws {
        let cases = try InterpolationFixtures.cases(name)
        #expect(cases.count >= 6)
        for item in cases {
            let pixels = MLXArray(item.input.values, item.input.shape)
            let output = call(name, [pixels, 0], shapes: [item.output.shape])[0]
            expect(output, item.output.values.map(Double.init), within: 2e-6)
        }
    }

    @Test("a program's own kernels, and what goes wrong") func registered() async throws {
        MetalKernels.register("tests_double") { call in
            [call.inputs[0] * (try call.integer("factor"))]
        }
        defer { MetalKernels.unregister("tests_double") }
        #expect(MetalKernels.names.contains("tests_double"))
        let x = MLXArray([1, 2, 3] as [Float])
        let right = call("tests_double", [x], [("factor", 2)], shapes: [[3]])[0]
        #expect(right.asArray(Float.self) == [2, 4, 6])
        let missing = call("tests_double", [x], shapes: [[3]])[0]
        await expectError(missing, .argument, "factor")
        let other = call("tests_double", [x], [("factor", 2)], shapes: [[4]])[0]
        await expectError(other, .shape, "not the outputs asked for")
        let unknown = call("turbo_fused_decode", [x], shapes: [[3]])[0]
        await expectError(unknown, .unsupported, "turbo_fused_decode")
        let wrong = call("ssm_kernel", [x], shapes: [[3]])[0]
        await expectError(wrong, .argument, "7 inputs")
    }

    private func expectError(
        _ array: MLXArray, _ kind: ArrayError.Kind, _ text: String,
        _ location: SourceLocation = #_sourceLocation
    ) async {
        do {
            try await evaluate(array)
            Issue.record("nothing was thrown", sourceLocation: location)
        } catch let error as ArrayError {
            #expect(error.kind == kind, sourceLocation: location)
            #expect("\(error)".contains(text), "\(error)", sourceLocation: location)
        } catch { Issue.record(error, sourceLocation: location) }
    }
}

/// What PyTorch makes of some images.
private enum InterpolationFixtures {
    struct Images: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    struct Case: Decodable {
        let kernel: String
        let input: Images
        let output: Images
    }

    static func cases(_ kernel: String) throws -> [Case] {
        let url = Bundle.module.url(
            forResource: "interpolation", withExtension: "json", subdirectory: "Fixtures")!
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
            .filter { $0.kernel == kernel }
    }
}
