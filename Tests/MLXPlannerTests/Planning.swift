import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

// Plans of graphs that are never evaluated but for their leaves.

/// An evaluated array of ones.
func leaf(_ shape: [Int], _ dtype: DType = .float32) -> MLXArray {
    let array = MLX.ones(shape, dtype: dtype)
    eval(array)
    return array
}

/// Gives `body` the subgraph below some arrays.
func withGraph<R>(
    _ roots: [MLXArray], _ body: (borrowing Subgraph) throws -> R
) rethrows -> R {
    let references = roots.map { $0.acquire() }
    defer { for handle in references { GraphStore.shared.release(handle.id) } }
    return try body(Subgraph(roots: references))
}

func plan(_ roots: [MLXArray], _ planner: Planner = Planner()) throws -> Plan {
    let plan = try withGraph(roots) { try planner.plan($0, PlanKey($0, context: 0)) }
    plan.checkInvariants()
    return plan
}

func explanation(_ roots: [MLXArray], _ planner: Planner) throws -> Explanation {
    try withGraph(roots) { try planner.explain($0) }
}

extension Plan {
    /// The device of each step.
    var devices: [DeviceType] { steps.map { DeviceType(streams[Int($0.stream)].kind!) } }
    var names: [String] { steps.map { OpTable.name($0.op) } }
}

/// Compares a text with the one in `Fixtures/NAME.txt`. With `MLX_RECORD_PLANS=1` it is written
/// there instead: read the difference before committing it.
func expectGolden(
    _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    if ProcessInfo.processInfo.environment["MLX_RECORD_PLANS"] != nil {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/\(name).txt")
        try Data((text + "\n").utf8).write(to: file)
        return
    }
    let url = try #require(
        Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Fixtures"),
        "no golden text \(name); MLX_RECORD_PLANS=1 writes it", sourceLocation: sourceLocation)
    let wanted = try String(contentsOf: url, encoding: .utf8)
    #expect(text + "\n" == wanted, "\(name)", sourceLocation: sourceLocation)
}
