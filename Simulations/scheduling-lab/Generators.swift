import MLXBase
import MLXOps

/// The graphs that the lab makes itself, by formula: `FAMILY:SIZE` or `FAMILY:AxB`. Tiles are 256
/// x 256 of float32 where a family has tiles. What is drawn at random depends on the sweep's seed.
struct Generator: Sendable {
    var family: String
    var sizes: [Int]
    var form: String
    var summary: String
    var make: @Sendable (_ sizes: [Int], _ seed: UInt64) -> LabGraph
    /// Task counts beyond this are refused.
    static let maximumTasks = 1_000_000

    static let tile = 256

    /// Work on one tile: flops in thirds of its cube.
    static func onTile(_ name: String, _ thirds: Double, reads tiles: Int) -> LabGraph.Task {
        let bytes = tile * tile * 4
        return LabGraph.Task(
            name: name, work: .matmul, flops: thirds * Double(tile * tile * tile) / 3,
            bytes: Double(bytes * (tiles + 1)), outputBytes: bytes)
    }

    static func even(_ name: String, bytes: Int = 1 << 16) -> LabGraph.Task {
        LabGraph.Task(
            name: name, work: .elementwise, flops: Double(bytes), bytes: Double(2 * bytes),
            outputBytes: bytes)
    }

    static let all: [Generator] =
        denseFamilies + shapeFamilies + randomFamilies + networkFamilies + taskBenchFamilies
}

// MARK: - Dense linear algebra

extension Generator {
    static let denseFamilies = [
        Generator(
            family: "cholesky", sizes: [8], form: "cholesky:TILES",
            summary: "tiled Cholesky, TILES x TILES", make: { sizes, _ in cholesky(sizes[0]) }),
        Generator(
            family: "lu", sizes: [8], form: "lu:TILES", summary: "tiled LU without pivots",
            make: { sizes, _ in lu(sizes[0]) }),
        Generator(
            family: "qr", sizes: [8], form: "qr:TILES", summary: "tiled QR, flat tree",
            make: { sizes, _ in qr(sizes[0]) }),
        Generator(
            family: "gauss", sizes: [12], form: "gauss:ROWS", summary: "Gaussian elimination",
            make: { sizes, _ in gauss(sizes[0]) }),
        Generator(
            family: "fft", sizes: [5], form: "fft:LOG2", summary: "butterflies of 2^LOG2 points",
            make: { sizes, _ in fft(min(16, sizes[0])) }),
    ]

    /// The last task that wrote each tile.
    private struct Tiles {
        let side: Int
        var writers: [Int?]
        init(_ side: Int) {
            self.side = side
            writers = Array(repeating: nil, count: side * side)
        }
        subscript(row: Int, column: Int) -> Int? {
            get { writers[row * side + column] }
            set { writers[row * side + column] = newValue }
        }
    }

    /// Adds a task on tiles; those that nobody wrote yet were given.
    private static func add(
        _ task: LabGraph.Task, _ reads: [Int?], to graph: inout LabGraph
    ) -> Int {
        var task = task
        task.givenBytes = reads.count { $0 == nil } * task.outputBytes
        return graph.add(task, reads: reads.compactMap { $0 })
    }

    static func cholesky(_ t: Int) -> LabGraph {
        var graph = LabGraph(name: "cholesky:\(t)", family: "cholesky", choleskyTiles: t)
        var a = Tiles(t)
        for k in 0..<t {
            a[k, k] = add(onTile("potrf", 1, reads: 1), [a[k, k]], to: &graph)
            for i in (k + 1)..<max(k + 1, t) {
                a[i, k] = add(onTile("trsm", 3, reads: 2), [a[k, k], a[i, k]], to: &graph)
            }
            for i in (k + 1)..<max(k + 1, t) {
                for j in (k + 1)...i {
                    let reads = i == j ? [a[i, k], a[i, i]] : [a[i, k], a[j, k], a[i, j]]
                    let task =
                        i == j ? onTile("syrk", 3, reads: 2) : onTile("gemm", 6, reads: 3)
                    a[i, j] = add(task, reads, to: &graph)
                }
            }
        }
        return graph
    }

    static func lu(_ t: Int) -> LabGraph {
        var graph = LabGraph(name: "lu:\(t)", family: "lu")
        var a = Tiles(t)
        for k in 0..<t {
            a[k, k] = add(onTile("getrf", 2, reads: 1), [a[k, k]], to: &graph)
            for i in (k + 1)..<max(k + 1, t) {
                a[i, k] = add(onTile("trsm-l", 3, reads: 2), [a[k, k], a[i, k]], to: &graph)
                a[k, i] = add(onTile("trsm-u", 3, reads: 2), [a[k, k], a[k, i]], to: &graph)
            }
            for i in (k + 1)..<max(k + 1, t) {
                for j in (k + 1)..<t {
                    a[i, j] = add(
                        onTile("gemm", 6, reads: 3), [a[i, k], a[k, j], a[i, j]], to: &graph)
                }
            }
        }
        return graph
    }

    static func qr(_ t: Int) -> LabGraph {
        var graph = LabGraph(name: "qr:\(t)", family: "qr")
        var a = Tiles(t)
        for k in 0..<t {
            let first = add(onTile("geqrt", 4, reads: 1), [a[k, k]], to: &graph)
            a[k, k] = first
            for j in (k + 1)..<max(k + 1, t) {
                a[k, j] = add(onTile("unmqr", 6, reads: 2), [first, a[k, j]], to: &graph)
            }
            for i in (k + 1)..<max(k + 1, t) {
                let pair = add(onTile("tsqrt", 6, reads: 2), [a[k, k], a[i, k]], to: &graph)
                (a[k, k], a[i, k]) = (pair, pair)
                for j in (k + 1)..<t {
                    let both = add(
                        onTile("tsmqr", 12, reads: 3), [pair, a[k, j], a[i, j]], to: &graph)
                    (a[k, j], a[i, j]) = (both, both)
                }
            }
        }
        return graph
    }

    /// (n² + n − 2) / 2 tasks: a pivot column, then an update of each column behind it.
    static func gauss(_ n: Int) -> LabGraph {
        var graph = LabGraph(name: "gauss:\(n)", family: "gauss")
        var columns = [Int?](repeating: nil, count: n)
        for k in 0..<max(0, n - 1) {
            let pivot = add(even("pivot", bytes: (n - k) * 4096), [columns[k]], to: &graph)
            for j in (k + 1)..<n {
                columns[j] = add(
                    even("update", bytes: (n - k) * 8192), [pivot, columns[j]], to: &graph)
            }
        }
        return graph
    }

    static func fft(_ levels: Int) -> LabGraph {
        var graph = LabGraph(name: "fft:\(levels)", family: "fft")
        let points = 1 << levels
        var row = (0..<points).map { _ in add(even("load"), [nil], to: &graph) }
        for level in 0..<levels {
            row = (0..<points).map { point in
                graph.add(even("butterfly"), reads: [row[point], row[point ^ (1 << level)]])
            }
        }
        return graph
    }
}
