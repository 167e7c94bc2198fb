import MLXBase
import MLXMemory
import Testing

@testable import MLXGraph

// What comes out of the store: order, edges, which nodes are kept, where walks end; and what
// binding values takes off the graph.

extension StoreTests {
    @Test("inputs come before their users, and edges are counted")
    func order() {
        let rows = Rows()
        let x = MLXArray(owning: rows.leaf(1))
        let y = MLXArray(owning: rows.many([x.acquire(), x.acquire()]))
        let z = MLXArray(owning: rows.many([y.acquire(), x.acquire()]))
        let graph = Subgraph(roots: [z.handle, y.handle])
        graph.checkInvariants()
        #expect(graph.count == 3)
        #expect(graph.roots == [2, 1])
        #expect(Array(graph.edgeCounts) == [3, 1, 0])
        #expect(graph.isKept(0) && graph.isKept(1) && graph.isKept(2))
    }

    @Test("what only the graph holds is not kept")
    func kept() {
        let rows = Rows()
        let x = MLXArray(owning: rows.leaf(1))
        let z = MLXArray(owning: rows.unary(rows.unary(x.acquire())))
        let graph = Subgraph(roots: [z.handle])
        #expect((0..<3).map { graph.isKept($0) } == [true, false, true])
    }

    @Test("walks end at values, and at stops")
    func ends() {
        let rows = Rows()
        let x = MLXArray(owning: rows.leaf(1))
        let y = MLXArray(owning: rows.unary(x.acquire()))
        let z = MLXArray(owning: rows.unary(y.acquire()))
        #expect(Subgraph(roots: [z.handle], stops: [y.handle]).count == 2)
        GraphStore.shared.bind(y.handle, value())
        let graph = Subgraph(roots: [z.handle])
        #expect(graph.count == 2)
        #expect(graph.isLeaf(0) && !graph.isLeaf(1))
    }

    @Test("binding a value lets go of what is below")
    func binding() {
        let rows = Rows()
        do {
            let z = MLXArray(owning: rows.unary(rows.unary(rows.leaf(1))))
            #expect(rows.liveCount == 3)
            GraphStore.shared.bind(z.handle, value(5))
            #expect(rows.liveCount == 1)
            #expect(z.value?.pointer.load(as: Float.self) == 5)
            // A second value for the same node is ignored.
            GraphStore.shared.bind(z.handle, value(6))
            #expect(z.value?.pointer.load(as: Float.self) == 5)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("binding to a node that died meanwhile does nothing")
    func bindingTheDead() {
        let rows = Rows()
        let handle: NodeHandle
        do { handle = MLXArray(owning: rows.unary(rows.leaf(1))).handle }
        GraphStore.shared.bind(handle, value())
        #expect(rows.liveCount == 0)
    }

    @Test("a node of an open trace keeps its inputs when it is evaluated, until the trace ends")
    func traces() {
        let rows = Rows()
        do {
            let bit = TraceLevels.begin(depth: 0)
            let y = MLXArray(owning: rows.unary(rows.leaf(1), trace: bit))
            GraphStore.shared.bind(y.handle, value())
            #expect(rows.liveCount == 2)
            #expect(Subgraph(roots: [y.handle], throughValues: true).count == 2)
            TraceLevels.end(bit)
            GraphStore.shared.endTrace(bit, nodes: [y.handle])
            #expect(rows.liveCount == 1)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("walks, records and binds of several threads agree")
    func concurrentWalks() {
        let rows = Rows()
        do {
            let x = MLXArray(owning: rows.leaf(1))
            let shared = MLXArray(owning: rows.unary(x.acquire()))
            let threads = (0..<3).map { _ in
                plainThread {
                    for _ in 0..<3000 {
                        let y = MLXArray(owning: rows.many([shared.acquire(), x.acquire()]))
                        let root = y.acquire()
                        let graph = Subgraph(roots: [root])
                        graph.checkInvariants()
                        GraphStore.shared.release(root.id)
                        GraphStore.shared.bind(y.handle, value())
                        shared.replace(owning: rows.unary(x.acquire()))
                    }
                }
            }
            for thread in threads { thread.join() }
        }
        #expect(rows.liveCount == 0)
    }
}
