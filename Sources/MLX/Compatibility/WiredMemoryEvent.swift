import FoundationEssentials

/// What a `WiredMemoryManager` did, in order, for those who watch it.
public struct WiredMemoryEvent: Sendable {
    /// What happened.
    public enum Kind: String, Sendable {
        /// The limit without tickets is known.
        case baselineCaptured
        /// A ticket waits for its policy.
        case admissionWait
        /// A ticket that waited may open.
        case admissionGranted
        /// A ticket's task was cancelled while it waited.
        case admissionCancelled
        /// A ticket is open.
        case ticketStarted
        /// A ticket that is open already was started again.
        case ticketStartIgnored
        /// A ticket is closed.
        case ticketEnded
        /// A ticket that is not open was ended.
        case ticketEndIgnored
        /// The policies' limit was computed.
        case limitComputed
        /// A limit came into force.
        case limitApplied
        /// A limit could not be applied.
        case limitApplyFailed
        /// No ticket is open, the first limit is in force again.
        case baselineRestored
    }

    /// Counts up from 0 for each manager.
    public let sequence: UInt64
    /// When it happened.
    public let timestamp: Date
    /// What happened.
    public let kind: Kind
    /// The ticket it was about; nil if about none.
    public let ticketID: UUID?
    /// The ticket's bytes.
    public let size: Int?
    /// The policy's description.
    public let policy: String?
    /// The limit without tickets, in bytes; nil before it is known.
    public let baseline: Int?
    /// What the policies ask for.
    public let desiredLimit: Int?
    /// What is in force.
    public let appliedLimit: Int?
    /// Open tickets.
    public let activeCount: Int
    /// Tickets that wait.
    public let waiterCount: Int

    /// An event with the given fields.
    public init(
        sequence: UInt64, timestamp: Date, kind: Kind, ticketID: UUID? = nil, size: Int? = nil,
        policy: String? = nil, baseline: Int? = nil, desiredLimit: Int? = nil,
        appliedLimit: Int? = nil, activeCount: Int, waiterCount: Int
    ) {
        self.sequence = sequence
        self.timestamp = timestamp
        self.kind = kind
        self.ticketID = ticketID
        self.size = size
        self.policy = policy
        self.baseline = baseline
        self.desiredLimit = desiredLimit
        self.appliedLimit = appliedLimit
        self.activeCount = activeCount
        self.waiterCount = waiterCount
    }
}
