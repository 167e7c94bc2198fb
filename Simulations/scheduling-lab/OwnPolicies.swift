import MLX
import MLXPlanner

/// Policies that the lab knows by name besides those of `MLX_POLICY`: add yours here, and
/// `--policy all` runs it too.
let ownPolicies: [any SchedulingPolicy] = [NearDataPolicy()]

/// Each step goes where it is done first, unless where most of its input lies is nearly as good.
struct NearDataPolicy: SchedulingPolicy {
    var name: String { "near-data" }
    /// How much later a step may be done to stay with its input, in parts of its own time.
    var patience = 0.25

    func place(_ graph: PlacementGraph) -> [DeviceType] {
        var free = [Double](repeating: 0, count: graph.coreSets.count)
        var (devices, finishes): ([DeviceType], [Double]) = ([], [])
        for step in 0..<graph.count {
            func finish(on device: DeviceType) -> Double {
                let set = graph.coreSet(of: device)
                var start = free[set]
                for input in graph.inputs(of: step) {
                    guard let producer = input.producer else { continue }
                    let from = graph.coreSet(of: devices[producer])
                    let way = graph.handover(from: from, to: set)
                    let arrival = finishes[producer] + way.nanoseconds(byteCount: input.byteCount)
                    start = max(start, arrival)
                }
                return start + graph.nanoseconds[step][device]
            }
            let candidates = graph.candidates[step].devices
            var best = candidates.min { finish(on: $0) < finish(on: $1) } ?? .cpu
            let largest = graph.inputs(of: step).max { $0.byteCount < $1.byteCount }
            if let home = largest?.producer.map({ devices[$0] }), candidates.contains(home),
                finish(on: home) <= finish(on: best) + patience * graph.nanoseconds[step][best]
            {
                best = home
            }
            finishes.append(finish(on: best))
            devices.append(best)
            free[graph.coreSet(of: best)] = finishes[step]
        }
        return devices
    }
}
