import Foundation
import MLX
import MLXBase
import Synchronization
import Testing

/// Functions compiled for any shape give what they give uncompiled, whatever they do with shapes:
/// what depends on a shape is computed anew, or the function is recorded anew.
@Suite("Shapeless functions") struct ShapelessTests {
    private typealias Function = (String, @Sendable (MLXArray) -> MLXArray)

    /// Recorded once: nothing in them depends on a shape, or it is worked out again.
    private static let once: [Function] = [
        ("mean", { $0.mean() }), ("mean of an axis", { $0.mean(axis: 0) }),
        ("mean of axes", { $0.mean(axes: [-1], keepDims: true) }),
        ("variance", { variance($0) }),
        ("variance of an axis", { variance($0, axis: -1, ddof: 1) }),
        ("std", { std($0, axes: [0, 1], ddof: 3) }), ("std of all", { $0 - std($0) }),
        ("sum", { $0.sum(axis: 1) }), ("max", { $0.max(axis: 0) - $0.min() }),
        ("activation", { $0 * sigmoid($0) + tanh($0) }),
        ("norm by hand", { $0 * rsqrt(mean(square($0), axis: -1, keepDims: true) + 1e-5) }),
        (
            "layer norm by hand",
            { x in
                (x - mean(x, axis: -1, keepDims: true))
                    / sqrt(variance(x, axis: -1, keepDims: true) + 1e-5)
            }
        ),
        ("softmax", { softmax($0, axis: -1) }), ("logSumExp", { logSumExp($0, axis: 0) }),
        ("products", { matmul($0, $0.T) }), ("transposed", { $0.transposed() + 1 }),
        ("casts", { $0.asType(.float16).mean().asType(.float32) }),
        ("mean of halves", { $0.asType(.bfloat16).mean(axis: 1) }),
        ("mean of integers", { $0.asType(.int32).mean() }),
        ("clip", { clip($0, min: 0, max: 1).mean() }),
        ("which", { which($0 .> 0, $0, -$0).mean(axis: 0) }),
        ("norm", { $0 / MLXLinalg.norm($0) }),
        ("mean squared error", { mean(square($0 - 1)) }),
        ("reshape", { $0.reshaped([-1]) }), ("flattened", { $0.flattened().sum() }),
        ("new axes", { $0[0..., .newAxis] * expandedDimensions($0, axis: 1) }),
        ("without an axis", { $0.sum(axis: 0, keepDims: true).squeezed(axis: 0) }),
        ("axes apart", { unflatten($0.flattened(), axis: 0, shape: [1, -1]) }),
        ("stacked", { stacked([$0, $0 + 1], axis: 1) }),
        ("argMax", { argMax($0) }), ("sorted", { sorted($0, axis: -1) }),
        ("cumsum", { cumsum($0) }),
    ]

