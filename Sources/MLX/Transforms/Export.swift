import FoundationEssentials
import MLXBase
import MLXFormats
import MLXGraph
import MLXOps
import MLXTransforms

// Functions in files. A file is a safetensors file whose metadata holds the recorded operations
// and whose tensors are the constants; it holds no code, and reading it checks every operation.

private enum FunctionFile {
    static let format = "mlx-actors.function"
    static let version = "1"

    /// - Parameter note: a text of the caller's that goes along.
    static func write(_ programs: [Program], note: String = "", to url: URL) throws {
        var constants: [MLXArray] = []
        let trees = programs.map { $0.encode(constants: &constants) }
        let text = JSONWriter.text(of: .array(trees))
        let arrays = Dictionary(
            uniqueKeysWithValues: constants.enumerated().map { ("constant.\($0)", $1) })
        var metadata = ["format": format, "version": version, "functions": text]
        if !note.isEmpty { metadata["note"] = note }
        try writeSafetensors(arrays, metadata: metadata, to: url)
    }

    static func read(_ url: URL) throws -> (programs: [Program], note: String) {
        let file = try Safetensors.open(path: url.path)
        guard file.metadata["format"] == format, let text = file.metadata["functions"] else {
            throw ArrayError(.file, "import", "\(url.path) is no file of exported functions")
        }
        guard file.metadata["version"] == version else {
            throw ArrayError(
                .file, "import",
                "\(url.path) has version \(file.metadata["version"] ?? "none"), not \(version)")
        }
        let tree: JSONValue
        do { tree = try JSONValue(parsing: text) } catch {
            throw ArrayError(.file, "import", "\(url.path): \(error)")
        }
        let stored = try loadedTensors(file.tensors)
        var constants: [MLXArray] = []
        while let constant = stored["constant.\(constants.count)"] { constants.append(constant) }
        let programs = try (tree.array ?? []).map { tree in
            try Program.decode(tree, constants: constants)
        }
        return (programs, file.metadata["note"] ?? "")
    }
}

/// Writes a function to a file. The function is recorded for the arrays that the returned object
/// is called with; their labels become those of the imported function.
/// ```swift
/// try exportFunction(to: url) { [$0[0] * $0[1]] }(x, y: y)
/// let product = try importFunction(from: url)
/// let z = try product(x, y: y)[0]
/// ```
/// - Parameter shapeless: let the file be called with other shapes of the same ranks; an error
///   when an operation cannot tell its result's shape anew, or the function looks at a shape.
public func exportFunction(
    to url: URL, shapeless: Bool = false, _ f: @escaping ([MLXArray]) -> [MLXArray]
) -> FunctionExporterSingle {
    FunctionExporterSingle(url: url, shapeless: shapeless, f)
}

/// Writes several recordings of a function to one file: one for each call in `build`.
/// ```swift
/// try exportFunctions(to: url, { [$0[0].sum()] }) { export in
///     try export(row)
///     try export(matrix)
/// }
/// ```
public func exportFunctions(
    to url: URL, shapeless: Bool = false, _ f: @escaping ([MLXArray]) -> [MLXArray],
    build: (FunctionExporterMultiple) throws -> Void
) throws {
    let exporter = FunctionExporterMultiple(shapeless: shapeless, f)
    try build(exporter)
    try FunctionFile.write(exporter.programs, to: url)
}

/// Writes a function when it is called. See ``exportFunction(to:shapeless:_:)``.
@dynamicCallable
public final class FunctionExporterSingle {
    private let url: URL
    private let shapeless: Bool
    private let f: ([MLXArray]) -> [MLXArray]

    init(url: URL, shapeless: Bool, _ f: @escaping ([MLXArray]) -> [MLXArray]) {
        self.url = url
        self.shapeless = shapeless
        self.f = f
    }

    /// Records the function for these arrays and writes the file.
    public func dynamicallyCall(
        withKeywordArguments args: KeyValuePairs<String, MLXArray>
    ) throws {
        let program = try Program.record(
            f, arguments: args.map(\.value), labels: args.map(\.key), isShapeless: shapeless)
        try FunctionFile.write([program], to: url)
    }
}

/// Collects recordings of a function. See ``exportFunctions(to:shapeless:_:build:)``.
@dynamicCallable
public final class FunctionExporterMultiple {
    private let shapeless: Bool
    private let f: ([MLXArray]) -> [MLXArray]
    private(set) var programs: [Program] = []

