import FoundationEssentials

// How much memory several users of one process may hold together: policies decide, a manager keeps
// count. On Linux nothing is wired; the limit is that of `Memory.memoryLimit`, an error beyond it.

/// Decides on the limit while tickets are open, and who may open one.
public protocol WiredMemoryPolicy: Sendable, Identifiable where ID == AnyHashable {
    /// The limit in bytes.
    /// - Parameters:
    ///   - baseline: the limit when no ticket is open.
    ///   - activeSizes: the sizes of the open tickets of this policy.
    func limit(baseline: Int, activeSizes: [Int]) -> Int

    /// Whether one more ticket may open now; otherwise it waits until another ends.
    func canAdmit(baseline: Int, activeSizes: [Int], newSize: Int) -> Bool
}

extension WiredMemoryPolicy {
    /// Everybody is admitted.
    public func canAdmit(baseline: Int, activeSizes: [Int], newSize: Int) -> Bool { true }

    /// A ticket of this policy.
    ///
    /// ```swift
    /// let ticket = WiredSumPolicy().ticket(size: 1 << 30)
    /// try await ticket.withWiredLimit { try await evaluate(model) }
    /// ```
    public func ticket(
        size: Int, manager: WiredMemoryManager = .shared, kind: WiredMemoryTicketKind = .active
    ) -> WiredMemoryTicket {
        WiredMemoryTicket(size: size, policy: self, manager: manager, kind: kind)
    }
}

extension WiredMemoryPolicy where Self: Hashable {
    /// The policy itself: equal policies share their tickets.
    public var id: AnyHashable { AnyHashable(self) }
}

/// A sum that stays at the largest number instead of wrapping.
private func saturating(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
}

/// The baseline and all open tickets together.
public struct WiredSumPolicy: WiredMemoryPolicy, Hashable, Sendable {
    /// Tells policies apart.
    public let identifier: UUID
    /// A policy; equal identifiers make equal policies.
    public init(id: UUID = UUID()) { identifier = id }

    public func limit(baseline: Int, activeSizes: [Int]) -> Int {
        activeSizes.reduce(baseline) { saturating($0, Swift.max($1, 0)) }
    }
}

/// The largest of the baseline and the open tickets.
public struct WiredMaxPolicy: WiredMemoryPolicy, Hashable, Sendable {
    /// Tells policies apart.
    public let identifier: UUID
    /// A policy; equal identifiers make equal policies.
    public init(id: UUID = UUID()) { identifier = id }

    public func limit(baseline: Int, activeSizes: [Int]) -> Int {
        activeSizes.reduce(baseline, Swift.max)
    }
}

/// How a manager behaves.
public struct WiredMemoryManagerConfiguration: Sendable, Hashable {
    /// A smaller limit is applied only when it is smaller by this part of the one in force.
    public var shrinkThresholdRatio: Double
    /// Seconds that must pass after a change before a smaller limit is applied.
    public var shrinkCooldown: TimeInterval
    /// Only counts, admits and reports, and leaves the limit alone, as on machines that cannot
    /// wire memory.
    public var policyOnlyWhenUnsupported: Bool
    /// The limit without tickets; what is in force when the first one opens if nil.
    public var baselineOverride: Int?
    /// Takes the recommended working set as baseline where memory cannot be wired.
    public var useRecommendedWorkingSetWhenUnsupported: Bool

    /// - Parameters:
    ///   - shrinkThresholdRatio: a smaller limit is applied only when it is smaller by this part.
    ///   - shrinkCooldown: seconds that must pass before a smaller limit is applied.
    ///   - policyOnlyWhenUnsupported: whether the limit is left alone, and only counted.
    ///   - baselineOverride: the limit without tickets, in bytes; nil for the one in force.
    ///   - useRecommendedWorkingSetWhenUnsupported: whether the recommended working set is the
    ///     baseline where memory cannot be wired.
    public init(
        shrinkThresholdRatio: Double = 0.25, shrinkCooldown: TimeInterval = 1.0,
        policyOnlyWhenUnsupported: Bool = true, baselineOverride: Int? = nil,
        useRecommendedWorkingSetWhenUnsupported: Bool = true
    ) {
        self.shrinkThresholdRatio = shrinkThresholdRatio
        self.shrinkCooldown = shrinkCooldown
        self.policyOnlyWhenUnsupported = policyOnlyWhenUnsupported
        self.baselineOverride = baselineOverride
        self.useRecommendedWorkingSetWhenUnsupported = useRecommendedWorkingSetWhenUnsupported
    }
}

/// Whether a ticket stands for work that goes on, or for memory that is held.
public enum WiredMemoryTicketKind: Sendable {
    /// Work: while one is open the limit is in force.
    case active
    /// Held memory: counts for admission, and for the limit while work goes on.
    case reservation
}

/// A claim to memory, which is open between `start` and `end`.
public struct WiredMemoryTicket: Sendable, Identifiable {
    public let id: UUID
    /// Bytes.
    public let size: Int
    /// Who keeps count of it.
    public let manager: WiredMemoryManager
    /// Decides whether and when it may open.
    public let policy: any WiredMemoryPolicy
    /// Whether the ticket is for work or only reserves.
    public let kind: WiredMemoryTicketKind

    /// - Parameters:
    ///   - id: tells tickets apart.
    ///   - size: bytes that the ticket stands for.
    ///   - policy: decides whether and when it may open.
    ///   - manager: who keeps it.
    ///   - kind: whether it is for work or only reserves.
    public init(
        id: UUID = UUID(), size: Int, policy: any WiredMemoryPolicy,
        manager: WiredMemoryManager = .shared, kind: WiredMemoryTicketKind = .active
    ) {
        self.id = id
        self.size = size
        self.manager = manager
        self.policy = policy
        self.kind = kind
    }

    /// Opens the ticket, as soon as its policy admits it.
    /// - Returns: the limit in force.
    public func start() async -> Int {
        await manager.start(id: id, size: size, policy: policy, kind: kind)
    }

    /// Closes the ticket; closing one that is not open does nothing.
    /// - Returns: the limit in force.
    public func end() async -> Int { await manager.end(id: id, policy: policy) }

    /// Runs `body` with the ticket open.
    public static func withWiredLimit<R>(
        _ ticket: WiredMemoryTicket, _ body: () async throws -> R
    ) async rethrows -> R {
        _ = await ticket.start()
        do {
            let result = try await body()
            _ = await ticket.end()
            return result
        } catch {
            _ = await ticket.end()
            throw error
        }
    }

    /// Runs `body` with the ticket open.
    public func withWiredLimit<R>(_ body: () async throws -> R) async rethrows -> R {
        try await WiredMemoryTicket.withWiredLimit(self, body)
    }
}
