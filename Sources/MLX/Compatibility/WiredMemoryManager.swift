import FoundationEssentials

/// Keeps count of open tickets, lets others wait, and puts the limit that their policies ask for
/// into force: that of `Memory.memoryLimit`, unless it is told to count only.
/// Invariant: the limit is the baseline again as soon as no ticket is open.
public actor WiredMemoryManager {
    /// The manager of the process.
    public static let shared = WiredMemoryManager()

    private struct Ticket {
        let id: UUID
        let size: Int
        let policy: any WiredMemoryPolicy
        let kind: WiredMemoryTicketKind
    }

    private struct Waiter {
        let ticket: Ticket
        let continuation: CheckedContinuation<Bool, Never>
    }

    private var configuration: WiredMemoryManagerConfiguration
    private var open: [Ticket] = []
    /// In the order they came.
    private var waiters: [Waiter] = []
    private var baseline: Int?
    /// The limit that was in force before the first ticket, where it is ours to change.
    private var limitBefore: Int?
    private var applied: Int?
    private var changed = Date.distantPast
    private var sequence: UInt64 = 0
    private var watchers: [UUID: AsyncStream<WiredMemoryEvent>.Continuation] = [:]

    private init(configuration: WiredMemoryManagerConfiguration = .init()) {
        self.configuration = configuration
    }

    /// A manager of its own, for tests.
    public static func makeForTesting(
        configuration: WiredMemoryManagerConfiguration = .init()
    ) -> WiredMemoryManager { WiredMemoryManager(configuration: configuration) }

    /// Changes the configuration; open tickets feel it at the next change.
    public func updateConfiguration(_ update: (inout WiredMemoryManagerConfiguration) -> Void) {
        update(&configuration)
    }

    /// Sets the configuration of the process's manager.
    public static func configureShared(_ configuration: WiredMemoryManagerConfiguration) async {
        await shared.updateConfiguration { $0 = configuration }
    }

    /// What happens from now on. The newest 1,024 events are kept for a watcher that is slow.
    ///
    /// ```swift
    /// for await event in await WiredMemoryManager.shared.events() { print(event.kind) }
    /// ```
    public func events() -> AsyncStream<WiredMemoryEvent> {
        let key = UUID()
        let (stream, continuation) = AsyncStream.makeStream(
            of: WiredMemoryEvent.self, bufferingPolicy: .bufferingNewest(1024))
        watchers[key] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.forget(key) }
        }
        return stream
    }

    private func forget(_ key: UUID) { watchers[key] = nil }

    /// Opens a ticket, after waiting until its policy admits it. A ticket whose task is cancelled
    /// meanwhile does not open.
    /// - Returns: the limit in force.
    public func start(
        id: UUID, size: Int, policy: any WiredMemoryPolicy, kind: WiredMemoryTicketKind
    ) async -> Int {
        let ticket = Ticket(id: id, size: Swift.max(size, 0), policy: policy, kind: kind)
        captureBaseline()
        if isKnown(id) {
            report(.ticketStartIgnored, ticket)
            return limit
        }
        if !admits(ticket) {
            let isAdmitted = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled {
                        report(.admissionCancelled, ticket)
                        continuation.resume(returning: false)
                        return
                    }
                    waiters.append(Waiter(ticket: ticket, continuation: continuation))
                    report(.admissionWait, ticket)
                }
            } onCancel: {
                Task { await self.cancel(id) }
            }
            // Whoever let it in has opened it.
            if !isAdmitted { restoreWhenIdle() }
            return limit
        }
        begin(ticket)
        return limit
    }

    private func cancel(_ id: UUID) {
        guard let place = waiters.firstIndex(where: { $0.ticket.id == id }) else { return }
        let waiter = waiters.remove(at: place)
        report(.admissionCancelled, waiter.ticket)
        waiter.continuation.resume(returning: false)
    }

    /// Closes a ticket.
    /// - Returns: the limit in force.
    public func end(id: UUID, policy: any WiredMemoryPolicy) -> Int {
        guard let place = open.firstIndex(where: { $0.id == id }) else {
            report(.ticketEndIgnored, nil)
            return limit
        }
        let ticket = open.remove(at: place)
        report(.ticketEnded, ticket)
        admitWaiters()
        apply()
        restoreWhenIdle()
        return limit
    }

    // MARK: - Admission

    private func isKnown(_ id: UUID) -> Bool {
        open.contains { $0.id == id } || waiters.contains { $0.ticket.id == id }
    }

    private func sizes(of policy: any WiredMemoryPolicy) -> [Int] {
        open.filter { $0.policy.id == policy.id }.map(\.size)
    }

    private func admits(_ ticket: Ticket) -> Bool {
        ticket.policy.canAdmit(
            baseline: baseline ?? 0, activeSizes: sizes(of: ticket.policy), newSize: ticket.size)
    }

    private func begin(_ ticket: Ticket) {
        open.append(ticket)
        report(.ticketStarted, ticket)
        apply()
    }

    /// Opens those that wait and may, in order; one that may not does not hold up the others.
    private func admitWaiters() {
        var place = 0
        while place < waiters.count {
            if admits(waiters[place].ticket) {
                let waiter = waiters.remove(at: place)
                report(.admissionGranted, waiter.ticket)
                begin(waiter.ticket)
                waiter.continuation.resume(returning: true)
            } else {
                place += 1
            }
        }
    }

    // MARK: - The limit

    private var limit: Int { applied ?? baseline ?? 0 }

    private func captureBaseline() {
        guard baseline == nil else { return }
        let recommended = GPU.maxRecommendedWorkingSetBytes() ?? Memory.memoryLimit
        baseline =
            configuration.baselineOverride
            ?? (configuration.policyOnlyWhenUnsupported
                && !configuration.useRecommendedWorkingSetWhenUnsupported ? 0 : recommended)
        report(.baselineCaptured, nil)
    }

    /// What the policies ask for: the largest of their limits, while work goes on.
    private var desired: Int {
        let baseline = baseline ?? 0
        guard open.contains(where: { $0.kind == .active }) else { return baseline }
        var seen: Set<AnyHashable> = []
        return open.reduce(0) { most, ticket in
            guard seen.insert(ticket.policy.id).inserted else { return most }
            return Swift.max(
                most,
                ticket.policy.limit(
                    baseline: baseline, activeSizes: sizes(of: ticket.policy)))
        }
    }

    private func apply() {
        let wanted = desired
        report(.limitComputed, nil, desired: wanted)
        let current = limit
        if applied != nil && wanted < current {
            // Small or quick steps down are not worth a change that may be undone at once.
            let step = Double(current - wanted)
            if step < configuration.shrinkThresholdRatio * Double(current)
                || Date().timeIntervalSince(changed) < configuration.shrinkCooldown
            {
                return
            }
        }
        if applied == wanted { return }
        applied = wanted
        changed = Date()
        if !configuration.policyOnlyWhenUnsupported {
            guard wanted > 0 else { return report(.limitApplyFailed, nil, desired: wanted) }
            if limitBefore == nil { limitBefore = Memory.memoryLimit }
            Memory.memoryLimit = wanted
        }
        report(.limitApplied, nil, desired: wanted)
    }

    /// Without tickets everything is as it was before the first one.
    private func restoreWhenIdle() {
        guard open.isEmpty, waiters.isEmpty, baseline != nil else { return }
        if let limitBefore { Memory.memoryLimit = limitBefore }
        (limitBefore, applied) = (nil, nil)
        report(.baselineRestored, nil)
        baseline = configuration.baselineOverride
    }

    private func report(
        _ kind: WiredMemoryEvent.Kind, _ ticket: Ticket?, desired: Int? = nil
    ) {
        defer { sequence += 1 }
        if watchers.isEmpty { return }
        let event = WiredMemoryEvent(
            sequence: sequence, timestamp: Date(), kind: kind, ticketID: ticket?.id,
            size: ticket?.size, policy: ticket.map { "\($0.policy)" }, baseline: baseline,
            desiredLimit: desired, appliedLimit: applied, activeCount: open.count,
            waiterCount: waiters.count)
        for watcher in watchers.values { watcher.yield(event) }
    }
}
