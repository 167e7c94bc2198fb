import FoundationEssentials
import MLXBase
import MLXGraph
import MLXOps

/// Random numbers from counter-based keys (Threefry-2x32; Salmon, Moraes, Dror, Shaw 2011): the
/// same key, dtype and shape give the same numbers as MLX, on any device and thread count.
public enum MLXRandom {
    /// The state that functions without a key draw from.
    public static let globalState = {
        let state = RandomState()
        state.surviveForks()
        return state
    }()

    /// A key that gives out new keys.
    public final class RandomState: RandomStateOrKey, Updatable, Evaluatable, Sendable {
        private let key: Locked<MLXArray>

        fileprivate func surviveForks() { key.survivingForks() }

        /// Seeded from the clock.
        public convenience init() {
            self.init(seed: UInt64(Date().timeIntervalSince1970 * 1e6))
        }

        /// A state that gives out the same keys for the same seed.
        public init(seed: UInt64) { key = Locked(RandomState.firstKey(seed)) }

        /// A state that will give out the keys that another one would from now on.
        package init(resuming other: RandomState) {
            key = Locked(other.key.withLock { $0.aliased() })
        }

        /// A seed's key in the form that keys have later on, one row of two: so the first draw
        /// makes the same plan as all others.
        private static func firstKey(_ seed: UInt64) -> MLXArray {
            let rows = MLXArray(
                [UInt32(seed >> 32), UInt32(truncatingIfNeeded: seed), 0, 0], [2, 2])
            return Ops.reshape(Ops.slice(rows, axis: 0, 0, 1), [2])
        }

        public func innerState() -> [MLXArray] { [key.withLock { $0 }] }

        /// A key for one draw; advances the state.
        public func next() -> MLXArray {
            key.withLock { key in
                let (kept, drawn) = MLXRandom.split(key: key)
                key = kept
                return drawn
            }
        }

        /// Starts again from a seed.
        public func seed(_ seed: UInt64) {
            let fresh = RandomState.firstKey(seed)
            key.withLock { $0 = fresh }
        }

        /// The next key.
        public func asRandomKey() -> MLXArray { next() }
    }

    /// What functions without a key draw from: the task's own state or the global one.
    package static var taskState: RandomState {
        let own = Defaults.value.extras[ObjectIdentifier(RandomState.self)]
        return own as? RandomState ?? globalState
    }

    /// Seeds the global state.
    public static func seed(_ seed: UInt64) { globalState.seed(seed) }

    /// The key of a seed: its high and low halves.
    public static func key(_ seed: UInt64) -> MLXArray {
        MLXArray([UInt32(seed >> 32), UInt32(truncatingIfNeeded: seed)])
    }

    /// Independent keys made from one.
    public static func split(
        key: MLXArray, into num: Int, stream: StreamOrDevice = .default
    ) -> [MLXArray] {
        let keys = bits([Swift.max(num, 0), 2], key, stream)
        return (0..<Swift.max(num, 0)).map {
            Ops.reshape(Ops.slice(keys, axis: 0, $0, 1, stream: stream.id), [2])
        }
    }

    /// Two independent keys made from one.
    public static func split(
        key: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray) {
        let keys = split(key: key, into: 2, stream: stream)
        return (keys[0], keys[1])
    }

    /// uint32 arrays of random bits.
    static func bits(_ shape: [Int], _ key: MLXArray, _ stream: StreamOrDevice) -> MLXArray {
        recording([key]) { () throws(ArrayError) in
            guard key.dtype == .uint32, key.shape == [2] else {
                throw ArrayError(
                    .argument, "random_bits",
                    "a key is a uint32 array of two, not \(key.dtype)\(key.nodeShape)",
                    shapes: [key.shape], dtypes: [key.dtype])
            }
            let shape = try Shape(validating: shape, operation: "random_bits")
            return Ops.record(
                .randomBits, [key],
                Attributes(word: 4, outputShape: shape, outputDType: .uint32),
                stream: stream.id)
        }
    }
}

/// A key, or a state that gives out keys.
public protocol RandomStateOrKey {
    /// The key to draw with; a state gives another one each time.
    func asRandomKey() -> MLXArray
}

extension MLXArray: RandomStateOrKey {
    /// The array: equal keys give equal draws.
    public func asRandomKey() -> MLXArray { aliased() }
}

/// The key to draw with: the one given, else one from the task's state or the global one.
public func resolve(key: (some RandomStateOrKey)? = MLXArray?.none) -> MLXArray {
    if let key { return key.asRandomKey() }
    return MLXRandom.taskState.next()
}

/// Runs `body` with a random state of its own.
public func withRandomState<R>(
    _ state: MLXRandom.RandomState, body: () throws -> R
) rethrows -> R {
    try Defaults.with(
        { $0.extras[ObjectIdentifier(MLXRandom.RandomState.self)] = state }, body)
}

/// Runs `body` with a random state of its own.
public nonisolated(nonsending) func withRandomState<R>(
    _ state: MLXRandom.RandomState, body: () async throws -> R
) async rethrows -> R {
    try await Defaults.with(
        { $0.extras[ObjectIdentifier(MLXRandom.RandomState.self)] = state }, body)
}