    init(shapeless: Bool, _ f: @escaping ([MLXArray]) -> [MLXArray]) {
        self.shapeless = shapeless
        self.f = f
    }

    /// Records the function for these arrays.
    public func dynamicallyCall(
        withKeywordArguments args: KeyValuePairs<String, MLXArray>
    ) throws {
        programs.append(
            try Program.record(
                f, arguments: args.map(\.value), labels: args.map(\.key), isShapeless: shapeless))
    }
}

/// Reads a function from a file that ``exportFunction(to:shapeless:_:)`` wrote.
/// - Throws: `ArrayError` of kind `file` when the file is none, or asks for something that no row
///   of the op table allows.
public func importFunction(from url: URL) throws -> ImportedFunction {
    try ImportedFunction(url: url)
}

/// A function from a file; called with the labels it was exported with.
@dynamicCallable
public final class ImportedFunction: Sendable {
    private let programs: [Program]
    /// The text that was written along, "" if there was none.
    package let note: String

    /// Reads a function. See ``importFunction(from:)``.
    public init(url: URL) throws { (programs, note) = try FunctionFile.read(url) }

    /// What the first of the file's functions takes.
    package var arguments: [(shape: Shape, dtype: DType)] {
        programs.first.map { Array(zip($0.shapes, $0.dtypes)) } ?? []
    }

    /// The first of the file's functions, applied to arrays of just those shapes and dtypes.
    package func first(_ arguments: [MLXArray]) -> [MLXArray] {
        programs.first?.call(arguments) ?? []
    }

    /// The results for these arrays.
    /// - Throws: `ArrayError` when the function was not exported for labels, dtypes and shapes like
    ///   these.
    public func dynamicallyCall(
        withKeywordArguments args: KeyValuePairs<String, MLXArray>
    ) throws -> [MLXArray] {
        try call(Array(args))
    }

    /// Calls the function with arguments that have labels, "" where they have none.
    package func call(_ args: [(key: String, value: MLXArray)]) throws -> [MLXArray] {
        for program in programs {
            if let arguments = ordered(args, as: program.labels), program.accepts(arguments) {
                return program.call(arguments)
            }
        }
        let given = args.map { "\($0.isEmpty ? "" : $0 + ": ")\($1.dtype)\($1.nodeShape)" }
        let known = programs.map { program in
            zip(program.labels, zip(program.dtypes, program.shapes)).map {
                "\($0.isEmpty ? "" : $0 + ": ")\($1.0)\($1.1)"
            }.joined(separator: ", ")
        }
        throw ArrayError(
            .argument, "imported_function",
            "was not exported for (\(given.joined(separator: ", "))), but for"
                + " (\(known.joined(separator: ") or (")))", shapes: args.map { $1.shape })
    }

    /// The arrays in the order of the labels; those without a label keep their own order.
    private func ordered(
        _ args: [(key: String, value: MLXArray)], as labels: [String]
    ) -> [MLXArray]? {
        guard args.count == labels.count else { return nil }
        var unlabelled = args.filter { $0.key.isEmpty }.map(\.value)[...]
        var result: [MLXArray] = []
        for label in labels {
            let found =
                label.isEmpty
                ? unlabelled.popFirst() : args.first { $0.key == label }?.value
            guard let found else { return nil }
            result.append(found)
        }
        return result
    }
}

/// Recordings of functions that are written to one file together.
package final class RecordedFunctions {
    private var programs: [Program] = []

    package init() {}

    /// Adds what a function does to arrays like the arguments, which have labels ("" for none).
    package func add(
        _ f: ([MLXArray]) -> [MLXArray], arguments: [MLXArray], labels: [String],
        isShapeless: Bool, unless isRefused: () -> Bool
    ) throws {
        let program = try Program.record(
            f, arguments: arguments, labels: labels, isShapeless: isShapeless)
        if !isRefused() { programs.append(program) }
    }

    /// - Parameter note: a text that goes along, for whoever reads the file.
    package func write(note: String = "", to url: URL) throws {
        try FunctionFile.write(programs, note: note, to: url)
    }
}

/// Writes what a function does to arrays like the arguments, which have labels ("" for none).
package func exportRecorded(
    _ f: ([MLXArray]) -> [MLXArray], arguments: [MLXArray], labels: [String], isShapeless: Bool,
    to url: URL
) throws {
    let program = try Program.record(
        f, arguments: arguments, labels: labels, isShapeless: isShapeless)
    try FunctionFile.write([program], to: url)
}
