import Foundation
import MLX
import MLXFormats

/// A folder of images with a sub-folder for each class: `cats/1.png`, `dogs/2.png`. Classes and
/// files are in the order of their names, so numbers mean the same on every machine. Only names are
/// kept; an image is read when it is asked for, and a batch is decoded into one block.
///
/// ```swift
/// let photos = try ImageFolder(url, channels: 3)
/// let loader = try DataLoader(photos, batchSize: 16, shuffle: 1)     // (16, height, width, 3)
/// ```
public struct ImageFolder: BatchedDataset {
    /// The names of the sub-folders, in order; a target is a number into it.
    public let classes: [String]
    /// The images' files, class by class.
    public let files: [URL]
    /// The class of each file.
    public let labels: [Int32]
    private let channels: Int?

    /// The extensions of files that are images.
    public static let extensions: Set<String> = ["png", "ppm", "pgm", "pnm"]

    /// Lists the images of a folder, those in folders within the classes' too.
    /// - Parameters:
    ///   - url: the folder whose sub-folders are the classes. Names that begin with a dot do not
    ///     count.
    ///   - channels: how many channels images are given: 1 grey, 2 grey and alpha, 3 red, green and
    ///     blue, 4 these and alpha; nil leaves each image what it is in its file.
    /// - Throws: `ArrayError` of kind `file` for a folder that cannot be read, has no sub-folders,
    ///   or a sub-folder without images; of kind `argument` for another number of channels.
    public init(_ url: URL, channels: Int? = 3) throws {
        if let channels, !(1...4).contains(channels) {
            throw ArrayError(.argument, "images", "an image has 1 to 4 channels, not \(channels)")
        }
        var files: [URL] = []
        var labels: [Int32] = []
        classes = try ImageFolder.names(url).filter {
            var isFolder: ObjCBool = false
            let path = url.appendingPathComponent($0).path
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                && isFolder.boolValue
        }
        guard !classes.isEmpty else {
            throw ArrayError.file("load", url.path, "has no folders of images")
        }
        for (label, name) in classes.enumerated() {
            let folder = url.appendingPathComponent(name)
            let images = try ImageFolder.images(folder)
            guard !images.isEmpty else {
                throw ArrayError.file("load", folder.path, "has no images")
            }
            files += images
            labels += repeatElement(Int32(truncatingIfNeeded: label), count: images.count)
        }
        self.files = files
        self.labels = labels
        self.channels = channels
    }

    /// What is in a folder, sorted by code points, without what is hidden.
    private static func names(_ folder: URL) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { !$0.hasPrefix(".") }.sorted {
                    $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars)
                }
        } catch {
            throw ArrayError.file("load", folder.path, "is no folder that can be read")
        }
    }

    private static func images(_ folder: URL) throws -> [URL] {
        guard let paths = try? FileManager.default.subpathsOfDirectory(atPath: folder.path) else {
            throw ArrayError.file("load", folder.path, "is no folder that can be read")
        }
        return paths.filter { path in
            let parts = path.split(separator: "/")
            return !parts.contains { $0.hasPrefix(".") }
                && extensions.contains((path as NSString).pathExtension.lowercased())
        }
        .sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
        .map(folder.appendingPathComponent)
    }

    public var count: Int { files.count }

    /// An image, float32 in 0...1, (height, width, channels), and its class, int32.
    /// - Throws: `ArrayError` of kind `file` for an image that is malformed.
    public func element(at index: Int) throws -> Example {
        let batch = try batch(at: [index])
        return Example(batch.input[0], batch.target[0])
    }

    /// Several images, (N, height, width, channels), and their classes, (N).
    /// - Throws: `ArrayError` of kind `file` for an image that is malformed, of kind `shape` for
    ///   one of another size than the first; both name the file.
    public func batch(at indices: [Int]) throws -> Example {
        try check(indices)
        var pixels: [Float] = []
        var shape = [0, 0, 0]
        for (number, index) in indices.enumerated() {
            let image = try image(files[index])
            let own = [image.height, image.width, image.channelCount]
            if number == 0 {
                shape = own
                pixels.reserveCapacity(indices.count * own.reduce(1, *))
            } else if own != shape {
                throw ArrayError(
                    .shape, "collate",
                    "'\(files[index].path)' is \(own), '\(files[indices[0]].path)' \(shape)",
                    shapes: [shape, own])
            }
            image.append(to: &pixels)
        }
        return Example(
            MLXArray(pixels, [indices.count] + shape), MLXArray(indices.map { labels[$0] }))
    }

    private func image(_ url: URL) throws -> DecodedImage {
        let image = try DecodedImage.open(path: url.path)
        return channels.map(image.withChannels) ?? image
    }
}

/// Reads a PNG, PPM or PGM image.
///
/// ```swift
/// let photo = try loadImage(url: url, channels: 1)      // (height, width, 1)
/// ```
/// - Parameter channels: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 these and alpha; nil
///   for what is in the file. Colours become grey by the weights of ITU-R BT.601.
/// - Returns: (height, width, channels), uint8, or uint16 for files of more than 8 bits a sample.
/// - Throws: `ArrayError` of kind `file` for a file that is malformed, of kind `argument` for
///   another number of channels.
public func loadImage(url: URL, channels: Int? = nil) throws -> MLXArray {
    if let channels, !(1...4).contains(channels) {
        throw ArrayError(.argument, "images", "an image has 1 to 4 channels, not \(channels)")
    }
    let file = try DecodedImage.open(path: url.path)
    let image = channels.map(file.withChannels) ?? file
    return image.bytes.withUnsafeBytes { bytes in
        let shape = [image.height, image.width, image.channelCount]
        return image.dtype == .uint8
            ? MLXArray(bytes, shape, type: UInt8.self) : MLXArray(bytes, shape, type: UInt16.self)
    }
}

extension DecodedImage {
    /// Appends the samples as numbers from 0 to 1.
    fileprivate func append(to pixels: inout [Float]) {
        if sampleByteCount == 1 {
            pixels.append(contentsOf: bytes.lazy.map { Float($0) / 255 })
        } else {
            let count = bytes.count / 2
            pixels.append(contentsOf: (0..<count).lazy.map { Float(self[$0]) / 65535 })
        }
    }
}
