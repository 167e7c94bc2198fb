import Foundation
import MLX
import Testing

/// Tickets, policies, admission and events of the manager of memory.
@Suite("Wired memory") struct WiredMemoryTests {
    /// Admits as long as all open tickets fit.
    private struct Capped: WiredMemoryPolicy, Hashable {
        let most: Int
        func limit(baseline: Int, activeSizes: [Int]) -> Int {
            baseline + activeSizes.reduce(0, +)
        }
        func canAdmit(baseline: Int, activeSizes: [Int], newSize: Int) -> Bool {
            activeSizes.reduce(newSize, +) <= most
        }
    }

    private func manager(baseline: Int = 100) -> WiredMemoryManager {
        .makeForTesting(
            configuration: .init(
                shrinkThresholdRatio: 0, shrinkCooldown: 0, baselineOverride: baseline))
    }

    @Test("sums and maxima") func policies() {
        #expect(WiredSumPolicy().limit(baseline: 10, activeSizes: [1, 2]) == 13)
        #expect(WiredMaxPolicy().limit(baseline: 10, activeSizes: [1, 20]) == 20)
        #expect(WiredSumPolicy().limit(baseline: .max, activeSizes: [1, .max]) == .max)
        let id = UUID()
        #expect(WiredSumPolicy(id: id).id == WiredSumPolicy(id: id).id)
        #expect(WiredSumPolicy().id != WiredSumPolicy().id)
    }

    @Test("limits follow the open tickets") func limits() async {
        let manager = manager()
        let policy = WiredSumPolicy()
        let (a, b) = (
            policy.ticket(size: 10, manager: manager), policy.ticket(size: 5, manager: manager)
        )
        #expect(await a.start() == 110)
        #expect(await b.start() == 115)
        #expect(await b.start() == 115, "starting twice counts once")
        #expect(await a.end() == 105)
        #expect(await a.end() == 105, "ending twice does nothing")
        #expect(await b.end() == 100)
        let held = policy.ticket(size: 50, manager: manager, kind: .reservation)
        #expect(await held.start() == 100, "a reservation alone asks for nothing")
        #expect(await a.start() == 160)
        #expect(await a.end() == 100)
        #expect(await held.end() == 100)
    }

    @Test("a ticket waits until it fits") func admission() async {
        let manager = manager()
        let policy = Capped(most: 10)
        let first = policy.ticket(size: 8, manager: manager)
        let second = policy.ticket(size: 5, manager: manager)
        _ = await first.start()
        var events = await manager.events().makeAsyncIterator()
        async let limit = second.start()
        #expect(await events.next()?.kind == .admissionWait)
        _ = await first.end()
        #expect(await limit == 105)
        var kinds: [WiredMemoryEvent.Kind] = []
        while kinds.last != .ticketStarted, let event = await events.next() {
            kinds.append(event.kind)
        }
        #expect(kinds == [.ticketEnded, .admissionGranted, .ticketStarted])
        #expect(await second.end() == 100)
    }

    @Test("waiting ends with the task") func cancellation() async {
        let manager = manager()
        let policy = Capped(most: 10)
        let first = policy.ticket(size: 10, manager: manager)
        _ = await first.start()
        var events = await manager.events().makeAsyncIterator()
        let waiting = Task { await policy.ticket(size: 1, manager: manager).start() }
        #expect(await events.next()?.kind == .admissionWait)
        waiting.cancel()
        #expect(await waiting.value == 110)
        #expect(await events.next()?.kind == .admissionCancelled)
        #expect(await first.end() == 100)
    }

    @Test("a body runs with its ticket open, and errors close it") func bodies() async {
        struct Failure: Error {}
        let manager = manager()
        let ticket = WiredMaxPolicy().ticket(size: 300, manager: manager)
        #expect(await ticket.withWiredLimit { 7 } == 7)
        await #expect(throws: Failure.self) {
            try await ticket.withWiredLimit { throw Failure() }
        }
        #expect(await ticket.start() == 300)
        #expect(await ticket.end() == 100)
    }
}
