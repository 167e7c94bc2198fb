import MLX

/// Elements that can be put together into a batch. Arrays are stacked along a new first axis;
/// numbers become an array; texts stay a list.
public protocol Collatable: Sendable {
    /// What several of them make.
    associatedtype Batch: Sendable

    /// Puts elements together, in their order.
    /// - Throws: `ArrayError` when they do not fit each other, with the first that does not.
    static func collate(_ elements: [Self]) throws -> Batch
}

/// Elements that are arrays, one or several: what they make together has the same structure, with
/// one more axis in front. `ArrayDataset` keeps all its elements in one of these.
public protocol Stackable: Collatable where Batch == Self {
    /// The arrays, in an order that depends on the structure alone.
    var arrays: [MLXArray] { get }

    /// The same structure with other arrays, as many as it has.
    func replacing(_ arrays: [MLXArray]) -> Self
}

extension Stackable {
    /// Stacks array by array.
    /// - Throws: `ArrayError` of kind `shape`, `dtype` or `argument` that names the element which
    ///   differs from the first one.
    public static func collate(_ elements: [Self]) throws -> Self {
        try combined(elements, "element", shape: \.shape) { stacked($0) }
    }

    /// Batches one after the other, as one.
    static func joined(_ batches: [Self]) throws -> Self {
        try combined(batches, "part", shape: { Array($0.shape.dropFirst()) }) {
            concatenated($0, axis: 0)
        }
    }

    /// Combines array by array what agrees in structure, dtypes and shapes.
    private static func combined(
        _ parts: [Self], _ name: String, shape: (MLXArray) -> [Int],
        _ combine: ([MLXArray]) -> MLXArray
    ) throws(ArrayError) -> Self {
        guard let first = parts.first else {
            throw ArrayError(.argument, "collate", "a batch needs one \(name) at least")
        }
        let models = first.arrays
        let rows = parts.map(\.arrays)
        for (number, row) in rows.enumerated() {
            func misfit(_ kind: ArrayError.Kind, _ own: some Any, _ due: some Any) -> ArrayError {
                ArrayError(
                    kind, "collate",
                    "\(name) \(number) of the batch is \(own), the first one \(due)",
                    shapes: [models.map(\.shape), row.map(\.shape)].flatMap { $0 },
                    dtypes: [models.map(\.dtype), row.map(\.dtype)].flatMap { $0 })
            }
            guard row.count == models.count else {
                throw misfit(.argument, "\(row.count) arrays", "\(models.count)")
            }
            for (array, model) in zip(row, models) {
                guard shape(array) == shape(model) else {
                    throw misfit(.shape, shape(array), shape(model))
                }
                guard array.dtype == model.dtype else {
                    throw misfit(.dtype, array.dtype, model.dtype)
                }
            }
        }
        return first.replacing(models.indices.map { column in combine(rows.map { $0[column] }) })
    }
}

extension MLXArray: Stackable {
    public var arrays: [MLXArray] { [self] }
    public func replacing(_ arrays: [MLXArray]) -> MLXArray { arrays[0] }
}

/// What a model is given and what it should answer: one such pair, or a batch of them with one more
/// axis in front.
///
/// ```swift
/// for try await (_, batch) in loader.batches(epochs: 1) { train(batch.input, batch.target) }
/// ```
public struct Example: Stackable {
    /// What the model is given.
    public var input: MLXArray
    /// What it should answer.
    public var target: MLXArray

    /// A pair of an input and what it should lead to.
    public init(_ input: MLXArray, _ target: MLXArray) {
        self.input = input
        self.target = target
    }

    public var arrays: [MLXArray] { [input, target] }
    public func replacing(_ arrays: [MLXArray]) -> Example { Example(arrays[0], arrays[1]) }
}

/// Arrays by name, as an npz file or a table has them.
extension Dictionary: Collatable where Key == String, Value == MLXArray {}

extension Dictionary: Stackable where Key == String, Value == MLXArray {
    public var arrays: [MLXArray] { sorted { $0.key < $1.key }.map(\.value) }
    public func replacing(_ arrays: [MLXArray]) -> [String: MLXArray] {
        Dictionary(uniqueKeysWithValues: zip(keys.sorted(), arrays))
    }
}

extension String: Collatable {
    public static func collate(_ elements: [String]) throws -> [String] { elements }
}

extension Float: Collatable {
    public static func collate(_ elements: [Float]) throws -> MLXArray { MLXArray(elements) }
}

extension Int32: Collatable {
    public static func collate(_ elements: [Int32]) throws -> MLXArray { MLXArray(elements) }
}
