import MLXBase
import MLXMemory
import Testing

@testable import MLXGraph

// A run that holds the edges of its graph counts no references to the values it reads; they stay
// where they are all the same, whatever others bind meanwhile.

extension StoreTests {
    private func extracted(_ root: MLXArray, _ body: (borrowing Subgraph) throws -> Void) rethrows {
        let reference = root.acquire()
        var graph = Subgraph()
        graph.extract(roots: [reference])
        try body(graph)
        graph.clear()
        GraphStore.shared.release(reference.id)
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

    @Test("of two graphs that meet, one counts references")
    func heldTwice() {
        let rows = Rows()
        do {
            let shared = MLXArray(owning: rows.unary(rows.leaf(1)))
            let left = MLXArray(owning: rows.unary(shared.acquire()))
            let right = MLXArray(owning: rows.unary(shared.acquire()))
            extracted(left) { first in
                let holds = first.holdsEdges
                #expect(holds)
                extracted(right) { second in
                    let holds = second.holdsEdges
                    #expect(!holds)
                    GraphStore.shared.bind(shared.handle, value())
                    #expect(rows.liveCount == 4)
                }
                // The second let go of nothing that the first holds.
                #expect(rows.liveCount == 4)
            }
            #expect(rows.liveCount == 3)
            extracted(right) { graph in
                let (holds, count) = (graph.holdsEdges, graph.count)
                #expect(holds && count == 2)
            }
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
