import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

/// Policies: where the cost policy puts steps on one and on several core sets, policies that say
/// something impossible, and policies as keys of plans.
@Suite("Policies") struct PolicyTests {
    private static let both: DeviceSet = [.cpu, .gpu]

    /// Steps with given costs on cpu and gpu, each reading the ones before it that are named.
    private func graph(
        _ costs: [(cpu: Double, gpu: Double)], reads: [[Int]] = [],
        _ coreSets: [CoreSet] = CoreSet.shared
    ) -> PlacementGraph {
        var graph = PlacementGraph(coreSets: coreSets)
        for (step, cost) in costs.enumerated() {
            var nanoseconds = PerDevice(repeating: Double.infinity)
            nanoseconds[.cpu] = cost.cpu
            nanoseconds[.gpu] = cost.gpu
            graph.append(
                "step", flops: 1, bytes: 1, outputByteCount: 1, candidates: Self.both,
                isPinned: false, nanoseconds: nanoseconds)
            for input in step < reads.count ? reads[step] : [] {
                graph.appendInput(.init(place: .step(input), byteCount: 8))
            }
        }
        return graph
    }

    @Test("on one core set each step goes where it costs least, whatever is around it")
    func oneSet() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<50 {
            let costs = (0..<12).map { _ in
                (cpu: Double(random.below(900)), gpu: Double(random.below(900)))
            }
            let reads = (0..<12).map { step in
                step == 0 ? [] : [random.below(step), random.below(step)]
            }
            let placed = CostPolicy().place(graph(costs, reads: reads))
            #expect(placed == costs.map { $0.cpu < $0.gpu ? .cpu : .gpu })
            #expect(placed == CostPolicy().place(graph(costs)))
            let reversed = CostPolicy().place(graph(costs.reversed()))
            #expect(placed == reversed.reversed())
        }
    }

    @Test("on several core sets work that may run side by side is divided") func severalSets() {
        let equal = [(cpu: 1000.0, gpu: 1100.0), (cpu: 1000.0, gpu: 1100.0)]
        #expect(CostPolicy().place(graph(equal, CoreSet.split)) == [.cpu, .gpu])
        // A chain stays where it is cheapest.
        #expect(
            CostPolicy().place(graph(equal, reads: [[], [0]], CoreSet.split)) == [.cpu, .cpu])
        // Handing over is worth it when it costs less than it saves.
        let better = [(cpu: 1000.0, gpu: 9000.0), (cpu: 1000.0, gpu: 700.0)]
        func place(_ handover: Double) -> [DeviceType] {
            CostPolicy(handoverNanoseconds: handover).place(
                graph(better, reads: [[], [0]], CoreSet.split))
        }
        #expect(place(200) == [.cpu, .gpu])
        #expect(place(400) == [.cpu, .cpu])
    }

    @Test("devices on the same cores share a clock") func sharedClock() {
        // cpu and gpu on one set, the npu on another: nothing runs side by side.
        let sets = [CoreSet(devices: Self.both), CoreSet(devices: .npu)]
        let equal = [(cpu: 1000.0, gpu: 1100.0), (cpu: 1000.0, gpu: 1100.0)]
        #expect(CostPolicy().place(graph(equal, sets)) == [.cpu, .cpu])
    }

    // MARK: - Bad policies

    private struct Stubborn: SchedulingPolicy {
        var name: String { "stubborn" }
        var device: DeviceType
        func place(_ graph: PlacementGraph) -> [DeviceType] {
            graph.names.map { _ in device }
        }
    }

    private struct Short: SchedulingPolicy {
        var name: String { "short" }
        func place(_ graph: PlacementGraph) -> [DeviceType] { [] }
    }

    @Test("a device that is no candidate is an error that says so") func noCandidate() {
        let x = leaf([3])
        let y = Ops.unary(.exp, x)
        do {
            _ = try plan([y], Planner(policy: Stubborn(device: .npu)))
            Issue.record("was placed")
        } catch {
            let error = error as? ArrayError
            #expect(error?.kind == .argument && error?.operation == "policy stubborn")
            #expect(error?.message == "names npu for step 0, exp, which can run on: cpu, gpu")
        }
        // What the user pins is no candidate for the others either.
        let pinned = Ops.unary(.exp, x, stream: StreamID(.gpu, lane: 0))
        #expect(throws: ArrayError.self) {
            try plan([pinned], Planner(policy: Stubborn(device: .cpu)))
        }
        #expect(throws: Never.self) {
            try plan([pinned], Planner(policy: Stubborn(device: .gpu)))
        }
    }

    @Test("too few devices are an error") func wrongCount() {
        let y = exp(leaf([3]))
        #expect(throws: ArrayError.self) { try plan([y], Planner(policy: Short())) }
        #expect(throws: ArrayError.self) { try withPolicy(Short()) { try checkedEval(y) } }
    }

    // MARK: - Keys

    @Test("equal policies share plans, different ones do not") func keys() {
        func context(_ policy: any SchedulingPolicy, _ costs: CostModel = .typical) -> UInt64 {
            Planner(costs: costs, policy: policy).context
        }
        #expect(context(CostPolicy()) == context(CostPolicy()))
        let policies: [any SchedulingPolicy] = [
            CostPolicy(), CostPolicy(handoverNanoseconds: 7), RandomPolicy(seed: 1),
            RandomPolicy(seed: 2), RoundRobinPolicy(), SingleDevicePolicy.allCPU,
            SingleDevicePolicy.allGPU, Short(), Stubborn(device: .cpu), Stubborn(device: .gpu),
        ]
        #expect(Set(policies.map { context($0) }).count == policies.count)
        #expect(context(CostPolicy(), .favouring(.gpu)) != context(CostPolicy()))
        #expect(
            Planner(coreSets: CoreSet.split).context != Planner(coreSets: CoreSet.shared).context)
        var planner = Planner()
        planner.policy = RoundRobinPolicy()
        #expect(planner.context == context(RoundRobinPolicy()))
        planner.costs = .random(seed: 5)
        #expect(planner.context == context(RoundRobinPolicy(), .random(seed: 5)))
    }

    @Test("numbers are not given out twice, even after the table was emptied") func interning() {
        let table = InternTable<Int>(maximumCount: 8)
        var seen: Set<UInt64> = []
        for value in 0..<100 {
            let number = table.number(of: value)
            #expect(table.number(of: value) == number)
            #expect(seen.insert(number).inserted)
        }
    }

    @Test("names make policies") func names() {
        for name in ["cost", "round-robin", "random", "all-cpu", "all-gpu", "all-npu"] {
            #expect(schedulingPolicy(named: name)?.name == name)
        }
        #expect(schedulingPolicy(named: "random:7") as? RandomPolicy == RandomPolicy(seed: 7))
        #expect(schedulingPolicy(named: "random:x") == nil && schedulingPolicy(named: "") == nil)
    }
}
