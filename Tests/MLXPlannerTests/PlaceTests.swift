import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

/// The place of a step depends on the step: operand bytes, costs, what a policy sees, and what
/// `explain` says about it.
@Suite("Placement") struct PlaceTests {
    /// Bytes of the first step.
    private func bytes(_ array: MLXArray) throws -> Double { try plan([array]).steps[0].bytes }

    @Test("bytes follow from shape and strides, not from what else lies in memory") func bytes()
        throws
    {
        let large = leaf([64, 64])
        // A window of 4 by 4 onto a large array, and an array of that size.
        #expect(
            try bytes(cumsum(large[0..<4, 0..<4], axis: 0)) == bytes(cumsum(leaf([4, 4]), axis: 0)))
        // Axes that repeat are read once.
        let repeated = broadcast(leaf([1, 4]), to: [4, 4])
        #expect(try bytes(cumsum(repeated, axis: 0)) == 64 + 16)
        // Windows that overlap touch no more than what is there.
        let sliding = asStrided(leaf([10]), [8, 3], strides: [1, 1])
        #expect(try bytes(cumsum(sliding, axis: 0)) == 96 + 40)
        #expect(try bytes(cumsum(leaf([0, 4]), axis: 0)) == 0)
    }

    @Test("work that sixteen cores share is wide where two would leave it to one")
    func weights() throws {
        func isNarrow(_ side: Int, threads: Int) throws -> Bool {
            let cores = [CoreSet(devices: .all, threadCount: threads)]
            let product = matmul(leaf([side, side]), leaf([side, side]))
            return try plan([product], Planner(coreSets: cores)).isNarrow
        }
        // 2 * 128^3 operations at 150 a nanosecond are 28 microseconds of all cores.
        #expect(try isNarrow(128, threads: 2))
        #expect(try !isNarrow(128, threads: 16))
        // What only starts weighs the same everywhere.
        #expect(try isNarrow(4, threads: 2) && isNarrow(4, threads: 128))
        #expect(try !isNarrow(256, threads: 1) && !isNarrow(256, threads: 2))
    }

    @Test("loaded, computed and constant inputs cost the same") func inputs() throws {
        func costs(_ x: MLXArray) throws -> PerDevice<Double> {
            let explained = try explanation([cumsum(x, axis: 0)], Planner())
            return explained.nanoseconds.last!
        }
        let loaded = try costs(leaf([8, 4]))
        #expect(try costs(cumsum(leaf([8, 4]), axis: 1)) == loaded)
        #expect(try costs(exp(leaf([8, 4]))) == loaded)
        #expect(try costs(MLX.full([8, 4], values: 1 as Float)) == loaded)
    }

    @Test("a policy sees devices, work, inputs and cores") func view() throws {
        struct Looking: SchedulingPolicy {
            var name: String { "looking" }
            func place(_ graph: PlacementGraph) -> [DeviceType] {
                #expect(graph.names == ["exp", "matmul"])
                #expect(graph.candidates == [[.cpu, .gpu], [.cpu, .gpu]])
                #expect(graph.nanoseconds[1][.npu] == .infinity)
                #expect(graph.nanoseconds[1][.cpu] < graph.nanoseconds[1][.npu])
                #expect(graph.flops[1] == 2 * 4 * 4 * 4)
                #expect(graph.outputByteCounts == [64, 64])
                #expect(graph.inputs(of: 0).map(\.place) == [.array(0)])
                let read = graph.inputs(of: 1)
                #expect(read.map(\.place) == [.step(0), .array(1)])
                #expect(read.map(\.producer) == [0, nil] && read.map(\.byteCount) == [64, 64])
                #expect(graph.isPinned == [false, false])
                #expect(graph.coreSets == CoreSet.split && graph.coreSet(of: .gpu) == 1)
                return [.gpu, .cpu]
            }
        }
        let y = matmul(exp(leaf([4, 4])), leaf([4, 4]))
        let placed = try plan([y], Planner(policy: Looking(), coreSets: CoreSet.split))
        #expect(placed.devices == [.gpu, .cpu])
    }

    // MARK: - Costs

    @Test("every class of work has a rate on every device, and keeps it as text") func rates()
        throws
    {
        for model in [CostModel.typical, .random(seed: 1), .favouring(.npu)] {
            #expect(model.isUsable)
        }
        #expect(CostModel.random(seed: 1) == .random(seed: 1))
        #expect(CostModel.random(seed: 1) != .random(seed: 2))
        #expect(CostModel.named("random:1") == .random(seed: 1))
        #expect(CostModel.named("favouring:gpu") == .favouring(.gpu))
        #expect(CostModel.named("favouring:tpu") == nil && CostModel.named("/tmp/x") == nil)
        for row in OpTable.rows {
            #expect(WorkClass.allCases[WorkClass.index(of: row.code)] == row.work.workClass)
        }
    }

    @Test("a favoured device gets what it has kernels for", arguments: [DeviceType.cpu, .gpu])
    func favoured(device: DeviceType) throws {
        let x = leaf([4, 4])
        let planner = Planner(costs: .favouring(device))
        let roots = [
            softmax(matmul(exp(x), x), axis: -1), sorted(x, axis: 0), x[leaf([2], .int32)],
        ]
        #expect(try plan(roots, planner).devices.allSatisfy { $0 == device })
    }

    // MARK: - Explaining

    @Test("explain says what every candidate would cost and why one was chosen") func reasons()
        throws
    {
        let x = leaf([4, 4])
        let free = matmul(x, x)
        let pinned = Ops.unary(.exp, x, stream: StreamID(.gpu, lane: 0))
        let passedOn = Ops.matmul(pinned, x, stream: StreamID(.npu, lane: 0))
        let roots = [free, passedOn]
        let shared = try explanation(roots, Planner(costs: .favouring(.cpu)))
        #expect(Set(shared.devices.map(\.rawValue)) == ["cpu", "gpu"])
        func reason(_ name: String, _ explained: Explanation) -> Set<String> {
            let named = zip(explained.plan.names, explained.reasons).filter { $0.0 == name }
            return Set(named.map { "\($0.1)" })
        }
        #expect(reason("exp", shared) == ["pinned"])
        #expect(reason("matmul", shared).contains("cheapest"))
        #expect(shared.reasons.contains(.passedOn(from: .npu)))
        // One clock: the sum of what was chosen.
        let sum = zip(shared.nanoseconds, shared.devices).reduce(0) { $0 + $1.0[$1.1] }
        #expect(shared.makespanNanoseconds == sum)
        let text = shared.description
        #expect(text.contains("gpu, as the program says") && text.contains("cpu, the cheapest"))
        #expect(text.contains("because npu has no kernel for it"))
        #expect(text.contains("expected \(Int(sum)) ns"))
        let split = try explanation(roots, Planner(coreSets: CoreSet.split))
        #expect(split.description.contains("where it finishes first"))
        #expect(split.makespanNanoseconds < sum)
        let told = try explanation(roots, Planner(policy: RoundRobinPolicy()))
        #expect(told.description.contains("says the policy round-robin"))
    }
}
