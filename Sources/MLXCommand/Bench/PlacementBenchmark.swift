import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import MLXRuntime

/// Two equal convolutions on engines that are measured first: on shared cores one device should
/// get both, on cores of their own each device one; and what the planner expects should be near
/// what it takes.
enum PlacementBenchmark {
    static func run() throws -> [Figure] {
        try figures("shared", .system(kind: .shared)) + figures("split", .system(kind: .split))
    }

    private static func figures(_ name: String, _ topology: Topology) throws -> [Figure] {
        var configuration = Engine.Configuration(topology: topology)
        let probe = Engine(configuration)
        configuration.costs = try Calibration.measure(probe)
        shutdown(probe)
        let engine = Engine(configuration)
        defer { shutdown(engine) }
        let image = try ones([8, 32, 32, 32], engine)
        let weights = try [ones([64, 3, 3, 32], engine), ones([64, 3, 3, 32], engine)]
        func record() -> [MLXArray] {
            var geometry = ConvolutionGeometry()
            geometry.paddingLow = [1, 1]
            geometry.paddingHigh = [1, 1]
            return weights.map {
                Ops.record(.conv2d, [image, $0], Attributes(words: geometry.words))
            }
        }
        let expected = try expectation(record(), topology, configuration.costs)
        let measured = try Timing.median(25) {
            try engine.evaluateBlocking(.init(roots: record()))
        }
        let prefix = "placement_\(name)"
        return [
            Figure(
                workload: "\(prefix)_devices",
                value: Double(Set(expected.devices.map(\.rawValue)).count), unit: "devices",
                count: 1),
            Figure(
                workload: "\(prefix)_expected", value: expected.makespanNanoseconds, unit: "ns",
                count: 1),
            Figure(workload: "\(prefix)_measured", value: measured, unit: "ns", count: 25),
        ]
    }

    private static func expectation(
        _ roots: [MLXArray], _ topology: Topology, _ costs: CostModel
    ) throws -> Explanation {
        let placement = topology.placement(deviceCount: DeviceKind.allCases.count)
        let planner = Planner(costs: costs, coreSets: CoreSet.sets(of: topology, placement))
        let references = roots.map { $0.acquire() }
        defer { for handle in references { GraphStore.shared.release(handle.id) } }
        return try planner.explain(Subgraph(roots: references))
    }

    private static func ones(_ dims: [Int], _ engine: Engine) throws -> MLXArray {
        let array = Ops.full(try Shape(validating: dims), 1, .float32)
        try engine.evaluateBlocking(.init(roots: [array]))
        return array
    }

    private static func shutdown(_ engine: Engine) {
        for team in engine.teams { (team as? Team)?.shutdown() }
    }
}
