import Foundation
import MLX
import MLXNN
import MLXOptimizers
import Testing

/// The code of the documentation's pages, as it stands there: `Scripts/docs` fails when a page has
/// a sample that none of these tests contains. What a sample says in a comment is checked below it.
@Suite("Documentation") struct DocumentationTests {
    @Test("MLX") func root() async throws {
        let x = MLXArray([1, 2, 3] as [Float])
        let slope = grad { (x: MLXArray) in (x * x).sum() }
        let y = slope(x) + 1                        // nothing is computed yet
        let values = try await y.values(Float.self) // [3.0, 5.0, 7.0]
        #expect(values == [3, 5, 7])
    }

    @Test("Lazy evaluation") func laziness() async throws {
        let a = MLXRandom.normal([512, 512])
        let b = matmul(a, a.T) / 512
        print(b.shape)                      // [512, 512], without computing anything
        try await evaluate(b)               // computes b and what it needs
        #expect(b.shape == [512, 512])

        var total = MLXArray(0 as Float)
        for step in 0 ..< 100 {
            total = total + Float(step)
            if step % 10 == 9 { try await evaluate(total) }
        }
        #expect(total.item(Float.self) == 4950)

        let x = MLXArray.ones([1_000])
        print(try explain(exp(-x * x) + 1))
    }

    @Test("Devices and streams") func devices() async throws {
        let a = MLXRandom.normal([128, 128])
        let product = matmul(a, a, stream: .cpu)
        let sum = Device.withDefaultDevice(.gpu) { a + 1 }
        print(try explain(product, sum))        // what runs where, and why
        try await evaluate(product, sum)

        try await evaluate(policy: RoundRobinPolicy(), product * 2, sum * 2)
        let placed = withPolicy(SingleDevicePolicy.allCPU) { (a * a).sum().item(Float.self) }
        #expect(placed > 0)

        let copies = Stream(.cpu)
        let scaled = multiply(a, MLXArray(2 as Float), stream: .stream(copies))
        asyncEval(scaled)
        copies.synchronize()
        #expect(scaled.allClose(a + a).item(Bool.self))
    }

    @Test("Unified memory") func memory() async throws {
        do {
            let a = MLXRandom.normal([256, 256])
            let onCPU = matmul(a, a, stream: .cpu)
            let onGPU = exp(onCPU * 0.01, stream: .gpu)     // reads the cpu's result where it is
            try await evaluate(onGPU)
            #expect(onGPU.min().item(Float.self) > 0)
        }
        let before = Memory.snapshot()
        let b = MLXArray.zeros([1_024, 1_024]) + 1
        try await evaluate(b)
        let used = Memory.snapshot().activeMemory - before.activeMemory    // about 4 MiB
        Memory.clearCache()                                                // back to the system
        _ = used  // other tests use memory at the same time

        let row = MLXArray([1, 2, 3] as [Float])
        let bytes = row.asData(access: .noCopyIfContiguous)
        print(bytes.data.count, bytes.shape, bytes.dType)      // 12 [3] float32
        #expect(bytes.data.count == 12 && bytes.shape == [3] && bytes.dType == .float32)
    }

    @Test("Indexing") func indexing() {
        let a = MLXArray(0 ..< 24, [2, 3, 4])
        let plane = a[0]                            // (3, 4)
        let tail = a[.ellipsis, 2...]               // (2, 3, 2)
        let reversed = a[0..., .stride(by: -1)]     // (2, 3, 4), rows backwards
        let picked = a[0, MLXArray([2, 0] as [Int32])] // (2, 4): rows 2 and 0
        #expect(plane.shape == [3, 4] && tail.shape == [2, 3, 2])
        #expect(reversed[0, 0, 0].item(Int.self) == 8 && picked[0, 0].item(Int.self) == 8)

        let table = MLXArray.zeros([3, 4])
        table[0] = MLXArray(1)
        table[0..., 1 ..< 3] += 2
        table[MLXArray([1, 2] as [Int32]), 0] = MLXArray([7, 8] as [Float])
        #expect(table.asArray(Float.self) == [1, 3, 3, 1, 7, 2, 2, 0, 8, 2, 2, 0])

        let counts = MLXArray.zeros([4]).at[MLXArray([1, 1, 3] as [Int32])].add(1)    // 0 2 0 1
        #expect(counts.asArray(Float.self) == [0, 2, 0, 1])
    }

    @Test("Errors") func errors() async throws {
        let bad = MLXArray.zeros([3]) + MLXArray.zeros([2])
        do {
            try await evaluate(bad * 2)
        } catch let error as ArrayError {
            print(error)            // what, with which shapes, in which file and line
            print(error.kind == .shape, error.shapes)
        }
        do {
            try withError { eval(MLXArray.zeros([3]) + MLXArray.zeros([2])) }
        } catch {
            print(error.localizedDescription)
        }
        await #expect(throws: ArrayError.self) { try await evaluate(bad * 2) }
    }

    @Test("Concurrency") func concurrency() async throws {
        let x = MLXArray(0 ..< 1_000).asType(.float32)
        let sums = try await withThrowingTaskGroup(of: Float.self) { group in
            for i in 1 ... 4 { group.addTask { try await (x * Float(i)).sum().value(Float.self) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sums.sorted() == [499_500, 999_000, 1_498_500, 1_998_000])

        actor Classifier {
            let model = Linear(4, 2)

            func scores(_ x: MLXArray) async throws -> [Float] {
                try await softmax(model(x), axis: -1).values(Float.self)
            }
        }
        let scores = try await Classifier().scores(MLXArray.ones([1, 4]))
        #expect(abs(scores[0] + scores[1] - 1) < 1e-6)
    }

    @Test("How an evaluation runs") func evaluation() {
        withEvaluationPriority(.low) { eval(MLXArray(0 ..< 100).sum()) }

        let before = RuntimeStatistics.current
        eval(MLXArray(0 ..< 10) + 1)
        print(RuntimeStatistics.current.narrowRuns - before.narrowRuns)
        #expect(RuntimeStatistics.current.narrowRuns > before.narrowRuns)
    }

    @Test("Numerics") func numerics() {
        let half = MLXArray([1, 2] as [Float]).asType(.float16)
        let integers = MLXArray([1, 2, 3])
        print((half * 2.5).dtype, (integers * 2.5).dtype)    // float16 float32
        print((integers / 2).dtype)                          // float32
        #expect((half * 2.5).dtype == .float16 && (integers / 2).dtype == .float32)
        #expect((integers * 2.5).dtype == .float32)

        let key = MLXRandom.key(0)
        let draws = MLXRandom.uniform(0 ..< 1, [5], key: key)    // 0.5745, 0.0997, ...
        #expect(abs(draws[0].item(Float.self) - 0.5745) < 1e-4)
    }
}
