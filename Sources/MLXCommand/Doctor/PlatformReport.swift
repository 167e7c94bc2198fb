import Foundation
import MLX
import MLXBase
import MLXPlanner
import MLXRuntime

/// This machine as a platform file of the scheduling lab: its topology, with the rates that steps
/// are placed by. What links cost is the default of policies; how far memories are apart is what
/// the system says.
enum PlatformReport {
    static func platform(named name: String?) -> Platform {
        let engine = Runtime.engine
        let (costs, sets) = engine.withScheduler { ($0.costs, $0.coreSets) }
        let nodes = engine.topology.nodes
        let rate = costs.rates.map(\.bandwidth).max() ?? 1
        let usable = engine.topology.usableCPUs
        return Platform(
            name: name ?? ProcessInfo.processInfo.hostName,
            devices: DeviceType.allCases.map { device in
                let set = sets.first { $0.devices.contains(device) }
                let cores = set.map(\.cores) ?? []
                return Platform.Unit(
                    device: device, cores: cores.isEmpty ? usable : cores,
                    threads: max(1, set?.threadCount ?? 1),
                    memory: nodes.firstIndex { $0.id == set?.memoryNode } ?? 0, speed: 1,
                    rates: costs.rates[device.kind.index])
            }, links: [],
            memories: nodes.map { .init(bytes: $0.memoryByteCount, bytesPerNanosecond: rate) },
            distances: distances(nodes.map(\.id)))
    }

    /// Between memory nodes; nothing where the system does not say.
    private static func distances(_ nodes: [Int]) -> [[Double]] {
        var rows: [[Double]] = []
        for node in nodes {
            let file = URL(fileURLWithPath: "/sys/devices/system/node/node\(node)/distance")
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
            let all = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            let row = nodes.compactMap { all.indices.contains($0) ? all[$0] : nil }
            guard row.count == nodes.count else { return [] }
            rows.append(row)
        }
        return rows
    }
}
