import MLXBase
import MLXGraph
import MLXPlanner

/// A device that operations can be pinned to.
///
/// Operations are not pinned by default: the scheduler places each step where it costs least, and
/// `defaultDevice()` only says what code written for MLX expects. An explicit `stream:` or
/// `withDefaultDevice` pins.
public final class Device: Sendable, Equatable {
    let kind: DeviceKind
    let index: Int32

    /// The device of a kind. There is one of each, so `index` is taken and has no effect.
    public init(_ deviceType: DeviceType, index: Int32 = 0) {
        kind = deviceType.kind
        self.index = index
    }

    /// The task's default device, or the gpu.
    @available(*, deprecated, message: "use defaultDevice()")
    public convenience init() { self.init(Device.defaultDevice().deviceType ?? .gpu) }

    convenience init(kind: DeviceKind) {
        self.init(DeviceType(kind))
    }

    /// OpenBLAS and cache-blocked kernels; has one for every operation.
    public static let cpu = Device(.cpu)
    /// The same cores, with kernels of its own that work in grids of blocks.
    public static let gpu = Device(.gpu)
    /// int8 products with 32-bit sums.
    public static let npu = Device(.npu)

    /// The kind of the device.
    public var deviceType: DeviceType? { DeviceType(kind) }

    /// The device that the task prefers; the gpu when it has said nothing.
    public static func defaultDevice() -> Device {
        Defaults.value.stream.kind.map(Device.init(kind:)) ?? .gpu
    }

    /// Pins the operations of all tasks that say nothing else to a device; nil leaves them to the
    /// scheduler again.
    @available(*, deprecated, message: "use withDefaultDevice")
    public static func setDefault(device: Device?) {
        Defaults.processStream = device.map { StreamID($0.kind, lane: 0) } ?? .unpinned
    }

    /// Pins the operations recorded in `body` to a device.
    public static func withDefaultDevice<R>(
        _ device: Device, _ body: () throws -> R
    ) rethrows -> R {
        try Defaults.with({ $0.stream = StreamID(device.kind, lane: 0) }, body)
    }

    /// Pins the operations recorded in `body` to a device.
    public nonisolated(nonsending) static func withDefaultDevice<R>(
        _ device: Device, _ body: () async throws -> R
    ) async rethrows -> R {
        try await Defaults.with({ $0.stream = StreamID(device.kind, lane: 0) }, body)
    }

    /// Devices are equal when their kind is; the index does not matter.
    public static func == (lhs: Device, rhs: Device) -> Bool { lhs.kind == rhs.kind }
}

extension Device: CustomStringConvertible {
    public var description: String { "Device(\(kind.name), \(index))" }
}

/// Runs `fn` with a default device; the former name of `Device.withDefaultDevice`.
@available(*, deprecated, message: "use Device.withDefaultDevice")
public func using<R>(device: Device, fn: () throws -> R) rethrows -> R {
    try Device.withDefaultDevice(device, fn)
}
