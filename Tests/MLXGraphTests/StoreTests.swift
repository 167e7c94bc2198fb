import Glibc
import MLXBase
import MLXMemory
import Synchronization
import Testing

@testable import MLXGraph

// The graph store under threads: references that race with replacements, frees from other
// threads, lanes that come and go, chains that must not use the stack. Rows here carry op codes
// that no table knows; the store does not ask.

@Suite("Graph store") struct StoreTests {
    @Test("a handle read while another thread replaces it is the old node or the new one")
    func replacedHandles() {
        let rows = Rows()
        let shared = MLXArray(owning: rows.leaf(0))
        let isDone = Atomic<Bool>(false)
        let torn = Atomic<Int>(0)
        let reader = plainThread {
            while !isDone.load(ordering: .relaxed) {
                let reference = NodeReference(shared)
                // A recycled row would have another op or a word that does not match.
                if reference.op != testOp || reference.word >> 32 != reference.word & 0xFFFF_FFFF {
                    torn.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        for number in 1...100_000 {
            shared.replace(owning: rows.leaf(UInt64(number)))
            // Rows of another kind in between, so that a stale id would show.
            MLXArray(owning: GraphStore.shared.append(.init(
                op: otherOp, dtype: .int8, shape: .scalar))).touch()
        }
        isDone.store(true, ordering: .relaxed)
        reader.join()
        #expect(torn.load(ordering: .relaxed) == 0)
    }

    @Test("a freed row's handle cannot be retained, though the row is in use again")
    func staleHandles() {
        let rows = Rows()
        let old: NodeHandle
        do {
            let array = MLXArray(owning: rows.leaf(1))
            old = array.handle
        }
        #expect(!GraphStore.shared.retain(old))
        let next = MLXArray(owning: rows.leaf(2))
        #expect(next.handle.id == old.id, "the last freed row is the next one used")
        #expect(!GraphStore.shared.retain(old))
    }

    @Test("a million operations are freed iteratively, on a small stack")
    func deepChains() {
        let rows = Rows()
        let live = Atomic<Int>(0)
        withThread(stackByteCount: 512 << 10) {
            var handle = rows.leaf(0)
            for _ in 0..<1_000_000 { handle = rows.unary(handle) }
            live.store(GraphStore.shared.users(handle.id), ordering: .relaxed)
            GraphStore.shared.release(handle.id)
        }
        #expect(live.load(ordering: .relaxed) == 1)
        #expect(rows.liveCount == 0)
    }

    @Test("a wide fan of users is freed once")
    func sharedInputs() {
        let rows = Rows()
        do {
            let x = MLXArray(owning: rows.leaf(0))
            var users: [MLXArray] = []
            for _ in 0..<1000 {
                GraphStore.shared.retain(x.handle.id)
                users.append(MLXArray(owning: rows.unary(x.handle)))
            }
            #expect(GraphStore.shared.users(x.handle.id) == 1001)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("more inputs than a row holds are released with it")
    func manyInputs() {
        let rows = Rows()
        do {
            let array = MLXArray(owning: rows.many((0..<40).map { rows.leaf($0) }))
            let graph = Subgraph(roots: [array.handle])
            graph.checkInvariants()
            #expect(graph.count == 41)
            #expect(graph.inputs(of: 40).count == 40)
        }
        #expect(rows.liveCount == 0)
    }

    @Test("rows freed by another thread come back to their lane")
    func remoteFrees() {
        let rows = Rows()
        let growth = Atomic<Int>(0)
        let producer = plainThread {
            // Few rows at a time: without what the consumers free the lane would grow.
            var first: Int?
            for _ in 0..<200 {
                let handles = (0..<500).map { rows.leaf($0) }
                let lane = GraphStore.shared.lanes + handles[0].id.lane
                first = first ?? Int(lane.pointee.used)
                plainThread {
                    for handle in handles { GraphStore.shared.release(handle.id) }
                }.join()
                growth.store(Int(lane.pointee.used) - first!, ordering: .relaxed)
            }
        }
        producer.join()
        #expect(rows.liveCount == 0)
        #expect(growth.load(ordering: .relaxed) < 2000)
    }

    @Test("a thread's lane is the next thread's")
    func lanes() {
        let rows = Rows()
        var seen: Set<Int> = []
        for _ in 0..<600 {
            let lane = Atomic<Int>(-1)
            plainThread {
                let handle = rows.leaf(0)
                lane.store(handle.id.lane, ordering: .relaxed)
                GraphStore.shared.release(handle.id)
            }.join()
            seen.insert(lane.load(ordering: .relaxed))
        }
        // One at a time, they pass one lane on; other suites' threads may take one in between.
        #expect(seen.count < 64)
    }

    @Test("threads that build on shared nodes leave the right counts")
    func concurrentUsers() {
        let rows = Rows()
        do {
            let x = MLXArray(owning: rows.leaf(7))
            let threads = (0..<4).map { _ in
                plainThread {
                    for _ in 0..<20_000 {
                        let y = MLXArray(owning: rows.unary(x.acquire()))
                        y.touch()
                    }
                }
            }
            for thread in threads { thread.join() }
            #expect(GraphStore.shared.users(x.handle.id) == 1)
        }
        #expect(rows.liveCount == 0)
    }
}

/// What a store without room says.
@Suite("Full graph store") struct FullStoreTests {
    @Test("recording into a full store gives an invalid node with a typed error, and leaks nothing")
    func full() async {
        await #expect(processExitsWith: .success) {
            let rows = Rows()
            let first = rows.leaf(0)
            GraphStore.largestIndex = 1000
            var held: [NodeHandle] = []
            var refused: NodeHandle?
            for _ in 0..<(256 * 1000 + 10) {
                GraphStore.shared.retain(first.id)
                var entry = GraphStore.Entry(op: testOp, dtype: .float32, shape: .scalar)
                entry.inputs.0 = first.id
                entry.inputCount = 1
                let handle = GraphStore.shared.append(entry)
                if handle == GraphStore.full {
                    refused = handle
                    break
                }
                held.append(handle)
            }
            let row = GraphStore.shared.row(refused!.id)
            precondition(row.pointee.flags.contains(.poisoned))
            let error = row.pointee.payload!.takeUnretainedValue().error
            precondition(error?.kind == .limit)
            GraphStore.shared.release(refused!.id)
            precondition(GraphStore.shared.users(first.id) == held.count + 1)
            for handle in held { GraphStore.shared.release(handle.id) }
            precondition(GraphStore.shared.users(first.id) == 1)
            // There is room again.
            precondition(rows.leaf(1) != GraphStore.full)
        }
    }
}
