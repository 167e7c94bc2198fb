import MLX

/// The batches of a loader in their order, made ahead on other tasks. A batch is a pure function
/// of its position, so each is a task of its own and as many as are wanted ahead are under way;
/// order, contents and the place where an error comes up are those of making one after the other.
/// Letting go of the iterator cancels what is under way.
public struct LoaderBatches<Batch: Sendable>: AsyncSequence, Sendable {
    /// A batch and where it stands.
    public typealias Element = (position: LoaderPosition, batch: Batch)

    let loader: DataLoader<Batch>
    let first: LoaderPosition
    let epochs: Int?

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(ahead: BatchesAhead(loader, first, epochs))
    }

    /// Hands out batch after batch.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let ahead: BatchesAhead<Batch>

        /// The next batch; nil when the epochs are over or after an error.
        /// - Throws: the error of making the batch; `CancellationError` in a cancelled task.
        public mutating func next() async throws -> Element? { try await ahead.next() }
    }
}

extension DataLoader {
    /// The batches from a position on, in order, with the position of each.
    ///
    /// ```swift
    /// for try await (position, batch) in loader.batches(from: saved, epochs: 10) { ... }
    /// ```
    /// - Parameters:
    ///   - position: the first batch; what `position(after:)` said of the last one that was used.
    ///   - epochs: how many epochs there are in all, those before `position` counted too, so that
    ///     going on needs no arithmetic; nil for no end.
    public func batches(
        from position: LoaderPosition = .start, epochs: Int? = nil
    ) -> LoaderBatches<Batch> {
        LoaderBatches(loader: self, first: position, epochs: epochs)
    }
}

/// The tasks of one iterator. It is used by one task at a time, as iterators are; only
/// `deinit` may run elsewhere.
final class BatchesAhead<Batch: Sendable> {
    private let loader: DataLoader<Batch>
    private let epochs: Int
    private var upcoming: LoaderPosition
    private var isOver: Bool
    /// In order of their positions.
    private var tasks: [(position: LoaderPosition, task: Task<Batch, any Error>)] = []

    init(_ loader: DataLoader<Batch>, _ first: LoaderPosition, _ epochs: Int?) {
        self.loader = loader
        self.epochs = epochs ?? .max
        upcoming = first
        isOver = loader.batchesPerEpoch == 0
    }

    deinit { cancel() }

    func next() async throws -> LoaderBatches<Batch>.Element? {
        do {
            try Task.checkCancellation()
            // One that is asked for now, and those ahead of it.
            while tasks.count <= max(loader.prefetchCount, 0), start() {}
            guard !tasks.isEmpty else { return nil }
            let (position, task) = tasks.removeFirst()
            let batch = try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
            return (position, batch)
        } catch {
            isOver = true
            cancel()
            tasks = []
            throw error
        }
    }

    /// Starts making the next batch, if there is one.
    private func start() -> Bool {
        guard !isOver, upcoming.epoch < epochs else { return false }
        let position = upcoming
        let loader = loader
        tasks.append(
            (
                position,
                Task {
                    try Task.checkCancellation()
                    return try loader.batch(at: position)
                }
            ))
        upcoming = loader.position(after: position)
        return true
    }

    private func cancel() { for (_, task) in tasks { task.cancel() } }
}
