import CNUMA
import Glibc

/// Reads the topology of the machine: cores from the affinity mask, nodes from libnuma, the
/// share of time from the control group's quota. Whatever cannot be read leaves the plain
/// answer: one node with all cores.
extension Topology {
    /// - Parameter threadCount: overrides what affinity and quota say.
    package static func system(kind: Kind = .shared, threadCount: Int? = nil) -> Topology {
        let cpus = affinity()
        let nodes =
            numaNodes(cpus: cpus) ?? [
                Node(id: 0, cpus: cpus, memoryByteCount: physicalMemoryByteCount())
            ]
        let quota = ControlGroup.cpuCount().map { min($0, cpus.count) } ?? cpus.count
        return Topology(
            nodes: nodes, kind: kind, threadCount: threadCount ?? quota, isPhysical: true)
    }

    private static func affinity() -> [Int] {
        if let mask = numa_allocate_cpumask() {
            defer { numa_bitmask_free(mask) }
            if numa_sched_getaffinity(0, mask) >= 0 {
                let cpus = (0..<Int(mask.pointee.size)).filter {
                    numa_bitmask_isbitset(mask, UInt32($0)) != 0
                }
                if !cpus.isEmpty { return cpus }
            }
        }
        return Array(0..<max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    }

    private static func physicalMemoryByteCount() -> Int {
        Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func numaNodes(cpus: [Int]) -> [Node]? {
        guard numa_available() >= 0 else { return nil }
        var nodes: [Node] = []
        for id in 0...max(0, Int(numa_max_node())) {
            guard let mask = numa_allocate_cpumask() else { continue }
            defer { numa_bitmask_free(mask) }
            guard numa_node_to_cpus(Int32(id), mask) == 0 else { continue }
            let own = cpus.filter { numa_bitmask_isbitset(mask, UInt32($0)) != 0 }
            // A node without cores of ours runs no team, so nothing is bound to it either.
            guard !own.isEmpty else { continue }
            let byteCount = numa_node_size64(Int32(id), nil)
            nodes.append(Node(id: id, cpus: own, memoryByteCount: max(0, Int(byteCount))))
        }
        // Cores that libnuma does not know of (a restricted container) must not be lost.
        guard nodes.reduce(0, { $0 + $1.cpus.count }) == cpus.count else { return nil }
        return nodes
    }
}
