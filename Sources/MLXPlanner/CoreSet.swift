/// Cores that compute one thing at a time, and the devices that live on them. Cores are what is
/// scarce: two devices of one set never run side by side, so placing a step among them means
/// choosing the better one; devices of different sets divide a graph.
public struct CoreSet: Hashable, Sendable {
    /// The devices that use these cores. A device belongs to exactly one set.
    public var devices: DeviceSet
    /// The numbers of the cores, as the system counts them; empty when nobody has said.
    public var cores: [Int]
    /// How many threads compute at once.
    public var threadCount: Int
    /// The memory node that the devices allocate on.
    public var memoryNode: Int
    /// How much memory that node has; 0 when unknown.
    public var memoryByteCount: Int

    package init(
        devices: DeviceSet, cores: [Int] = [], threadCount: Int = 1, memoryNode: Int = 0,
        memoryByteCount: Int = 0
    ) {
        self.devices = devices
        self.cores = cores
        self.threadCount = threadCount
        self.memoryNode = memoryNode
        self.memoryByteCount = memoryByteCount
    }

    /// All devices on the same cores.
    package static let shared = [CoreSet(devices: .all)]

    /// Cores of its own for each device.
    package static let split = DeviceType.allCases.enumerated().map { number, device in
        CoreSet(devices: DeviceSet(device), cores: [number])
    }
}
