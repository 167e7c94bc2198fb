import Foundation
import MLX
import MLXFormats

// Data sets from files of arrays: npy, npz and idx. Rows are along the first axis; arrays have the
// dtypes of their files.

/// Reads an idx file, the format of MNIST, packed with gzip or not.
///
/// ```swift
/// let images = try loadIDX(url: URL(fileURLWithPath: "train-images-idx3-ubyte.gz"))
/// ```
/// - Returns: an array of the file's dtype: uint8, int8, int16, int32, float32 or float64.
/// - Throws: `ArrayError` of kind `file` for a file that is malformed, cut short or too long.
public func loadIDX(url: URL) throws -> MLXArray { try loaded(IDX.open(path: url.path)) }

extension ArrayDataset where Element == MLXArray {
    /// The rows of the array in an npy file.
    ///
    /// ```swift
    /// let points = try ArrayDataset(npy: url)
    /// ```
    /// - Throws: `ArrayError` for a file that is malformed or holds a number only.
    public init(npy url: URL) throws { try self.init(loadArray(url: url)) }
}

extension ArrayDataset where Element == [String: MLXArray] {
    /// The rows of the arrays in an npz file, by their names.
    ///
    /// ```swift
    /// let columns = try ArrayDataset(npz: url)
    /// ```
    /// - Throws: `ArrayError` for a file that is malformed and for arrays of different lengths.
    public init(npz url: URL) throws {
        guard url.pathExtension == "npz" else {
            throw LoadSaveError.unknownExtension(url.pathExtension)
        }
        try self.init(loadArrays(url: url))
    }
}

extension ArrayDataset where Element == Example {
    /// The rows of two arrays in an npz file.
    ///
    /// ```swift
    /// let dataset = try ArrayDataset(npz: url, input: "images", target: "labels")
    /// ```
    /// - Parameters:
    ///   - input: the name of the array of inputs.
    ///   - target: the name of the array of targets.
    /// - Throws: `ArrayError` for a file that is malformed or lacks one of the arrays.
    public init(npz url: URL, input: String, target: String) throws {
        let columns = try ArrayDataset<[String: MLXArray]>(npz: url).columns
        guard let inputs = columns[input], let targets = columns[target] else {
            throw ArrayError(
                .file, "load",
                "'\(url.path)' has no '\(input)' or no '\(target)' but "
                    + columns.keys.sorted().joined(separator: ", "))
        }
        try self.init(Example(inputs, targets))
    }

    /// Images and labels in two idx files, as MNIST and its relatives are published: inputs
    /// (height, width, 1), float32 in 0...1, and targets int32.
    ///
    /// ```swift
    /// let training = try ArrayDataset(
    ///     idxImages: folder.appendingPathComponent("train-images-idx3-ubyte.gz"),
    ///     labels: folder.appendingPathComponent("train-labels-idx1-ubyte.gz"))
    /// ```
    /// - Throws: `ArrayError` for files that are malformed, of other types or shapes.
    public init(idxImages: URL, labels: URL) throws {
        let images = try loadIDX(url: idxImages)
        let targets = try loadIDX(url: labels)
        guard images.dtype == .uint8, images.ndim == 3, targets.dtype == .uint8, targets.ndim == 1
        else {
            throw ArrayError(
                .file, "load",
                "'\(idxImages.path)' and '\(labels.path)' need bytes along three axes and one",
                shapes: [images.shape, targets.shape], dtypes: [images.dtype, targets.dtype])
        }
        try self.init(
            Example(
                (images.asType(.float32) / 255).expandedDimensions(axis: 3),
                targets.asType(.int32)))
    }
}
