import CNUMA
import Glibc

/// Reads the topology of the machine: cores from the affinity mask, nodes from libnuma, the
/// share of time from the control group's quota. Whatever cannot be read leaves the plain
/// answer: one node with all cores.
extension Topology {
    /// - Parameter threadCount: overrides what affinity and quota say.
    package static func system(kind: Kind = .shared, threadCount: Int? = nil) -> Topology {
        let cpus = affinity()
        let nodes = numaNodes(cpus: cpus) ?? [
            Node(id: 0, cpus: cpus, memoryByteCount: physicalMemoryByteCount())
        ]
        let quota = CPUQuota.current().map { min($0, cpus.count) } ?? cpus.count
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

/// The control group's share of processor time, in whole cores.
package enum CPUQuota {
    /// The smallest quota on the path of this process's group; nil when there is none.
    package static func current() -> Int? {
        let groups = readText("/proc/self/cgroup") ?? ""
        var quotas: [Int] = []
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1].isEmpty {
                for folder in ancestors(of: fields[2], under: "/sys/fs/cgroup") {
                    if let text = readText(folder + "/cpu.max"), let quota = parse(max: text) {
                        quotas.append(quota)
                    }
                }
            } else if fields[1].split(separator: ",").contains("cpu") {
                for folder in ancestors(of: fields[2], under: "/sys/fs/cgroup/cpu") {
                    guard let quota = readText(folder + "/cpu.cfs_quota_us"),
                        let period = readText(folder + "/cpu.cfs_period_us"),
                        let count = parse(quota: quota, period: period)
                    else { continue }
                    quotas.append(count)
                }
            }
        }
        return quotas.min()
    }

    /// `cpu.max` of version 2: "150000 100000" or "max 100000".
    package static func parse(max text: String) -> Int? {
        let fields = text.split { $0 == " " || $0 == "\n" }
        guard fields.count == 2 else { return nil }
        return parse(quota: String(fields[0]), period: String(fields[1]))
    }

    /// The two files of version 1; a quota of -1 means none. A part of a core counts as one.
    package static func parse(quota: String, period: String) -> Int? {
        guard let quota = Int(trimmed(quota)), let period = Int(trimmed(period)),
            quota > 0, period > 0
        else { return nil }
        return Swift.max(1, quota / period + (quota % period == 0 ? 0 : 1))
    }

    private static func trimmed(_ text: String) -> Substring {
        text.split { $0 == " " || $0 == "\n" }.first ?? ""
    }

    private static func ancestors(of path: Substring, under root: String) -> [String] {
        var folders = [root]
        for part in path.split(separator: "/") where part != ".." {
            folders.append(folders[folders.count - 1] + "/" + part)
        }
        return folders
    }

    private static func readText(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        // Files of a few lines; what is longer is not one of them.
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[0..<count], as: UTF8.self)
    }
}
