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
    }

    package var nodes: [Node]
    package var kind: Kind
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
        self.threadCount = max(1, threadCount ?? cpuCount)
    }

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

    /// The cores of one team.
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
        case .split:
            let cpus = usableCPUs
            // Contiguous ranges in node order keep a device on one node where that is possible.
            let ranges = (0..<deviceCount).map { device in
                let first = device * cpus.count / deviceCount
                let last = max(first + 1, (device + 1) * cpus.count / deviceCount)
                return Array(cpus[min(first, cpus.count - 1)..<min(last, cpus.count)])
            }
            let counts = share(threadCount, over: ranges.map(\.count))
            let teams = zip(ranges, counts).map { cpus, threads in
                TeamPlacement(
                    node: node(of: cpus[0]), cpus: cpus, threadCount: threads)
            }
            return Placement(teams: teams, teamOfDevice: Array(0..<deviceCount))
        }
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
