import MLXBase
import MLXOps

/// Graphs that are shapes more than computations: stencils, forks and joins, workflows, random
/// ones, and the dependence patterns of Task Bench (Slaughter and others 2020).
extension Generator {
    static let shapeFamilies = [
        Generator(
            family: "stencil", sizes: [12, 12], form: "stencil:ROWSxCOLUMNS",
            summary: "a wavefront over a grid", make: { sizes, _ in stencil(sizes[0], sizes[1]) }),
        Generator(
            family: "fork-join", sizes: [6, 12], form: "fork-join:STAGESxWIDTH",
            summary: "stages of equal tasks", make: { sizes, _ in forkJoin(sizes[0], sizes[1]) }),
        Generator(
            family: "montage", sizes: [20], form: "montage:IMAGES",
            summary: "an image mosaic's workflow", make: { sizes, _ in montage(sizes[0]) }),
    ]

    static func stencil(_ rows: Int, _ columns: Int) -> LabGraph {
        var graph = LabGraph(name: "stencil:\(rows)x\(columns)", family: "stencil")
        for row in 0..<rows {
            for column in 0..<columns {
                let place = row * columns + column
                graph.add(
                    even("cell"),
                    reads: (row > 0 ? [place - columns] : []) + (column > 0 ? [place - 1] : []))
            }
        }
        return graph
    }

    static func forkJoin(_ stages: Int, _ width: Int) -> LabGraph {
        var graph = LabGraph(name: "fork-join:\(stages)x\(width)", family: "fork-join")
        var last = graph.add(even("fork"), reads: [])
        for _ in 0..<stages {
            let branches = (0..<width).map { _ in
                graph.add(even("branch", bytes: 1 << 18), reads: [last])
            }
            last = graph.add(even("join"), reads: branches)
        }
        return graph
    }

    /// Project every image, fit each pair of neighbours, one model, correct every image, add up.
    static func montage(_ images: Int) -> LabGraph {
        var graph = LabGraph(name: "montage:\(images)", family: "montage")
        let projected = (0..<images).map { _ in
            graph.add(even("project", bytes: 1 << 20), reads: [])
        }
        let fits = (0..<max(0, images - 1)).flatMap { image in
            [1, 2].filter { image + $0 < images }.map { offset in
                graph.add(
                    even("fit", bytes: 1 << 16),
                    reads: [projected[image], projected[image + offset]])
            }
        }
        let concatenated = graph.add(even("concatenate"), reads: fits)
        let model = graph.add(even("model", bytes: 1 << 18), reads: [concatenated])
        let corrected = projected.map {
            graph.add(even("background", bytes: 1 << 18), reads: [$0, model])
        }
        let table = graph.add(even("table"), reads: corrected)
        let mosaic = graph.add(even("add", bytes: 1 << 21), reads: corrected + [table])
        let small = graph.add(even("shrink", bytes: 1 << 17), reads: [mosaic])
        graph.add(even("picture"), reads: [small])
        return graph
    }
}

// MARK: - Random graphs

extension Generator {
    static let randomFamilies = [
        Generator(
            family: "layered", sizes: [10, 10], form: "layered:LAYERSxWIDTH",
            summary: "each task reads up to four of the layer before",
            make: { sizes, seed in layered(sizes[0], sizes[1], seed) }),
        Generator(
            family: "erdos", sizes: [60, 8], form: "erdos:TASKSxPERCENT",
            summary: "each earlier task is read with a probability",
            make: { sizes, seed in erdos(sizes[0], sizes[1], seed) }),
    ]

    private static func anyTask(_ random: inout SplitMix64) -> LabGraph.Task {
        let work: [WorkClass] = [.matmul, .elementwise, .reduction, .fft, .gather]
        let bytes = 1 << random.within(12...20)
        return LabGraph.Task(
            name: "task", work: work[random.below(work.count)],
            flops: Double(bytes) * Double(1 << random.within(0...6)), bytes: Double(2 * bytes),
            outputBytes: bytes)
    }

