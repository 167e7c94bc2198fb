import Foundation
import MLX
import Testing

// Calls of devices, streams, memory and random states.
extension EveryDeclaration {
    @Test("devices") func devices() async throws {
        let types: [DeviceType] = [.cpu, .gpu]
        for type in types {
            let device = Device(type, index: 0)
            #expect(device.deviceType == type && device == device)
            _ = (device.description, device as any CustomStringConvertible)
        }
        _ = (Device.cpu, Device.gpu, Device.defaultDevice())
        try Device.withDefaultDevice(.cpu) { try works(x + 1) }
        try await Device.withDefaultDevice(.gpu) {
            await Task.yield()
            try works(x + 1)
        }
    }

    @Test("streams") func streams() async throws {
        let streams: [MLX.Stream] = [.gpu, .cpu, MLX.Stream(), MLX.Stream(.cpu)]
        for stream in streams {
            try works(MLX.abs(x, stream: .stream(stream)))
            stream.synchronize()
            _ = (stream == .cpu, stream.description, stream as any CustomStringConvertible)
        }
        _ = MLX.Stream.defaultStream(.cpu)
        try MLX.Stream.withNewDefaultStream(device: .cpu) { try works(x + 1) }
        try await MLX.Stream.withNewDefaultStream(device: .cpu) {
            await Task.yield()
            try works(x + 1)
        }
        let places: [StreamOrDevice] = [.default, .cpu, .gpu, .device(.cpu), .stream(.cpu)]
        for place in places {
            _ = (place.stream, place.description, place == .cpu)
            try works(MLX.abs(x, stream: place))
        }
    }

    @Test("memory") func memory() throws {
        let snapshot: Memory.Snapshot = Memory.snapshot()
        _ = (snapshot.activeMemory, snapshot.cacheMemory, snapshot.peakMemory)
        _ = (snapshot.delta(Memory.snapshot()), snapshot.description)
        let data = try JSONEncoder().encode(snapshot)
        _ = try JSONDecoder().decode(Memory.Snapshot.self, from: data)
        _ = (Memory.activeMemory, Memory.cacheMemory)
        _ = (Memory.peakMemory, Memory.cacheLimit, Memory.memoryLimit)
        _ = GPU.maxRecommendedWorkingSetBytes()
        let device: GPU.DeviceInfo = GPU.deviceInfo()
        _ = (device.architecture, device.maxBufferSize)
        _ = (device.maxRecommendedWorkingSetSize, device.memorySize)
    }

    @Test("random states") func randomStates() async throws {
        let state = MLXRandom.RandomState(seed: 3)
        _ = MLXRandom.RandomState()
        state.seed(4)
        try works([state.next(), state.asRandomKey()] + state.innerState())
        let either: any RandomStateOrKey = key
        try works(either.asRandomKey())
        try works(key.asRandomKey())
        _ = (state as any RandomStateOrKey, state as any Updatable, state as any Evaluatable)
        _ = MLXRandom.globalState
        try works(resolve(key: key))
        try withRandomState(state) { try works(MLXRandom.normal([2])) }
        try await withRandomState(state) {
            await Task.yield()
            try works(MLXRandom.normal([2]))
        }
    }

    @Test("what belongs to Metal gives errors") func metal() throws {
        struct NoDevice: MTLDevice {}
        #expect(x.asMTLBuffer(device: NoDevice(), noCopy: true) as (any MTLBuffer)? == nil)
        let url = URL(fileURLWithPath: "trace")
        #expect(throws: MLXError.self) { try withError { GPU.startCapture(url: url) } }
        #expect(throws: MLXError.self) { try withError { GPU.stopCapture(url: url) } }
        GPU.startCapture(url: url)
        GPU.stopCapture(url: url)
        let kernel: MLXFast.MLXFastKernel = MLXFast.metalKernel(
            name: "twice", inputNames: ["x"], outputNames: ["y"], source: "y[i] = 2 * x[i];",
            header: "", ensureRowContiguous: true, atomicOutputs: false)
        #expect(kernel.outputNames == ["y"])
        let results = kernel(
            [x, 1], template: [("T", DType.float32), ("wide", true), ("count", 4)],
            grid: (4, 1, 1), threadGroup: (4, 1, 1), outputShapes: [[4, 4]],
            outputDTypes: [.float32], initValue: 0, verbose: false, stream: .cpu)
        #expect(results.map(\.shape) == [[4, 4]])
        #expect { try works(results) } throws: { ($0 as? ArrayError)?.kind == .unsupported }
        let absurd = kernel(
            [], grid: (0, 0, 0), threadGroup: (-1, 0, 0), outputShapes: [[-1]],
            outputDTypes: [.int8])
        #expect { try works(absurd) } throws: { ($0 as? ArrayError)?.kind == .unsupported }
    }
}
