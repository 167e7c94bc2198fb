import MLXMemory
import MLXPlanner

/// From the topology to what policies see: which devices compute on the same cores.
extension CoreSet {
    /// Shared devices are one set on a machine of several nodes too: its nodes work on one step
    /// together, so placing a step means choosing the better device there as well.
    package static func sets(
        of topology: Topology, _ placement: Topology.Placement
    ) -> [CoreSet] {
        if topology.kind == .shared {
            return [
                CoreSet(
                    devices: .all, cores: topology.usableCPUs,
                    threadCount: topology.threadCount, memoryNode: placement.teams[0].node,
                    memoryByteCount: topology.memoryByteCount)
            ]
        }
        return placement.teams.enumerated().map { number, team in
            let node = topology.nodes.first { $0.id == team.node }
            return CoreSet(
                devices: DeviceType.allCases.reduce(into: []) { set, device in
                    if placement.teamOfDevice[device.kind.index] == number {
                        set.insert(DeviceSet(device))
                    }
                }, cores: team.cpus, threadCount: team.threadCount, memoryNode: team.node,
                memoryByteCount: node?.memoryByteCount ?? 0)
        }
    }
}