    static func layered(_ layers: Int, _ width: Int, _ seed: UInt64) -> LabGraph {
        var graph = LabGraph(name: "layered:\(layers)x\(width)", family: "layered")
        var random = SplitMix64(seed: seed &+ 101)
        var last: [Int] = []
        for _ in 0..<layers {
            var layer: [Int] = []
            for _ in 0..<width {
                let count = last.isEmpty ? 0 : random.within(1...4)
                let reads = Set((0..<count).map { _ in last[random.below(last.count)] })
                layer.append(graph.add(anyTask(&random), reads: reads.sorted()))
            }
            last = layer
        }
        return graph
    }

    static func erdos(_ count: Int, _ percent: Int, _ seed: UInt64) -> LabGraph {
        var graph = LabGraph(name: "erdos:\(count)x\(percent)", family: "erdos")
        var random = SplitMix64(seed: seed &+ 202)
        for task in 0..<count {
            let reads = (0..<task).filter { _ in random.below(100) < percent }
            graph.add(anyTask(&random), reads: reads)
        }
        return graph
    }
}

// MARK: - Task Bench

extension Generator {
    /// Which points of the row before a point reads, by pattern.
    private static let patterns:
        [(name: String, reads: @Sendable (_ step: Int, _ point: Int, _ width: Int) -> [Int])] = [
            ("trivial", { _, _, _ in [] }),
            ("no_comm", { _, point, _ in [point] }),
            ("stencil_1d", { _, point, width in near(point, 1, width, wraps: false) }),
            ("stencil_1d_periodic", { _, point, width in near(point, 1, width, wraps: true) }),
            ("dom", { _, point, _ in point > 0 ? [point - 1, point] : [point] }),
            (
                "tree",
                { step, point, width in [min(width - 1, point / 2 + (step % 2) * (width / 2))] }
            ),
            (
                "fft",
                { step, point, width in
                    let levels = max(1, width.bitWidth - width.leadingZeroBitCount - 1)
                    let distance = 1 << ((step - 1) % levels)
                    return [point - distance, point, point + distance].filter {
                        (0..<width).contains($0)
                    }
                }
            ),
            ("all_to_all", { _, _, width in Array(0..<width) }),
            ("nearest", { _, point, width in near(point, 2, width, wraps: false) }),
            (
                "spread",
                { step, point, width in
                    (0..<min(5, width)).map { (point + $0 * width / 5 + step) % width }
                }
            ),
            (
                "random_nearest",
                { step, point, width in
                    var random = SplitMix64(seed: UInt64(step * 65_537 + point))
                    let all = near(point, 2, width, wraps: false)
                    let some = all.filter { _ in random.oneIn(2) }
                    return some.isEmpty ? [point] : some
                }
            ),
        ]

    private static func near(_ point: Int, _ reach: Int, _ width: Int, wraps: Bool) -> [Int] {
        let all = (-reach...reach).map { point + $0 }
        let kept =
            wraps
            ? all.map { ($0 % width + width) % width } : all.filter { (0..<width).contains($0) }
        return Array(Set(kept)).sorted()
    }

    static let taskBenchFamilies = patterns.map { pattern in
        Generator(
            family: "bench-\(pattern.name)", sizes: [10, 8],
            form: "bench-\(pattern.name):STEPSxWIDTH",
            summary: "Task Bench's pattern \(pattern.name)",
            make: { sizes, _ in
                let (steps, width) = (sizes[0], sizes[1])
                var graph = LabGraph(
                    name: "bench-\(pattern.name):\(steps)x\(width)",
                    family: "bench-\(pattern.name)")
                for step in 0..<steps {
                    for point in 0..<width {
                        let reads = step == 0 ? [] : pattern.reads(step, point, width)
                        graph.add(
                            even("point"),
                            reads: Set(reads).sorted().map { (step - 1) * width + $0 })
                    }
                }
                return graph
            })
    }
}

// MARK: - Networks

extension Generator {
    static let networkFamilies = [
        Generator(
            family: "transformer", sizes: [4, 8], form: "transformer:LAYERSxHEADS",
            summary: "a decoder forwards",
            make: { sizes, _ in transformer(sizes, backward: false) }),
        Generator(
            family: "transformer-gradient", sizes: [3, 8],
            form: "transformer-gradient:LAYERSxHEADS", summary: "the same forwards and backwards",
            make: { sizes, _ in transformer(sizes, backward: true) }),
        Generator(
            family: "moe", sizes: [4, 16], form: "moe:LAYERSxEXPERTS",
            summary: "a mixture of experts of which few have most tokens",
            make: { sizes, seed in mixture(sizes[0], sizes[1], seed) }),
    ]

