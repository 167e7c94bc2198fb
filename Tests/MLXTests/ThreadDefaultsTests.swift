import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXMemory
import Testing

/// Defaults that a thread enters and leaves by calls, for languages without Swift's closures.
@Suite("Defaults of a thread") struct ThreadDefaultsTests {
    /// Runs `body` on a thread of its own, which belongs to no task.
    private func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    private static func pin(_ device: DeviceKind) {
        Defaults.enter { $0.stream = StreamID(device, lane: 0) }
    }

    private static var recordedOn: DeviceKind? {
        NodeReference(MLXArray([1] as [Float]) + 1).stream.kind
    }

    @Test("entering nests, leaving goes back, and other threads see nothing") func nested() async {
        let seen = await onThread { () -> [DeviceKind?] in
            var seen = [ThreadDefaultsTests.recordedOn]
            ThreadDefaultsTests.pin(.cpu)
            seen.append(ThreadDefaultsTests.recordedOn)
            ThreadDefaultsTests.pin(.npu)
            seen.append(ThreadDefaultsTests.recordedOn)
            Defaults.exit()
            seen.append(ThreadDefaultsTests.recordedOn)
            Defaults.exit()
            seen.append(ThreadDefaultsTests.recordedOn)
            return seen
        }
        #expect(seen == [nil, .cpu, .npu, .cpu, nil])
        #expect(await onThread { Defaults.exit() } == false)
    }

    @Test("a task-local is stronger, and starts from the thread's") func taskLocal() async {
        let seen = await onThread { () -> [DeviceKind?] in
            ThreadDefaultsTests.pin(.cpu)
            defer { Defaults.exit() }
            return [
                Device.withDefaultDevice(.gpu) { ThreadDefaultsTests.recordedOn },
                withPolicy(CostPolicy()) { ThreadDefaultsTests.recordedOn },
                ThreadDefaultsTests.recordedOn,
            ]
        }
        #expect(seen == [.gpu, .cpu, .cpu])
        #expect(Device.withDefaultDevice(.cpu) { Device.defaultDevice() } == .cpu)
    }

    @Test("an error handler of a thread hears of its operations") func errors() async {
        let messages = Locked<[String]>([])
        await onThread {
            Defaults.enter {
                $0.onInvalid = { error in messages.withLock { $0.append("\(error.kind)") } }
            }
            _ = MLXArray.zeros([2]) + MLXArray.zeros([3])
            Defaults.exit()
            _ = MLXArray.zeros([4]) + MLXArray.zeros([5])
        }
        #expect(messages.withLock { $0 } == ["shape"])
    }
}
