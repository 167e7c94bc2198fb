import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

/// Schedules: what every policy by name must keep to on random graphs, answers known from papers,
/// bounds, and plans whose steps a policy put in another order.
@Suite("Schedules") struct ScheduleTests {
    /// The example of the HEFT paper: ten steps, three processors, costs and bytes that take one
    /// nanosecond each on their way.
    private static func paper() -> PlacementGraph {
        let costs: [[Double]] = [
            [14, 16, 9], [13, 19, 18], [11, 13, 19], [13, 8, 17], [12, 13, 10], [13, 16, 9],
            [7, 15, 11], [5, 11, 14], [18, 12, 20], [21, 7, 16],
        ]
        let edges = [
            (1, 2, 18), (1, 3, 12), (1, 4, 9), (1, 5, 11), (1, 6, 14), (2, 8, 19), (2, 9, 16),
            (3, 7, 23), (4, 8, 27), (4, 9, 23), (5, 9, 13), (6, 8, 15), (7, 10, 17), (8, 10, 11),
            (9, 10, 13),
        ]
        let between = Handover(nanoseconds: 0, nanosecondsPerByte: 1)
        var graph = PlacementGraph(
            coreSets: CoreSet.split,
            handovers: (0..<9).map { $0 / 3 == $0 % 3 ? .none : between })
        for (step, cost) in costs.enumerated() {
            var nanoseconds = PerDevice(repeating: 0.0)
            for (device, cost) in zip(DeviceType.allCases, cost) { nanoseconds[device] = cost }
            graph.append(
                "step", flops: 1, bytes: 1, outputByteCount: 1, candidates: .all,
                isPinned: false, nanoseconds: nanoseconds)
            for edge in edges where edge.1 == step + 1 {
                graph.appendInput(.init(place: .step(edge.0 - 1), byteCount: edge.2))
            }
        }
        return graph
    }

    /// A random graph: steps that cannot run everywhere, edges twice, bytes, core sets of any kind.
    private static func random(_ seed: UInt64) -> PlacementGraph {
        var random = SplitMix64(seed: seed)
        let sets: [[CoreSet]] = [
            CoreSet.split, CoreSet.shared,
            [CoreSet(devices: [.cpu, .gpu]), CoreSet(devices: .npu)],
        ]
        let chosen = sets[random.below(3)]
        let between = Handover(
            nanoseconds: Double(random.below(300)), nanosecondsPerByte: random.unit())
        let pairs = chosen.count * chosen.count
        var graph = PlacementGraph(
            coreSets: chosen,
            handovers: (0..<pairs).map {
                $0 / chosen.count == $0 % chosen.count ? .none : between
            })
        for step in 0..<random.within(1...60) {
            let candidates = DeviceSet(rawValue: UInt8(random.within(1...7)))
            var nanoseconds = PerDevice(repeating: Double.infinity)
            for device in candidates.devices { nanoseconds[device] = Double(random.below(1000)) }
            graph.append(
                ["a", "b", "c"][random.below(3)], flops: 1, bytes: 1,
                outputByteCount: random.below(1000), candidates: candidates, isPinned: false,
                nanoseconds: nanoseconds)
            for _ in 0..<(step == 0 ? 0 : random.below(4)) {
                graph.appendInput(
                    .init(place: .step(random.below(step)), byteCount: random.below(1000)))
            }
        }
        return graph
    }

    @Test("moving steps makes schedules shorter or leaves them, the same each time")
    func refinement() {
        var better = 0
        for seed in 1...300 {
            let graph = Self.random(UInt64(seed))
            for policy in [ListPolicy.heft, RandomPolicy(seed: 3)] as [any SchedulingPolicy] {
                let given = policy.schedule(graph)
                let before = Timeline(graph, given).makespanNanoseconds
                for budget in [0, 5, 400] {
                    var refinement = Refinement(graph, given, budget: budget)
                    let schedule = refinement.schedule()
                    let after = Timeline(graph, schedule).makespanNanoseconds
                    #expect(after <= before * (1 + 1e-9), "seed \(seed), budget \(budget)")
                    if after < before * 0.99 { better += 1 }
                    for (step, device) in schedule.devices.enumerated() {
                        #expect(graph.candidates[step].contains(device))
                    }
                    var again = Refinement(graph, given, budget: budget)
                    let second = again.schedule()
                    #expect(second == schedule)
                }
            }
        }
        #expect(better > 300)
    }

    private static let policies: [any SchedulingPolicy] =
        schedulingPolicies + ListPolicy.all + [
            HintedPolicy(["a": .gpu, "b": .npu]), MemoryBoundedPolicy(byteLimit: 2000),
            PortfolioPolicy(asksAll: true),
        ]

    private func makespan(_ policy: any SchedulingPolicy, _ graph: PlacementGraph) -> Double {
        Timeline(graph, policy.schedule(graph)).makespanNanoseconds
    }