    private static let anew: [Function] = [
        ("the last two", { $0[(-2)...] }), ("all but one", { $0[1...] }), ("all", { $0[0...] }),
        ("the first", { $0[0] }), ("the last column", { $0[.ellipsis, -1] }),
        ("the first two columns", { $0[0..., ..<2] }), ("every other", { $0[.stride(by: 2)] }),
        ("roll", { roll($0, shift: 2, axis: 0) }), ("roll by rows", { roll($0, shift: 4) }),
        ("shift", { concatenated([$0[1...], $0[..<1]], axis: 0) }), ("flip", { flip($0) }),
        ("flip one", { flip($0, axis: 0) }), ("reversed", { $0[.stride(by: -1)] }),
        (
            "assignment",
            { x in
                let y = x + 0
                y[0..<2] = MLXArray(7 as Float)
                return y
            }
        ),
        (
            "assignment to all",
            { x in
                let y = x + 0
                y[0...] = x * 2
                return y
            }
        ),
        ("zeros", { zeros(like: $0) + $0 }), ("ones", { $0.sum() + ones(like: $0) }),
        ("zeros alone", { zeros(like: $0) }), ("its shape", { $0 * Float($0.dim(0)) }),
        ("its size", { $0.sum() / Float($0.size) }), ("its count", { $0 + Float($0.count) }),
        ("a branch", { $0.dim(0) > 3 ? $0 * 2 : $0 - 1 }),
        ("reshape to its own", { $0.reshaped([2, 3]) }), ("squeezed", { $0.squeezed() }),
        ("broadcast", { broadcast($0.sum(axis: 0), to: $0.shape) }),
        ("padded", { padded($0, width: 1) }), ("edge", { padded($0, width: 1, mode: .edge) }),
        ("repeated", { repeated($0, count: 2, axis: 0) }),
        ("tiled", { tiled($0, repetitions: [2, 1]) }),
        ("arange", { $0 + arange($0.dim(1)).asType(.float32) }),
        ("top", { top($0, k: 2, axis: -1).sum(axis: -1) }),
        ("split", { split($0, parts: 1, axis: 0)[0] + 1 }),
        ("tril", { tril($0) }), ("diagonal", { diagonal($0) }), ("trace", { trace($0) }),
        ("gradient of a sum", { grad { $0.sum() }($0) }),
        ("gradient of a mean", { grad { square($0).mean() }($0) }),
        ("gradient of a mean of rows", { grad { square($0.mean(axis: 1)).sum() }($0) }),
        ("gradient of a maximum", { grad { $0.max() }($0) }),
        ("gradient of a softmax", { grad { square(softmax($0, axis: -1)).sum() }($0) }),
        ("gradient of a product", { grad { matmul($0, $0.T).sum() }($0) }),
        (
            "gradient by broadcasting",
            { x in
                grad { (b: MLXArray) in (x + b).sum() }(MLXArray(1 as Float))
            }
        ),
        ("mapped", { vmap { (row: MLXArray) in row.sum() * 2 }($0) }),
        (
            "second gradient",
            { x in
                grad { (y: MLXArray) in grad { ($0 * $0 * $0).mean() }(y).sum() }(x)
            }
        ),
        (
            "tangent",
            { x in
                jvp({ [$0[0].mean(axis: 0)] }, primals: [x], tangents: [ones(like: x)]).1[0]
            }
        ),
        ("median", { median($0) }),
        ("einsum", { einsum("ij,kj->ik", $0, $0) }),
        ("meshGrid", { meshGrid([$0.flattened()])[0] }),
        ("take", { take($0, MLXArray([0, -1] as [Int32]), axis: 0) }),
        ("linspace", { $0.sum() + linspace(0, 1, count: $0.dim(0)) }),
        ("hadamard", { hadamardTransform($0[0..., ..<2]) }),
        ("an inner function of one shape", { inner($0) + 1 }),
        ("fft", { MLX.abs(MLXFFT.fft($0)) }),
        (
            "random",
            { x in
                MLXRandom.uniform(0..<1, x.shape, key: MLXRandom.key(3)) + x
            }
        ),
        ("rms norm", { MLXFast.rmsNorm($0, weight: ones([$0.dim(-1)]), eps: 1e-5) }),
    ]

    private static func inner(_ x: MLXArray) -> MLXArray {
        let f = compile { (x: MLXArray) in x * Float(x.dim(0)) }
        return f(x)
    }

    private static let sizes = [
        [2, 3], [3, 2], [4, 3], [1, 6], [2, 3], [6, 1], [5, 5], [8, 4],
    ]

    private final class Counter: Sendable {
        let count = Atomic<Int>(0)
        func add() { count.wrappingAdd(1, ordering: .relaxed) }
        var value: Int { count.load(ordering: .relaxed) }
    }

    static let names = (once + anew).map(\.0)

