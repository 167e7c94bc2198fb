/// The processor as the engine sees it: nodes with their cores and memory, how many threads it
/// may use, and how devices are laid over the cores. A value: read from the system, made up for
/// tests and simulation, or read from a file.
package struct Topology: Sendable, Equatable {
    package struct Node: Sendable, Equatable {
        package var id: Int
        /// The cores this process may run on, in ascending order.
        package var cpus: [Int]
        package var memoryByteCount: Int

        package init(id: Int, cpus: [Int], memoryByteCount: Int) {
            self.id = id
            self.cpus = cpus
            self.memoryByteCount = memoryByteCount
        }
    }

    package enum Kind: String, Sendable {
        /// One team per node; all devices of a node share it.
        case shared
        /// Every device on cores of its own, for devices that really run side by side.
        case split
        /// Each device on the cores that a file gives it.
        case assigned
    }

    package var nodes: [Node]
    package var kind: Kind
    /// The cores of each device, by its number; used when `kind` is `assigned`.
    package var deviceCPUs: [[Int]] = []
    /// How many threads may compute at once: affinity, quota and override taken together.
    package var threadCount: Int
    /// False when made up: then nothing is bound or pinned for real.
    package var isPhysical: Bool

    package init(
        nodes: [Node], kind: Kind = .shared, threadCount: Int? = nil, isPhysical: Bool = false
    ) {
        precondition(!nodes.isEmpty)
        self.nodes = nodes
        self.kind = kind
        self.isPhysical = isPhysical
        let cpuCount = nodes.reduce(0) { $0 + $1.cpus.count }
        self.threadCount = min(max(1, threadCount ?? cpuCount), Topology.maximumThreadCount)
    }

    /// More threads than any machine of ours has cores; each one takes memory for its stack.
    package static let maximumThreadCount = 1024

    package var usableCPUs: [Int] { nodes.flatMap(\.cpus) }

    package var memoryByteCount: Int { nodes.reduce(0) { $0 + $1.memoryByteCount } }

    /// What an engine may hold when nobody says otherwise: four fifths of the memory, or of the
    /// control group's share of it.
    package var defaultMemoryLimit: Int {
        guard memoryByteCount > 0 else { return .max }
        let share = isPhysical ? ControlGroup.memoryByteCount() ?? .max : .max
        return min(memoryByteCount, share) / 5 * 4
    }

    /// A machine that does not exist.
    package static func fake(
        nodes count: Int, cpusPerNode: Int = 4, memoryByteCount: Int = 16 << 30,
        kind: Kind = .shared
    ) -> Topology {
        Topology(
            nodes: (0..<max(1, count)).map { node in
                Node(
                    id: node, cpus: Array(node * cpusPerNode..<(node + 1) * cpusPerNode),
                    memoryByteCount: memoryByteCount)
            }, kind: kind)
    }

    /// A core set: the cores of one team. Devices that have the same cores are one team, because
    /// nothing runs side by side on a core.
    package struct TeamPlacement: Sendable, Equatable {
        /// The node that its devices' memory is bound to.
        package var node: Int
        package var cpus: [Int]
        package var threadCount: Int
    }

    /// Which teams there are, and the number of each device's team.
    package struct Placement: Sendable, Equatable {
        package var teams: [TeamPlacement]
        package var teamOfDevice: [Int]
    }

    /// Lays `deviceCount` devices over the cores.
    package func placement(deviceCount: Int) -> Placement {
        switch kind {
        case .shared:
            let used = nodes.filter { !$0.cpus.isEmpty }
            let counts = share(threadCount, over: used.map(\.cpus.count))
            let teams = zip(used, counts).map { node, threads in
                TeamPlacement(node: node.id, cpus: node.cpus, threadCount: threads)
            }
            return Placement(
                teams: teams, teamOfDevice: (0..<deviceCount).map { $0 % teams.count })
        case .split: return placement(of: splitCPUs(deviceCount))
        case .assigned:
            // A device that nobody gave cores to has all of them.
            return placement(
                of: (0..<deviceCount).map {
                    $0 < deviceCPUs.count && !deviceCPUs[$0].isEmpty ? deviceCPUs[$0] : usableCPUs
                })
        }
    }

    /// Contiguous ranges in node order keep a device on one node where that is possible. With
    /// fewer cores than devices the first devices, which have more to do, each get one before any
    /// is shared.
    private func splitCPUs(_ deviceCount: Int) -> [[Int]] {
        let cpus = usableCPUs
        guard cpus.count >= deviceCount else {
            return (0..<deviceCount).map { [cpus[$0 % cpus.count]] }
        }
        return (0..<deviceCount).map { device in
            let first = device * cpus.count / deviceCount
            return Array(cpus[first..<(device + 1) * cpus.count / deviceCount])
        }
    }

    /// One team for each distinct list of cores, in the order of the devices.
    private func placement(of deviceCPUs: [[Int]]) -> Placement {
        var lists: [[Int]] = []
        var teamOfDevice: [Int] = []
        for cpus in deviceCPUs {
            if let known = lists.firstIndex(of: cpus) {
                teamOfDevice.append(known)
            } else {
                teamOfDevice.append(lists.count)
                lists.append(cpus)
            }
        }
        let counts = share(threadCount, over: lists.map(\.count))
        let teams = zip(lists, counts).map { cpus, threads in
            TeamPlacement(node: node(of: cpus[0]), cpus: cpus, threadCount: threads)
        }
        return Placement(teams: teams, teamOfDevice: teamOfDevice)
    }

    private func node(of cpu: Int) -> Int {
        nodes.first { $0.cpus.contains(cpu) }?.id ?? nodes[0].id
    }

    /// Shares `threads` in proportion to `cpuCounts`, at least one each.
    private func share(_ threads: Int, over cpuCounts: [Int]) -> [Int] {
        let total = max(1, cpuCounts.reduce(0, +))
        var given = 0
        var before = 0
        return cpuCounts.map { count in
            before += count
            let upTo = (threads * before + total - 1) / total
            let own = max(1, upTo - given)
            given += own
            return own
        }
    }
}