    // MARK: - What all keep to

    @Test("every policy places every step once, where it can run, after what it reads")
    func legality() {
        #expect(ListPolicy.all.count >= 72)
        for seed in 0..<40 {
            let graph = Self.random(UInt64(seed))
            let bounds = MakespanBounds(graph, rounds: 60)
            for policy in Self.policies {
                let schedule = policy.schedule(graph)
                let order = schedule.order ?? Array(0..<graph.count)
                #expect(order.sorted() == Array(0..<graph.count), "\(policy.name) seed \(seed)")
                var position = [Int](repeating: 0, count: graph.count)
                for (place, step) in order.enumerated() { position[step] = place }
                for step in 0..<graph.count {
                    #expect(graph.candidates[step].contains(schedule.devices[step]))
                    for producer in graph.inputs(of: step).compactMap(\.producer) {
                        #expect(position[producer] < position[step], "\(policy.name) \(seed)")
                    }
                }
                #expect(
                    policy.schedule(graph) == schedule, "\(policy.name) differs on asking again")
                #expect(policy.place(graph) == schedule.devices)
                let time = Timeline(graph, schedule).makespanNanoseconds
                #expect(time >= bounds.best.nanoseconds * (1 - 1e-9), "\(policy.name) \(seed)")
            }
        }
    }

    @Test("no steps, no schedule") func empty() {
        for policy in Self.policies {
            #expect(policy.schedule(PlacementGraph(coreSets: CoreSet.split)).devices == [])
        }
        #expect(MakespanBounds(PlacementGraph()).best.nanoseconds == 0)
    }

    @Test("what a portfolio says is no later than any member says") func portfolio() {
        for seed in 100..<140 {
            let graph = Self.random(UInt64(seed))
            let portfolio = PortfolioPolicy(asksAll: true)
            let time = makespan(portfolio, graph)
            for member in portfolio.members { #expect(time <= makespan(member.policy, graph)) }
        }
    }

    @Test("names make the policies that have them") func names() {
        for policy in Self.policies {
            if let portfolio = policy as? PortfolioPolicy, portfolio.asksAll { continue }
            #expect(schedulingPolicy(named: policy.name)?.name == policy.name)
        }
        for name in [
            "", "heft2", "list:upward", "list:upward:finish:maybe", "hints:", "hints:a=tpu",
            "hints:a=cpu,a=gpu", "memory:-1", "random:",
        ] {
            #expect(schedulingPolicy(named: name) == nil, "\(name)")
        }
        // HEFT and PEFT are list schedulers too, and the portfolio is there twice.
        #expect(Set(Self.policies.map(\.name)).count == Self.policies.count - 3)
    }

    // MARK: - Known answers

    @Test("the example of the HEFT paper: HEFT 80, CPOP 86, ranks as printed") func heft() {
        let graph = Self.paper()
        #expect(makespan(ListPolicy.heft, graph) == 80)
        #expect(makespan(CriticalPathPolicy(), graph) == 86)
        #expect(makespan(ListPolicy.peft, graph) == 85)
        let ranks = TaskView(graph).ranks(.upward)
        let printed = [108, 77, 80, 80, 69, 63.333, 42.667, 35.667, 44.333, 14.667]
        for (rank, printed) in zip(ranks, printed) { #expect(abs(rank - printed) < 0.001) }
        // What is there to be had: no schedule is shorter than the critical path of least costs.
        let bounds = MakespanBounds(graph)
        #expect(bounds.nanoseconds[.criticalPath] == 41)
        #expect(bounds.best.nanoseconds < 80)
    }

    @Test("independent steps: the area bound is what dividing them gives") func area() {
        var graph = PlacementGraph(coreSets: CoreSet.split)
        for _ in 0..<600 {
            var nanoseconds = PerDevice(repeating: 600.0)
            nanoseconds[.gpu] = 300
            nanoseconds[.npu] = 200
            graph.append(
                "step", flops: 1, bytes: 1, outputByteCount: 1, candidates: .all,
                isPinned: false, nanoseconds: nanoseconds)
        }
        // Rates of one, two and three in 600 ns: six steps, 600 / 6 x 600 ns.
        let bound = MakespanBounds(graph).nanoseconds[.area] ?? 0
        #expect(abs(bound - 60_000) < 60)
        #expect(makespan(ListPolicy.heft, graph) == 60_000)
    }

    @Test("closed form of tiled Cholesky") func cholesky() {
        // One worker does all the work; many are held up by the way through.
        #expect(MakespanBounds.choleskyUnits(tiles: 10, workers: 1) == 1000)
        #expect(MakespanBounds.choleskyUnits(tiles: 10, workers: 1000) == 80)
    }

    @Test("the memory-bounded policy holds fewer bytes than one that starts all at once")
    func memory() {
        // Eight roots of one unit, each summed up by a step that waits for its root alone.
        var graph = PlacementGraph(coreSets: CoreSet.shared)
        for step in 0..<16 {
            graph.append(
                step < 8 ? "root" : "sum", flops: 1, bytes: 1,
                outputByteCount: step < 8 ? 1000 : 1, candidates: .cpu, isPinned: false,
                nanoseconds: PerDevice(repeating: 10))
            if step >= 8 { graph.appendInput(.init(place: .step(step - 8), byteCount: 1000)) }
        }
        let order = MemoryBoundedPolicy().schedule(graph).order
        #expect(order == (0..<8).flatMap { [$0, $0 + 8] })
        #expect(QueuePolicy(.eager).schedule(graph).order == Array(0..<16))
    }

    // MARK: - In plans

    private struct Backwards: SchedulingPolicy {
        var name: String { "backwards" }
        var order: [Int]
        func place(_ graph: PlacementGraph) -> [DeviceType] { graph.names.map { _ in .cpu } }
        func schedule(_ graph: PlacementGraph) -> Schedule {
            Schedule(devices: place(graph), order: order)
        }
    }

    @Test("an order that is none is an error that says so") func badOrders() {
        let x = leaf([3, 3])
        let y = matmul(matmul(x, x), x)
        for (order, message) in [
            ([1, 0], "starts step 1, matmul, before step 0, which it reads"),
            ([0], "orders 1 steps, which are not the 2 there are"),
            ([0, 0], "orders 2 steps, which are not the 2 there are"),
            ([0, 7], "orders 2 steps, which are not the 2 there are"),
        ] {
            do {
                _ = try plan([y], Planner(policy: Backwards(order: order)))
                Issue.record("\(order) was taken")
            } catch {
                #expect((error as? ArrayError)?.message == message)
            }
        }
    }

    @Test("results are the same bits under every policy, and plans are sound") func results() throws
    {
        let x = MLXRandom.normal([24, 24], key: MLXRandom.key(3))
        func expression() -> MLXArray {
            let a = matmul(x, x) / 24
            let b = softmax(a + x, axis: -1)
            let c = matmul(b, a).sum(axis: 0)
            let d = sorted(a, axis: 0)[0] + exp(c) + matmul(x, b).max(axis: 1)
            return matmul(d, x).cumsum(axis: 0)
        }
        let wanted = withPolicy(SingleDevicePolicy.allCPU) { expression().asArray(Float.self) }
        for policy in schedulingPolicies + ListPolicy.all {
            _ = try plan([expression()], Planner(policy: policy, coreSets: CoreSet.split))
            // On the cpu alone, in the policy's order: the same kernels.
            let cpuOnly = withPolicy(OnCPU(order: policy.name)) {
                expression().asArray(Float.self)
            }
            #expect(cpuOnly == wanted, "\(policy.name)")
            let anywhere = withPolicy(policy) { expression().asArray(Float.self) }
            // NUMERICS: the devices' products differ in the order of their sums.
            for (a, b) in zip(anywhere, wanted) { #expect(abs(a - b) <= 1e-3 * (1 + abs(b))) }
        }
    }

    /// The order of a policy by name, everything on the cpu.
    private struct OnCPU: SchedulingPolicy {
        var order: String
        var name: String { "on-cpu \(order)" }
        func place(_ graph: PlacementGraph) -> [DeviceType] { graph.names.map { _ in .cpu } }
        func schedule(_ graph: PlacementGraph) -> Schedule {
            let other = schedulingPolicy(named: order)
            return Schedule(devices: place(graph), order: other?.schedule(graph).order)
        }
    }

    @Test("deciding is linear: 10,000 steps take no more than so many times 1,000") func large() {
        func layered(_ count: Int) -> PlacementGraph {
            var random = SplitMix64(seed: 1)
            var graph = PlacementGraph(coreSets: CoreSet.split)
            for step in 0..<count {
                var nanoseconds = PerDevice(repeating: 0.0)
                for device in DeviceType.allCases {
                    nanoseconds[device] = 1000 + Double(random.below(9000))
                }
                graph.append(
                    "step", flops: 1, bytes: 1, outputByteCount: 100, candidates: .all,
                    isPinned: false, nanoseconds: nanoseconds)
                for _ in 0..<2 where step >= 40 {
                    let input = step - 1 - random.below(40)
                    graph.appendInput(.init(place: .step(input), byteCount: 100))
                }
            }
            return graph
        }
        func time(_ graph: PlacementGraph) -> Duration {
            (0..<3).map { _ in ContinuousClock().measure { _ = ListPolicy.heft.schedule(graph) } }
                .min() ?? .zero
        }
        let (small, large) = (time(layered(1000)), time(layered(10_000)))
        #expect(large < small * 40)
    }
}
