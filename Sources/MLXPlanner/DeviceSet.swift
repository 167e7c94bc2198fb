import MLXGraph

/// The kinds of device: three ways to compute on the cores of one machine. Policies name devices
/// by it, and `Device` and `Stream` are made from it.
public enum DeviceType: String, Hashable, Sendable, CaseIterable, Codable {
    /// OpenBLAS and cache-blocked loops.
    case cpu
    /// Grids of blocks with SIMD kernels, fused.
    case gpu
    /// Products of int8 matrices.
    case npu

    @inline(__always) package init(_ kind: DeviceKind) {
        switch kind {
        case .cpu: self = .cpu
        case .gpu: self = .gpu
        case .npu: self = .npu
        }
    }

    @inline(__always) package var kind: DeviceKind {
        switch self {
        case .cpu: .cpu
        case .gpu: .gpu
        case .npu: .npu
        }
    }
}

/// A set of device types.
public struct DeviceSet: OptionSet, Sendable, Hashable {
    /// One bit for each device type.
    public let rawValue: UInt8
    /// The set of the devices whose bits are set.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The cpu.
    public static let cpu = DeviceSet(rawValue: 1)
    /// The gpu.
    public static let gpu = DeviceSet(rawValue: 2)
    /// The npu.
    public static let npu = DeviceSet(rawValue: 4)
    /// All of them.
    public static let all: DeviceSet = [.cpu, .gpu, .npu]

    /// The set of one device.
    public init(_ device: DeviceType) { self.init(device.kind) }
    /// Whether the device is in the set.
    public func contains(_ device: DeviceType) -> Bool { contains(DeviceSet(device.kind)) }
    /// The devices in the set: cpu, gpu, npu.
    public var devices: [DeviceType] { DeviceType.allCases.filter { contains($0) } }
    /// How many devices are in it.
    public var count: Int { rawValue.nonzeroBitCount }

    package init(_ kind: DeviceKind) { self.init(rawValue: 1 << UInt8(kind.index)) }
    package func contains(_ kind: DeviceKind) -> Bool { contains(DeviceSet(kind)) }
    init(_ sets: [DeviceSet]) { self = sets.reduce([]) { $0.union($1) } }
}

extension DeviceSet: CustomStringConvertible {
    public var description: String {
        isEmpty ? "none" : devices.map(\.rawValue).joined(separator: ", ")
    }
}

/// A value for each device type, without a table: policies look into one for every step.
public struct PerDevice<Value: Sendable>: Sendable {
    private var cpu: Value
    private var gpu: Value
    private var npu: Value

    /// The same value for all.
    public init(repeating value: Value) { (cpu, gpu, npu) = (value, value, value) }

    /// The value of a device.
    public subscript(device: DeviceType) -> Value {
        get {
            switch device {
            case .cpu: cpu
            case .gpu: gpu
            case .npu: npu
            }
        }
        set {
            switch device {
            case .cpu: cpu = newValue
            case .gpu: gpu = newValue
            case .npu: npu = newValue
            }
        }
    }
}

extension PerDevice: Equatable where Value: Equatable {}
extension PerDevice: Hashable where Value: Hashable {}
