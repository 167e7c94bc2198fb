import Glibc
import MLXBase
import MLXMemory
import Synchronization
import Testing

@testable import MLXGraph

// A run that holds the edges of its graph counts no references to the values it reads; they stay
// where they are all the same, whatever others bind meanwhile.

extension StoreTests {
    private func extracted<R>(_ root: MLXArray, _ body: (borrowing Subgraph) throws -> R) rethrows
        -> R
    {
        let reference = root.acquire()
        var graph = Subgraph()
        graph.extract(roots: [reference])
        let result = try body(graph)
        graph.clear()
        GraphStore.shared.release(reference.id)
        return result
    }

    @Test("a held graph keeps its edges when a root is bound, and loses them when it is let go")
    func heldEdges() {
        let rows = Rows()
        do {
            // The weight's only user is an inner node, as it is when a model was dropped.
            let weight = MLXArray(owning: rows.leaf(1))
            GraphStore.shared.bind(weight.handle, value())
            let root = MLXArray(owning: rows.unary(rows.unary(weight.acquire())))
            weight.replace(owning: rows.leaf(2))
            extracted(root) { graph in
                let (holds, count) = (graph.holdsEdges, graph.count)
                #expect(holds && count == 3)
                GraphStore.shared.bind(root.handle, value())
                #expect(rows.liveCount == 4)
                let value = graph.value(0)
                #expect(value != nil)
            }
            #expect(rows.liveCount == 2)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("of two graphs that meet, the second waits for the first")
    func heldTwice() {
        let rows = Rows()
        do {
            let shared = MLXArray(owning: rows.unary(rows.leaf(1)))
            let left = MLXArray(owning: rows.unary(shared.acquire()))
            let right = MLXArray(owning: rows.unary(shared.acquire()))
            let isDone = Atomic<Bool>(false)
            let thread = extracted(left) { first in
                let holds = first.holdsEdges
                #expect(holds)
                let thread = plainThread {
                    extracted(right) { second in
                        let (holds, count) = (second.holdsEdges, second.count)
                        #expect(holds && count == 3)
                        GraphStore.shared.bind(shared.handle, value())
                    }
                    isDone.store(true, ordering: .releasing)
                }
                usleep(20_000)
                let isEarly = isDone.load(ordering: .acquiring)
                #expect(!isEarly && rows.liveCount == 4)
                return thread
            }
            thread.join()
            #expect(rows.liveCount == 3)
        }
        #expect(rows.liveCount == 0)
    }

    /// A chain whose every second node has a user besides, as the keys of a random state have: a
    /// run that needs the end of it meets nodes that are inner ones of a run that needs less.
    @Test("what hangs on inner nodes of a held graph stays while another run binds them")
    func heldChain() {
        let rows = Rows()
        do {
            var (key, drawn): (MLXArray, [MLXArray]) = (MLXArray(owning: rows.leaf(1)), [])
            for _ in 0..<20 {
                let split = rows.unary(key.acquire())
                drawn.append(MLXArray(owning: rows.unary(split)))
                GraphStore.shared.retain(split.id)
                key = MLXArray(owning: rows.unary(split))
            }
            let last = key
            let isHeld = Atomic<Bool>(false)
            let root = drawn[9]
            let thread = extracted(root) { graph in
                let count = graph.count
                let thread = plainThread {
                    // Every node of the chain has a user outside of this graph.
                    extracted(last) { whole in
                        isHeld.store(true, ordering: .releasing)
                        for node in 0..<whole.count where whole.isKept(node) {
                            GraphStore.shared.bind(whole.handles[node], value())
                        }
                    }
                }
                usleep(20_000)
                let isEarly = isHeld.load(ordering: .acquiring)
                #expect(!isEarly && rows.liveCount > count)
                graph.checkInvariants()
                return thread
            }
            thread.join()
            drawn = []
        }
        #expect(rows.liveCount == 0)
    }

    @Test("a walk that keeps inner nodes waits for the run that holds them")
    func heldBelowWalk() {
        let rows = Rows()
        do {
            let inner = rows.unary(rows.leaf(1))
            let root = MLXArray(owning: rows.unary(inner))
            let isDone = Atomic<Bool>(false)
            let thread = extracted(root) { _ in
                let thread = plainThread {
                    do {
                        let reference = root.acquire()
                        let walk = Subgraph(roots: [reference], retainsNodes: true)
                        let (array, holds) = (walk.array(1), walk.holdsEdges)
                        #expect(!holds)
                        GraphStore.shared.bind(array.handle, value())
                        GraphStore.shared.release(reference.id)
                    }
                    isDone.store(true, ordering: .releasing)
                }
                usleep(20_000)
                let isEarly = isDone.load(ordering: .acquiring)
                #expect(!isEarly && rows.liveCount == 3)
                return thread
            }
            thread.join()
        }
        #expect(rows.liveCount == 0)
    }

    @Test("a run that has claimed its results has references in place of the hold")
    func heldNoMore() {
        let rows = Rows()
        do {
            let weight = MLXArray(owning: rows.leaf(1))
            GraphStore.shared.bind(weight.handle, value())
            let root = MLXArray(owning: rows.unary(rows.unary(weight.acquire())))
            let reference = root.acquire()
            var graph = Subgraph()
            graph.extract(roots: [reference])
            graph.keepReferences()
            let holds = graph.holdsEdges
            #expect(!holds)
            GraphStore.shared.bind(root.handle, value())
            weight.replace(owning: rows.leaf(2))
            #expect(rows.liveCount == 2)
            let count = graph.value(0)?.byteCount
            #expect(count == 4)
            graph.clear()
            GraphStore.shared.release(reference.id)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("a trace that ends while a run holds a node takes its edges afterwards")
    func heldTrace() {
        let rows = Rows()
        do {
            let bit = TraceLevels.begin(depth: 0)
            let y = MLXArray(owning: rows.unary(rows.leaf(1), trace: bit))
            let z = MLXArray(owning: rows.unary(y.acquire()))
            extracted(z) { graph in
                let holds = graph.holdsEdges
                #expect(!holds)
            }
            TraceLevels.end(bit)
            GraphStore.shared.endTrace(bit, nodes: [y.handle])
            extracted(z) { graph in
                let holds = graph.holdsEdges
                #expect(holds)
                GraphStore.shared.bind(y.handle, value())
                #expect(rows.liveCount == 3)
            }
            #expect(rows.liveCount == 2)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("held walks and binds of several threads on shared nodes agree")
    func concurrentHolds() {
        let rows = Rows()
        do {
            let weight = MLXArray(owning: rows.leaf(1))
            GraphStore.shared.bind(weight.handle, value())
            let shared = MLXArray(owning: rows.unary(weight.acquire()))
            let threads = (0..<3).map { _ in
                plainThread {
                    var graph = Subgraph()
                    for turn in 0..<3000 {
                        let y = MLXArray(owning: rows.many([shared.acquire(), weight.acquire()]))
                        let root = y.acquire()
                        graph.extract(roots: [root])
                        graph.checkInvariants()
                        for node in 0..<graph.count {
                            guard let value = graph.value(node) else { continue }
                            #expect(value.byteCount == 4)
                        }
                        if turn % 3 == 0 { GraphStore.shared.bind(shared.handle, value()) }
                        GraphStore.shared.bind(y.handle, value())
                        graph.clear()
                        GraphStore.shared.release(root.id)
                        if turn % 3 == 1 { shared.replace(owning: rows.unary(weight.acquire())) }
                    }
                }
            }
            for thread in threads { thread.join() }
        }
        #expect(rows.liveCount == 0)
    }
}
