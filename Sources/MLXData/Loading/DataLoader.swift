import MLX
import Synchronization

/// Where reading stands: the batch that comes next. It is all that has to be saved to go on later
/// where one stopped, and it says nothing about how far ahead was read.
public struct LoaderPosition: Codable, Sendable, Hashable, CustomStringConvertible {
    /// How many epochs are over.
    public var epoch: Int
    /// How many batches of this epoch are over.
    public var batch: Int

    /// The batch with this number of an epoch.
    public init(epoch: Int, batch: Int) {
        self.epoch = epoch
        self.batch = batch
    }

    /// The first batch of the first epoch.
    public static let start = LoaderPosition(epoch: 0, batch: 0)

    public var description: String { "batch \(batch) of epoch \(epoch)" }
}

/// Batches of a data set, epoch after epoch. Which elements a batch has, their order and what is
/// random about them depend on keys, epoch and batch alone: not on threads, not on how many batches
/// are made ahead, not on where one began. It is a value and may be read by several tasks at once.
///
/// ```swift
/// let loader = try DataLoader(try Digits.bundled().training, batchSize: 32, shuffle: 7)
/// for try await (position, batch) in loader.batches(epochs: 10) {
///     train(batch.input, batch.target)
///     saved = loader.position(after: position)
/// }
/// ```
public struct DataLoader<Batch: Sendable>: Sendable {
    /// How many batches an epoch has.
    public let batchesPerEpoch: Int
    /// How many batches are made ahead by ``batches(from:epochs:)``, 2 unless said otherwise; 0
    /// makes each when it is asked for. What the batches are does not depend on it.
    public var prefetchCount = 2
    private let make: @Sendable (LoaderPosition) throws -> Batch

    /// Batches of elements that can be put together: arrays, examples, arrays by name.
    ///
    /// - Parameters:
    ///   - dataset: what to draw from.
    ///   - batchSize: how many elements a batch has.
    ///   - shuffle: what the order of each epoch is derived from; nil for the data set's own order.
    ///   - dropsLast: whether elements that do not fill a batch at an epoch's end are left out;
    ///     they make a smaller batch otherwise.
    /// - Throws: `ArrayError` for a batch size below 1.
    public init<D: Dataset>(
        _ dataset: D, batchSize: Int, shuffle: RandomKey? = nil, dropsLast: Bool = false
    ) throws where D.Element: Collatable, D.Element.Batch == Batch {
        try self.init(dataset, batchSize, shuffle, dropsLast) { try $0.collated($1) }
    }

    /// Batches that `collate` makes of elements.
    ///
    /// ```swift
    /// let loader = try DataLoader(lines, batchSize: 8) { lines in try tokens(of: lines) }
    /// ```
    /// - Parameter collate: makes a batch of elements in their order.
    /// - Throws: `ArrayError` for a batch size below 1.
    public init<D: Dataset>(
        _ dataset: D, batchSize: Int, shuffle: RandomKey? = nil, dropsLast: Bool = false,
        collate: @escaping @Sendable ([D.Element]) throws -> Batch
    ) throws {
        try self.init(dataset, batchSize, shuffle, dropsLast) { dataset, indices in
            try collate(indices.map(dataset.element(at:)))
        }
    }

    private init<D: Dataset>(
        _ dataset: D, _ batchSize: Int, _ shuffle: RandomKey?, _ dropsLast: Bool,
        _ batch: @escaping @Sendable (D, [Int]) throws -> Batch
    ) throws {
        guard batchSize > 0 else {
            throw ArrayError(.argument, "loader", "a batch cannot have \(batchSize) elements")
        }
        let count = dataset.count
        let whole = count / batchSize
        batchesPerEpoch = dropsLast || count % batchSize == 0 ? whole : whole + 1
        let orders = EpochOrders(count: count, key: shuffle)
        make = { position in
            let first = position.batch * batchSize
            let numbers = first..<first + min(batchSize, count - first)
            return try batch(
                dataset.inEpoch(position.epoch),
                orders.elements(numbers, epoch: position.epoch))
        }
    }

    private init(
        batchesPerEpoch: Int, prefetchCount: Int,
        make: @escaping @Sendable (LoaderPosition) throws -> Batch
    ) {
        self.batchesPerEpoch = batchesPerEpoch
        self.prefetchCount = prefetchCount
        self.make = make
    }

    /// One batch, made now on the calling task. The same position gives the same batch each time.
    /// - Throws: `ArrayError` of kind `index` when an epoch has no such batch; errors of reading
    ///   and of putting together.
    public func batch(at position: LoaderPosition) throws -> Batch {
        guard position.epoch >= 0, position.batch >= 0, position.batch < batchesPerEpoch else {
            throw ArrayError(
                .index, "loader",
                "there is no \(position); an epoch has \(batchesPerEpoch) batches")
        }
        return try make(position)
    }

    /// The position of the batch that follows one: what to save when that one was used.
    public func position(after position: LoaderPosition) -> LoaderPosition {
        position.batch < batchesPerEpoch - 1
            ? LoaderPosition(epoch: position.epoch, batch: position.batch + 1)
            : LoaderPosition(epoch: position.epoch &+ 1, batch: 0)
    }

    /// Batches made from this one's, each by itself.
    ///
    /// ```swift
    /// let centered = loader.map { Example($0.input - mean, $0.target) }
    /// ```
    public func map<Result: Sendable>(
        _ transform: @escaping @Sendable (Batch) throws -> Result
    ) -> DataLoader<Result> {
        .init(batchesPerEpoch: batchesPerEpoch, prefetchCount: prefetchCount) {
            [make] position in try transform(make(position))
        }
    }

    /// Batches made from this one's with something random. `transform` is given a key of its own
    /// for each batch of each epoch: augmentation of a whole batch at once.
    ///
    /// ```swift
    /// let noisy = loader.map(key: 3) { batch, key in
    ///     let noise = MLXRandom.normal(batch.input.shape, key: key)
    ///     return Example(batch.input + 0.1 * noise, batch.target)
    /// }
    /// ```
    public func map<Result: Sendable>(
        key: RandomKey, _ transform: @escaping @Sendable (Batch, RandomKey) throws -> Result
    ) -> DataLoader<Result> {
        .init(batchesPerEpoch: batchesPerEpoch, prefetchCount: prefetchCount) {
            [make] position in
            try transform(
                make(position), key.derived(position.epoch).derived(position.batch))
        }
    }
}

/// The orders of the latest epochs. A permutation takes time by the number of elements, and batches
/// of two epochs may be made at once at the end of one; more need not be kept.
private final class EpochOrders: Sendable {
    private let count: Int
    private let key: RandomKey?
    private let latest = Mutex<[(epoch: Int, order: [Int])]>([])

    init(count: Int, key: RandomKey?) {
        self.count = count
        self.key = key
    }

    func elements(_ numbers: Range<Int>, epoch: Int) -> [Int] {
        guard let key else { return Array(numbers) }
        let order = latest.withLock { latest in
            if let known = latest.first(where: { $0.epoch == epoch }) { return known.order }
            let order = key.derived(epoch).permutation(count)
            latest = latest.suffix(1) + [(epoch, order)]
            return order
        }
        return Array(order[numbers])
    }
}