    /// A product of `rows` x `inner` and `inner` x `columns`.
    private static func product(
        _ name: String, _ rows: Int, _ inner: Int, _ columns: Int
    ) -> LabGraph.Task {
        LabGraph.Task(
            name: name, work: .matmul, flops: 2 * Double(rows * inner * columns),
            bytes: 4 * Double(rows * inner + inner * columns + rows * columns),
            outputBytes: 4 * rows * columns, givenBytes: 4 * inner * columns)
    }

    static func transformer(_ sizes: [Int], backward: Bool) -> LabGraph {
        let (layers, heads, rows, width) = (sizes[0], sizes[1], 128, 512)
        let part = max(8, width / max(1, heads))
        let name = backward ? "transformer-gradient" : "transformer"
        var graph = LabGraph(name: "\(name):\(layers)x\(heads)", family: name)
        let activation = rows * width * 4
        var x = graph.add(even("embed", bytes: activation), reads: [])
        for _ in 0..<layers {
            let norm = graph.add(even("norm", bytes: activation), reads: [x])
            let parts = (0..<heads).map { _ in
                let (q, k, v) = (
                    graph.add(product("q", rows, width, part), reads: [norm]),
                    graph.add(product("k", rows, width, part), reads: [norm]),
                    graph.add(product("v", rows, width, part), reads: [norm])
                )
                var attend = product("attend", rows, part, rows)
                (attend.work, attend.givenBytes) = (.attention, 0)
                attend.outputBytes = 4 * rows * part
                return graph.add(attend, reads: [q, k, v])
            }
            let out = graph.add(product("out", rows, width, width), reads: parts)
            let added = graph.add(even("add-norm", bytes: activation), reads: [x, out])
            let up = graph.add(product("up", rows, width, 4 * width), reads: [added])
            let gate = graph.add(product("gate", rows, width, 4 * width), reads: [added])
            let mixed = graph.add(even("silu", bytes: 4 * activation), reads: [up, gate])
            let down = graph.add(product("down", rows, 4 * width, width), reads: [mixed])
            x = graph.add(even("add", bytes: activation), reads: [added, down])
        }
        if backward { reverse(&graph) }
        return graph
    }

    /// The gradient of every task, which reads the task's own result and the gradients of its
    /// readers, and does twice the work.
    private static func reverse(_ graph: inout LabGraph) {
        let forward = graph.tasks.count
        var readers = [[Int]](repeating: [], count: forward)
        for (task, record) in graph.tasks.enumerated() {
            for input in record.inputs { readers[input.task].append(task) }
        }
        var gradient = [Int](repeating: 0, count: forward)
        for task in (0..<forward).reversed() {
            var back = graph.tasks[task]
            back.name += "-gradient"
            back.flops *= 2
            back.bytes *= 2
            back.givenBytes = 0
            gradient[task] = graph.add(
                back, reads: [task] + Set(readers[task]).sorted().map { gradient[$0] })
        }
    }

    static func mixture(_ layers: Int, _ experts: Int, _ seed: UInt64) -> LabGraph {
        let (tokens, width) = (256, 512)
        var random = SplitMix64(seed: seed &+ 303)
        var graph = LabGraph(name: "moe:\(layers)x\(experts)", family: "moe")
        var x = graph.add(even("embed", bytes: tokens * width * 4), reads: [])
        for _ in 0..<layers {
            let router = graph.add(product("router", tokens, width, experts), reads: [x])
            let order = (0..<experts).shuffled(using: &random)
            let parts = order.map { rank in
                // The first expert has half of the tokens, the second a third of them, and so on.
                let rows = max(1, tokens / (rank + 2))
                let up = graph.add(product("up", rows, width, 2 * width), reads: [x, router])
                return graph.add(product("down", rows, 2 * width, width), reads: [up])
            }
            x = graph.add(even("combine", bytes: tokens * width * 4), reads: [x] + parts)
        }
        return graph
    }
}
