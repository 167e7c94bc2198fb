import CMLXKernels
import MLXBase
import Synchronization

/// What a task has set for all operations it records: one value behind one task-local, because
/// each task-local read costs as much as a third of recording an operation. A thread that belongs
/// to no task, one of another language say, has a stack of its own beside it
/// (`Defaults+Thread.swift`), which counts where no task-local is set.
package struct Defaults: Sendable {
    /// The stream that operations without an explicit one are pinned to.
    package var stream: StreamID
    /// Told of every operation that could not be recorded, at once; nil leaves the error to
    /// whoever evaluates.
    package var onInvalid: (@Sendable (ArrayError) -> Void)?
    /// The scheduling policy to use, as an opaque value of the runtime.
    package var policy: (any Sendable)?
    /// How far off products may be for being computed in int8, in the unit of their words; nil
    /// rounds none.
    package var productTolerance: Int?
    /// The number of gradient traces around the recording code.
    package var traceDepth = 0
    /// Who wants to know of shapes that are read, while a function is recorded for any shape.
    package var shapeWatch: ShapeWatch?
    /// Random state and other values of upper layers.
    package var extras: [ObjectIdentifier: any Sendable] = [:]

    package init() { stream = Defaults.processStream }

    private static let processStreamCell = Atomic<UInt16>(0)

    /// The stream of tasks that have set none.
    package static var processStream: StreamID {
        get { StreamID(raw: processStreamCell.load(ordering: .relaxed)) }
        set { processStreamCell.store(newValue.raw, ordering: .relaxed) }
    }

    @TaskLocal static var ofTask: Box?

    /// A reference, so that reading the task-local copies one word.
    package final class Box: Sendable {
        package let value: Defaults
        package init(_ value: Defaults) { self.value = value }
    }

    /// Whether anything was ever set in this process. It stays so: a task that was started inside
    /// `with` has the values after it.
    static let isUsed = Atomic<Bool>(false)

    /// What the task has set, else what the thread has entered; nil without either. One load where
    /// nothing was ever set.
    @inline(__always) package static var current: Box? {
        isUsed.load(ordering: .relaxed) ? found : nil
    }

    @inline(never) private static var found: Box? { ofTask ?? ofThread }

    package static var value: Defaults { current?.value ?? Defaults() }

    /// The stream of operations that name none.
    @inline(__always) package static var stream: StreamID {
        guard let current else { return processStream }
        return current.value.stream
    }

    /// Runs `body` with changed defaults.
    package static func with<R>(
        _ change: (inout Defaults) -> Void, _ body: () throws -> R
    ) rethrows -> R {
        var defaults = value
        change(&defaults)
        isUsed.store(true, ordering: .relaxed)
        return try $ofTask.withValue(Box(defaults), operation: body)
    }

    /// Runs `body` with changed defaults.
    package nonisolated(nonsending) static func with<R>(
        _ change: (inout Defaults) -> Void, _ body: () async throws -> R
    ) async rethrows -> R {
        var defaults = value
        change(&defaults)
        isUsed.store(true, ordering: .relaxed)
        return try await $ofTask.withValue(Box(defaults), operation: body)
    }
}
