import MLXBase
import MLXGraph
import MLXMemory

/// An in-order lane of a device. Operations on one stream run in the order they are scheduled;
/// what another stream needs is waited for by itself.
public final class Stream: Sendable, Equatable {
    let id: StreamID

    init(id: StreamID) { self.id = id }

    /// The first stream of the cpu.
    public static let cpu = Stream(id: StreamID(.cpu, lane: 0))
    /// The first stream of the gpu.
    public static let gpu = Stream(id: StreamID(.gpu, lane: 0))
    /// The first stream of the npu.
    public static let npu = Stream(id: StreamID(.npu, lane: 0))

    /// The lanes handed out so far, for each device.
    private static let lanes = Locked<[Int]>([0, 0, 0]).survivingForks()

    /// A new stream on the default device.
    public convenience init() { self.init(Device.defaultDevice()) }

    /// A new stream on a device. Beyond 4,095 streams of a device, numbers repeat.
    public convenience init(_ device: Device) {
        let lane = Stream.lanes.withLock { lanes in
            lanes[device.kind.index] = lanes[device.kind.index] % StreamID.maximumLane + 1
            return lanes[device.kind.index]
        }
        self.init(id: StreamID(device.kind, lane: lane))
    }

    /// The stream of a device with a number.
    @available(*, deprecated, message: "use init(_:)")
    public convenience init(index: Int32, _ device: Device) {
        self.init(
            id: StreamID(device.kind, lane: Int(index) & StreamID.maximumLane))
    }

    /// Runs `body` with a new stream as the default.
    public static func withNewDefaultStream<R>(
        device: Device? = nil, _ body: () throws -> R
    ) rethrows -> R {
        let stream = Stream(device ?? Device.defaultDevice())
        return try Defaults.with({ $0.stream = stream.id }, body)
    }

    /// Runs `body` with a new stream as the default.
    public nonisolated(nonsending) static func withNewDefaultStream<R>(
        device: Device? = nil, _ body: () async throws -> R
    ) async rethrows -> R {
        let stream = Stream(device ?? Device.defaultDevice())
        return try await Defaults.with({ $0.stream = stream.id }, body)
    }

    /// Waits until everything started before, with `asyncEval` say, has run.
    public func synchronize() { Runtime.engine.synchronize() }

    /// The stream that operations on a device use when none is named.
    public static func defaultStream(_ device: Device) -> Stream {
        let current = Defaults.value.stream
        return Stream(id: current.kind == device.kind ? current : StreamID(device.kind, lane: 0))
    }

    public static func == (lhs: Stream, rhs: Stream) -> Bool { lhs.id == rhs.id }
}

extension Stream: CustomStringConvertible {
    public var description: String {
        "Stream(\(Device(kind: id.kind ?? .gpu)), \(id.lane))"
    }
}

/// Where an operation is to run: a stream, a device, or wherever the policy thinks best.
public struct StreamOrDevice: Sendable, CustomStringConvertible, Equatable {
    let id: StreamID

    /// The task's default; without one the scheduling policy decides.
    public static var `default`: StreamOrDevice { StreamOrDevice(id: .unpinned) }

    /// The first stream of a device, which pins the operation to it.
    public static func device(_ device: Device) -> StreamOrDevice {
        StreamOrDevice(id: StreamID(device.kind, lane: 0))
    }

    /// The first stream of the cpu.
    public static let cpu = device(.cpu)
    /// The first stream of the gpu.
    public static let gpu = device(.gpu)
    /// The first stream of the npu.
    public static let npu = device(.npu)

    /// One stream, which orders the operation after what was recorded on it before.
    public static func stream(_ stream: Stream) -> StreamOrDevice {
        StreamOrDevice(id: stream.id)
    }

    /// The stream meant; for the default, that of the default device.
    public var stream: Stream {
        id == .unpinned ? Stream.defaultStream(Device.defaultDevice()) : Stream(id: id)
    }

    public var description: String { stream.description }
}
