import Foundation
import MLX
import MLXFormats

/// 1,797 handwritten digits of 43 people, 8 by 8 pixels with 17 grey levels: the test part of
/// "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, UCI Machine Learning
/// Repository, 1998, CC BY 4.0). The last 359 were written by other people than the first 1,438.
///
/// ```swift
/// let loader = try DataLoader(Digits.bundled().training, batchSize: 32, shuffle: 7)
/// ```
public struct Digits: BatchedDataset {
    /// (N, 8, 8, 1), float32 in 0...1.
    public let images: MLXArray
    /// (N), int32 in 0...9.
    public let labels: MLXArray

    /// How many of the digits are for training; the rest, by other writers, for testing.
    public static let trainingCount = 1438

    /// How many digits there are.
    public var count: Int { images.dim(0) }

    /// The digits that the library carries in its own binary.
    /// - Throws: `ArrayError` when there is no memory.
    public static func bundled() throws -> Digits {
        try Digits(npz: PackageResources.digits_npz)
    }

    /// Digits from an npz file with `images` (N, 8, 8) in 0...16 and `labels` (N).
    /// - Throws: `ArrayError` when the file is not one of these.
    public init(contentsOf url: URL) throws {
        try self.init(loadArrays(url: url), name: url.lastPathComponent)
    }

    private init(npz: [UInt8]) throws {
        var arrays: [String: MLXArray] = [:]
        for tensor in try NPZ.open(MemorySource(npz, name: "digits.npz")) {
            let description = tensor.description
            let bytes = try tensor.bytes()
            arrays[description.name] = bytes.withUnsafeBytes {
                MLXArray(Data($0), description.shape, dtype: description.dtype)
            }
        }
        try self.init(arrays, name: "digits.npz")
    }

    private init(_ arrays: [String: MLXArray], name: String) throws {
        guard let images = arrays["images"], let labels = arrays["labels"],
            images.ndim == 3, images.dim(1) == 8, images.dim(2) == 8,
            labels.shape == [images.dim(0)]
        else {
            throw ArrayError(
                .file, "digits",
                "\(name) needs 'images' (N,8,8) and 'labels' (N), has "
                    + arrays.map { "\($0.key) \($0.value.shape)" }.sorted()
                    .joined(separator: ", "))
        }
        self.images = (images.asType(.float32) / 16).reshaped(images.dim(0), 8, 8, 1)
        self.labels = labels.asType(.int32)
        // Once, and not again for each batch.
        try checkedEval(self.images, self.labels)
    }

    private init(images: MLXArray, labels: MLXArray) {
        self.images = images
        self.labels = labels
    }

    /// The digits with the given numbers.
    public subscript(range: Range<Int>) -> Digits {
        Digits(images: images[range], labels: labels[range])
    }

    /// The first 1,438 digits.
    public var training: Digits { self[0..<Digits.trainingCount] }
    /// The digits after those for training, by other writers.
    public var test: Digits { self[Digits.trainingCount..<count] }

    /// The digit with a number: an image (8, 8, 1) and its label.
    public func element(at index: Int) throws -> Example {
        try check(CollectionOfOne(index))
        return Example(images, labels).row(index)
    }

    /// Several digits: images (N, 8, 8, 1) and their labels (N).
    public func batch(at indices: [Int]) throws -> Example {
        try check(indices)
        return Example(images, labels).rows(indices)
    }
}
