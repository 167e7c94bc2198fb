import MLX
import MLXFFT
import MLXFast
import MLXLinalg
import MLXNN
import MLXRandom
import Testing

/// Arrays across tasks and actors in Swift 6 mode, devices, streams, errors, memory.
@Suite("Concurrency and context") struct ConcurrencyTests {
    @Test("arrays are captured by tasks and live in actors") func capture() async throws {
        actor Store {
            private var arrays: [String: MLXArray] = [:]
            func put(_ array: MLXArray, _ name: String) { arrays[name] = array }
            func sum() -> MLXArray { arrays.values.reduce(MLXArray(0), +) }
        }
        let x = MLXArray(0 ..< 10)
        let store = Store()
        let task = Task { x * 2 }
        await store.put(await task.value, "doubled")
        await store.put(x, "plain")
        #expect(await store.sum().sum().item(Int.self) == 135)
        let sums = await withTaskGroup(of: MLXArray.self) { group in
            for i in 0 ..< 4 { group.addTask { (x + i).sum() } }
            var all: [MLXArray] = []
            for await value in group { all.append(value) }
            return all
        }
        #expect(stacked(sums).sum().item(Int.self) == 240)
        let map: @Sendable (MLXArray) -> MLXArray = { gelu($0) }
        let detached = Task.detached { map(x.asType(.float32)).shape }
        #expect(await detached.value == [10])
        await MainActor.run { #expect(x.max().item(Int.self) == 9) }
        try await evaluate(x, sums)
    }

    @Test("devices") func devices() async {
        #expect(Device.defaultDevice() == .gpu)
        Device.withDefaultDevice(.cpu) {
            #expect(Device.defaultDevice().deviceType == .cpu)
            #expect((MLXArray(1) + 1).item(Int.self) == 2)
        }
        let device = await Device.withDefaultDevice(Device(.cpu)) { () async -> Device in
            await Task.yield()
            return Device.defaultDevice()
        }
        #expect(device == .cpu)
        #expect(Device.gpu != Device.cpu)
        #expect(Device.cpu.description.contains("cpu"))
    }

    @Test("streams") func streams() {
        let stream = Stream(.cpu)
        let a = MLXArray([1, 2, 3] as [Float])
        let b = add(a, 1, stream: .stream(stream))
        asyncEval(b)
        stream.synchronize()
        #expect(b.asArray(Float.self) == [2, 3, 4])
        #expect(Stream.defaultStream(.gpu) == Stream.gpu)
        let c = Stream.withNewDefaultStream(device: .cpu) { exp(a, stream: .default) }
        #expect(c.shape == [3])
        #expect(sum(a, stream: .device(.gpu)).item(Float.self) == 6)
        #expect(StreamOrDevice.cpu.stream == Stream.cpu)
        #expect(StreamOrDevice.default.description.contains("gpu"))
        #expect(a.reshaped([3, 1], stream: .cpu).transposed(stream: .gpu).shape == [1, 3])
        #expect(softmax(a, axis: 0, stream: .cpu).sum(stream: .cpu).item(Float.self) > 0.99)
        #expect(MLXRandom.normal([2], key: MLXRandom.key(0), stream: .cpu).shape == [2])
        #expect(matmul(a, a, stream: .cpu).item(Float.self) == 14)
        #expect(which(a .> 1, a, 0, stream: .cpu).max(stream: .gpu).item(Float.self) == 3)
        #expect(concatenated([a, a], axis: 0, stream: .cpu).shape == [6])
        #expect(MLXArray.zeros([2], stream: .gpu).asType(.int32, stream: .cpu).dtype == .int32)
    }

    @Test("errors") func errors() async {
        let a = MLXArray.zeros([2, 3])
        let b = MLXArray.zeros([4, 5])
        #expect(throws: MLXError.self) { try withError { _ = a + b } }
        #expect(throws: MLXError.self) {
            try withError { (error: ErrorBox) in
                let c = matmul(a, b)
                try error.check()
                eval(c)
            }
        }
        await #expect(throws: MLXError.self) {
            try await withError {
                await Task.yield()
                _ = a.reshaped([7])
            }
        }
        do {
            try withError { _ = concatenated([a, b]) }
        } catch let MLXError.caught(message) {
            #expect(!message.isEmpty)
        } catch {
            Issue.record("\(error)")
        }
        let sum = try? withError { (a + 1).sum().item(Float.self) }
        #expect(sum == 6)
        #expect(throws: (any Error).self) { try checkedEval(a + b) }
        withErrorHandler({ #expect(!$0.isEmpty) }) { _ = a + b }
    }

    @Test("a handler for the whole process") func processHandler() {
        final class Messages { var count = 0 }
        let messages = Messages()
        let data = Unmanaged.passRetained(messages).toOpaque()
        setErrorHandler(
            { message, data in
                #expect(message != nil)
                Unmanaged<Messages>.fromOpaque(data!).takeUnretainedValue().count += 1
            },
            data: data, dtor: { Unmanaged<Messages>.fromOpaque($0!).release() })
        eval(MLXArray.zeros([2, 3]) + MLXArray.zeros([4]))
        setErrorHandler(nil)
        #expect(messages.count == 1)
    }

    @Test("memory") func memory() {
        let before = Memory.snapshot()
        let a = MLXArray.zeros([256, 256]) + 1
        eval(a)
        let delta = before.delta(Memory.snapshot())
        #expect(!delta.description.isEmpty)
        #expect(Memory.activeMemory >= a.nbytes)
        let limit = Memory.cacheLimit
        Memory.cacheLimit = limit
        Memory.clearCache()
        #expect(GPU.maxRecommendedWorkingSetBytes() != nil)
        #expect(GPU.deviceInfo().memorySize > 0)
        GPU.resetPeakMemory()
        #expect(Memory.peakMemory >= 0)
    }

    @available(*, deprecated) @Test("deprecated names") func deprecatedNames() {
        GPU.set(cacheLimit: GPU.cacheLimit)
        GPU.set(memoryLimit: GPU.memoryLimit, relaxed: false)
        #expect(GPU.activeMemory >= 0)
        #expect(GPU.snapshot().activeMemory >= 0)
        using(device: .cpu) { #expect(Device.defaultDevice() == .cpu) }
        #expect(MLXArray.zeros([2, 3]).strides == [3, 1])
        #expect(MLXArray.repeat(MLXArray([1, 2]), count: 2).shape == [4])
        #expect(`repeat`(MLXArray([1, 2]), count: 2, axis: 0).shape == [4])
    }

    @Test("evaluation of anything") func evaluation() throws {
        let a = MLXArray(1) + 1
        let b = MLXArray(2) + 2
        eval(a, b)
        eval([a, b])
        eval((a, b))
        eval(["a": a, "b": b])
        eval(a, [b], (a, ["b": b]))
        asyncEval([a, b])
        asyncEval(a, (b, [a]))
        try checkedEval(a, [b])
        a.eval()
        let linear = Linear(2, 2)
        eval(linear, a)
        #expect(linear.weight.shape == [2, 2])
    }
}
