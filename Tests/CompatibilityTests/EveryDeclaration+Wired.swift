import Foundation
import MLX
import Testing

// Calls of wired-memory tickets, policies and their manager.
extension EveryDeclaration {
    /// Like the sum, without a limit of its own.
    private struct PlainPolicy: WiredMemoryPolicy, Hashable {
        func limit(baseline: Int, activeSizes: [Int]) -> Int { baseline }
    }

    @Test("wired memory: policies") func wiredPolicies() {
        let sum = WiredSumPolicy(id: UUID())
        let most = WiredMaxPolicy(id: UUID())
        _ = (sum.identifier, most.identifier, sum.id, PlainPolicy().id)
        #expect(sum.limit(baseline: 1, activeSizes: [2, 3]) == 6)
        _ = most.limit(baseline: 1, activeSizes: [2, 3])
        let policies: [any WiredMemoryPolicy] = [sum, most, PlainPolicy()]
        for policy in policies {
            _ = policy.limit(baseline: 1, activeSizes: [2])
            _ = policy.canAdmit(baseline: 1, activeSizes: [2], newSize: 3)
        }
        _ = PlainPolicy().canAdmit(baseline: 1, activeSizes: [2], newSize: 3)
        #expect(sum == sum && most == most)
    }

    @Test("wired memory: configuration and events") func wiredConfiguration() async {
        var configuration = WiredMemoryManagerConfiguration(
            shrinkThresholdRatio: 0.25, shrinkCooldown: 1, policyOnlyWhenUnsupported: true,
            baselineOverride: nil, useRecommendedWorkingSetWhenUnsupported: true)
        configuration.shrinkThresholdRatio = 0.5
        configuration.shrinkCooldown = 0
        configuration.policyOnlyWhenUnsupported = true
        configuration.baselineOverride = 1 << 20
        configuration.useRecommendedWorkingSetWhenUnsupported = false
        #expect(Set([configuration]).count == 1)
        let kinds: [WiredMemoryEvent.Kind] = [
            .baselineCaptured, .admissionWait, .admissionGranted, .admissionCancelled,
            .ticketStarted, .ticketStartIgnored, .ticketEnded, .ticketEndIgnored, .limitComputed,
            .limitApplied, .limitApplyFailed, .baselineRestored,
        ]
        for kind in kinds {
            let event = WiredMemoryEvent(
                sequence: 1, timestamp: Date(), kind: kind, ticketID: nil, size: nil, policy: nil,
                baseline: nil, desiredLimit: nil, appliedLimit: nil, activeCount: 0,
                waiterCount: 0)
            _ = (event.sequence, event.timestamp, event.kind, event.ticketID, event.size)
            _ = (event.policy, event.baseline, event.desiredLimit, event.appliedLimit)
            _ = (event.activeCount, event.waiterCount)
        }
        let manager = WiredMemoryManager.makeForTesting(configuration: configuration)
        await manager.updateConfiguration { $0.shrinkCooldown = 0 }
        await WiredMemoryManager.configureShared(WiredMemoryManagerConfiguration())
        let events: AsyncStream<WiredMemoryEvent> = await manager.events()
        _ = events
    }

    @Test("wired memory: tickets") func wiredTickets() async {
        let manager = WiredMemoryManager.makeForTesting(configuration: .init())
        let policy = WiredSumPolicy()
        let kinds: [WiredMemoryTicketKind] = [.active, .reservation]
        for kind in kinds {
            let ticket = WiredMemoryTicket(
                id: UUID(), size: 1 << 10, policy: policy, manager: manager, kind: kind)
            _ = (ticket.id, ticket.size, ticket.manager, ticket.policy, ticket.kind)
            _ = await ticket.start()
            _ = await ticket.end()
        }
        let ticket = policy.ticket(size: 1 << 10, manager: manager, kind: .active)
        await ticket.withWiredLimit { await Task.yield() }
        await WiredMemoryTicket.withWiredLimit(ticket) { await Task.yield() }
        let id = UUID()
        _ = await manager.start(id: id, size: 1, policy: policy, kind: .active)
        _ = await manager.end(id: id, policy: policy)
        _ = WiredMemoryManager.shared
    }
}