    @Test("as uncompiled, for one shape after the other", arguments: names)
    func values(name: String) throws {
        let f = try #require((Self.once + Self.anew).first { $0.0 == name }).1
        let counter = Counter()
        let compiled = compile(shapeless: true) { (x: MLXArray) -> MLXArray in
            counter.add()
            return f(x)
        }
        for (number, shape) in Self.sizes.enumerated() {
            let x = MLXRandom.normal(shape, key: MLXRandom.key(UInt64(number)))
            let (got, wanted) = (try? evaluated(compiled(x)), try? evaluated(f(x)))
            #expect((got == nil) == (wanted == nil), "\(name) of \(shape)")
            guard let got, let wanted else { continue }
            #expect(got.shape == wanted.shape, "\(name) of \(shape)")
            #expect(
                arrayEqual(got, wanted, equalNAN: true).item(Bool.self), "\(name) of \(shape)")
        }
        let isOnce = Self.once.contains { $0.0 == name }
        // Shapes that come again are not recorded again.
        #expect(isOnce ? counter.value == 1 : counter.value > 1 && counter.value < 8, "\(name)")
    }

    private func evaluated(_ x: MLXArray) throws -> MLXArray {
        try withError { eval(x) }
        return x
    }

    @Test("a training step with another batch") func training() {
        let w = MLXArray([1, 2, 3] as [Float])
        let step = { @Sendable (x: MLXArray, y: MLXArray, w: MLXArray) -> MLXArray in
            w - 0.1 * grad { (w: MLXArray) in mean(square(matmul(x, w) - y)) }(w)
        }
        let compiled = compile(shapeless: true, step)
        for batch in [4, 2, 7, 1, 4] {
            let x = MLXRandom.normal([batch, 3], key: MLXRandom.key(UInt64(batch)))
            let y = MLXRandom.normal([batch], key: MLXRandom.key(9))
            let (got, wanted) = (compiled(x, y, w), step(x, y, w))
            #expect(allClose(got, wanted, rtol: 1e-5).item(Bool.self), "\(batch)")
        }
    }

    @Test("functions around and inside others") func nested() {
        let inner = compile(shapeless: true) { (x: MLXArray) in x - x.mean() }
        let other = compile(shapeless: true) { (x: MLXArray) in x[(-2)...] }
        let outer = compile(shapeless: true) { (x: MLXArray) in inner(x * 2) }
        let mixed = compile(shapeless: true) { (x: MLXArray) in other(x).sum() + inner(x).sum() }
        for count in [4, 8, 2, 5] {
            let x = MLXRandom.normal([count], key: MLXRandom.key(UInt64(count)))
            #expect(outer(x).asArray(Float.self) == (x * 2 - (x * 2).mean()).asArray(Float.self))
            let wanted = x[(-2)...].sum() + (x - x.mean()).sum()
            #expect(mixed(x).asArray(Float.self) == wanted.asArray(Float.self))
        }
    }

    @Test("a shape read on another thread") func otherThreads() {
        let f = { (x: MLXArray) -> MLXArray in
            let (size, done) = (Counter(), DispatchSemaphore(value: 0))
            Thread {
                for _ in 0..<x.dim(0) { size.add() }
                done.signal()
            }.start()
            done.wait()
            return x.sum() / Float(size.value)
        }
        let compiled = compile(shapeless: true, f)
        for count in [4, 8, 3] {
            #expect(compiled(MLXArray.ones([count])).item(Float.self) == 1)
        }
    }

    @Test("state of other shapes") func state() {
        let total = MLXArray.zeros([2])
        let f = compile(inputs: [total], outputs: [total], shapeless: true) {
            (x: MLXArray) -> MLXArray in
            total._updateInternal(total + x.mean())
            return total[(-1)...] * 10
        }
        for (count, wanted) in [(4, 10.0), (8, 20), (2, 30)] as [(Int, Float)] {
            #expect(f(MLXArray.ones([count])).asArray(Float.self) == [wanted])
        }
        total._updateInternal(MLXArray([1, 2, 3] as [Float]))
        #expect(f(MLXArray.ones([5])).asArray(Float.self) == [40])
        #expect(total.shape == [3])
    }

    @Test("errors of later shapes are errors") func errors() async {
        let f = compile(shapeless: true) { (x: MLXArray) in
            x.max(axis: 0) + MLXArray([1, 2] as [Float])
        }
        #expect(f(MLXArray.ones([3, 2])).asArray(Float.self) == [2, 3])
        await #expect(throws: ArrayError.self) { try await evaluate(f(MLXArray.ones([0, 2]))) }
        await #expect(throws: ArrayError.self) { try await evaluate(f(MLXArray.ones([3, 3]))) }
        #expect(f(MLXArray.ones([1, 2])).asArray(Float.self) == [2, 3])
    }

    @Test("files for any shape hold nothing of the first one") func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "shapeless-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appending(path: "mean.safetensors")
        try exportFunction(to: url, shapeless: true) { [mean($0[0]), variance($0[0], axis: 0)] }(
            MLXArray.ones([4]))
        let f = try importFunction(from: url)
        for count in [4, 8, 3] {
            let x = MLXRandom.normal([count], key: MLXRandom.key(1))
            let results = try f(x)
            #expect(results[0].item(Float.self) == x.mean().item(Float.self))
            #expect(results[1].item(Float.self) == variance(x, axis: 0).item(Float.self))
        }
        let error = #expect(throws: ArrayError.self) {
            try exportFunction(to: url, shapeless: true) { [$0[0] / Float($0[0].size)] }(
                MLXArray.ones([4]))
        }
        #expect(error?.kind == .unsupported)
    }
}
