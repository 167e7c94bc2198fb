import Testing

@testable import MLXRuntime

/// The parts below a team that can be tried without threads, or with one.
@Suite struct WorkQueueTests {
    @Test func firstInFirstOutThroughGrowth() {
        var queue = WorkQueue()
        defer { queue.destroy() }
        nonisolated(unsafe) var seen: [Int] = []
        var pushed = 0
        var popped = 0
        for round in 1...40 {
            for _ in 0..<round * 3 {
                let number = pushed
                queue.push(.work { seen.append(number) })
                pushed += 1
            }
            for _ in 0..<round * 2 {
                if case .work(let work)? = queue.pop() { work() }
                popped += 1
            }
            #expect(queue.count == pushed - popped)
        }
        while case .work(let work)? = queue.pop() { work() }
        #expect(seen == Array(0..<pushed))
        #expect(queue.isEmpty)
    }

    @Test func permitsAreKept() {
        let parker = Parker()
        parker.unpark()
        parker.unpark()
        parker.park()
        #expect(!parker.tryTake())
        let thread = plainThread { parker.unpark() }
        parker.park()
        thread.join()
    }
}
