/// What went wrong with an array operation, with everything needed to say so well: the
/// operation, the shapes and dtypes it was given, where it was called, and the operations
/// between the failing one and the array that was evaluated.
public struct ArrayError: Error, Sendable {
    /// The classes of failure that a program may want to tell apart.
    public enum Kind: String, Sendable, CaseIterable {
        /// Shapes that do not fit each other or the operation.
        case shape
        /// An axis that is out of range or named twice.
        case axis
        /// A dtype that the operation or the device does not take.
        case dtype
        /// An index outside its axis.
        case index
        /// Any other argument that makes no sense (a NaN size, a zero stride).
        case argument
        /// The device has no kernel for the operation and may not pass it on.
        case unsupported
        /// The operation has no derivative.
        case notDifferentiable
        /// A limit of the library or one set by the user.
        case limit
        /// The system or the memory limit refused an allocation.
        case memory
        /// A kernel reported a failure.
        case kernel
        /// A file is missing, truncated, malformed or hostile.
        case file
        /// Evaluation was asked for from inside the engine.
        case reentrant
    }

    /// What kind of mistake it was.
    public let kind: Kind
    /// The operation's name in the op table, or the function's.
    public let operation: String
    /// One sentence without the operation's name.
    public let message: String
    /// The shapes of the operands, in their order.
    public let shapes: [[Int]]
    /// The dtypes of the operands, in their order.
    public let dtypes: [DType]
    /// Where the operation was recorded.
    public var site: CallSite
    /// The operations from the failing one to the one that was evaluated, nearest first.
    public var chain: [String]
    /// Where evaluation was asked for, when the error surfaced there.
    public var evaluationSite: CallSite?

    /// - Parameter site: captured at the call when not given.
    public init(
        _ kind: Kind, _ operation: String, _ message: String, shapes: [[Int]] = [],
        dtypes: [DType] = [], site: CallSite? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.message = message
        self.shapes = shapes
        self.dtypes = dtypes
        self.site = site ?? CallSite.capture()
        self.chain = []
        self.evaluationSite = nil
    }

    package static func invalidShape(
        _ dims: [Int], rank: Int, operation: String
    ) -> ArrayError {
        if rank > Shape.maximumRank {
            return ArrayError(
                .limit, operation, "\(rank) axes, at most \(Shape.maximumRank) are supported",
                shapes: [dims])
        }
        if dims.contains(where: { $0 < 0 }) {
            return ArrayError(
                .shape, operation, "shape \(Shape.describe(dims)) has a negative dimension",
                shapes: [dims])
        }
        return ArrayError(
            .limit, operation,
            "shape \(Shape.describe(dims)) has more elements than can be addressed",
            shapes: [dims])
    }
}

extension ArrayError: CustomStringConvertible {
    /// The text the blocking API reports: `[operation] message`.
    public var summary: String { "[\(operation)] \(message)" }

    public var description: String {
        var lines = [summary]
        if let place = site.place { lines.append("  at \(place)") }
        if !chain.isEmpty { lines.append("  used by \(chain.joined(separator: " -> "))") }
        if let place = evaluationSite?.place { lines.append("  evaluated at \(place)") }
        return lines.joined(separator: "\n")
    }
}
