import Foundation
import MLX
import MLXFormats

/// A table of text with named columns: comma- or otherwise separated values (RFC 4180). Opening it
/// finds the fields; a column is turned into numbers or texts when it is asked for, and only then
/// complains about what is none, with line and column. It is a value and never changes.
///
/// ```swift
/// let table = try CSVTable(contentsOf: url)
/// let dataset = try table.dataset(inputs: ["length", "width"], target: "species")
/// ```
public struct CSVTable: Sendable {
    /// What a column's fields are.
    public enum ColumnType: String, Sendable, Hashable, CaseIterable {
        /// Integers; none may be missing.
        case integer
        /// Numbers; a missing one is NaN.
        case number
        /// Text.
        case text
        /// One of several texts; as an array, their numbers in alphabetical order.
        case category
    }

    /// How a table is written.
    public struct Options: Sendable {
        /// What separates fields: one ASCII character.
        public var delimiter: Character = ","
        /// What surrounds fields that contain delimiters or line ends: one ASCII character. Inside,
        /// it is written twice.
        public var quote: Character = "\""
        /// Whether the first record has the columns' names; they are "0", "1" and so on otherwise.
        public var hasHeader = true
        /// Fields that stand for no value, unless they are quoted. Blanks around them do not count.
        public var missing: Set<String> = [
            "", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?",
        ]
        /// Types of columns by their names. For the others their fields decide: integers if all
        /// are, else numbers if all are or are missing, else categories.
        public var types: [String: ColumnType] = [:]

        /// Commas, double quotes, a header.
        public init() {}
    }

    /// The columns' names, from left to right.
    public let names: [String]
    /// How many records there are below the header.
    public let rowCount: Int
    private let table: CSV
    private let options: Options
    private let missing: Set<[UInt8]>
    private let columns: [String: Int]

    /// Opens a file.
    /// - Throws: `ArrayError` of kind `file`, with the line, for records of different lengths,
    ///   quotes that do not end, names that repeat, and a file that cannot be read.
    public init(contentsOf url: URL, options: Options = Options()) throws {
        let source = try FileSource(path: url.path)
        guard source.byteCount <= FileLimits.current.tableByteCount else {
            throw ArrayError(
                .file, "load",
                "'\(url.path)': \(source.byteCount) bytes are more than the limit"
                    + " (FileLimits.tableByteCount) of \(FileLimits.current.tableByteCount)")
        }
        try self.init(
            source.contents(), name: url.path, options: options)
    }

    /// A table in memory.
    /// - Throws: as ``init(contentsOf:options:)``.
    public init(text: String, options: Options = Options()) throws {
        try self.init(Array(text.utf8), name: "text", options: options)
    }

    private init(_ contents: [UInt8], name: String, options: Options) throws {
        guard let delimiter = options.delimiter.asciiValue, let quote = options.quote.asciiValue,
            delimiter != quote, !options.delimiter.isNewline, !options.quote.isNewline
        else {
            throw ArrayError(
                .argument, "csv",
                "delimiter '\(options.delimiter)' and quote '\(options.quote)' must be two "
                    + "different ASCII characters")
        }
        table = try CSV(
            contents, style: .init(delimiter: delimiter, quote: quote), source: name)
        let hasHeader = options.hasHeader && table.recordCount > 0
        names = (0..<table.columnCount).map { [table] in
            hasHeader ? table.text(0, $0) : "\($0)"
        }
        rowCount = table.recordCount - (hasHeader ? 1 : 0)
        self.options = options
        missing = Set(options.missing.map { Array($0.utf8) })
        var columns: [String: Int] = [:]
        for (column, name) in names.enumerated() {
            guard columns.updateValue(column, forKey: name) == nil else {
                throw table.error(
                    "the name is that of another column too", record: 0, column: column, name: name)
            }
        }
        self.columns = columns
    }

    // MARK: Columns

    private var firstRecord: Int { table.recordCount - rowCount }

    private func column(_ name: String) throws -> Int {
        guard let column = columns[name] else {
            throw ArrayError(
                .argument, "csv",
                "there is no column '\(name)' among \(names.joined(separator: ", "))")
        }
        return column
    }

    /// The type of a column: the one that was given, else what its fields are.
    /// - Throws: `ArrayError` when there is no such column.
    public func type(of name: String) throws -> ColumnType {
        let column = try column(name)
        if let type = options.types[name] { return type }
        return switch table.kind(column, from: firstRecord, missing: missing) {
        case .integers: .integer
        case .numbers: .number
        case .texts: .category
        }
    }

    /// A column of numbers, NaN where one is missing.
    ///
    /// ```swift
    /// let ages = try table.numbers("age")
    /// ```
    /// - Throws: `ArrayError` of kind `file`, with line and column, for a field that is no number.
    public func numbers(_ name: String) throws -> [Double] {
        try table.numbers(column(name), name: name, from: firstRecord, missing: missing)
    }

    /// A column of integers.
    /// - Throws: `ArrayError` of kind `file`, with line and column, for a field that is no integer,
    ///   is missing or does not fit.
    public func integers(_ name: String) throws -> [Int64] {
        try table.integers(column(name), name: name, from: firstRecord, missing: missing)
    }

    /// A column as text, nil where a field is missing.
    public func texts(_ name: String) throws -> [String?] {
        table.texts(try column(name), from: firstRecord, missing: missing)
    }

    /// A column of some texts that repeat: each row's number among them, and the texts in
    /// alphabetical order.
    ///
    /// ```swift
    /// let (codes, species) = try table.categories("species")
    /// ```
    /// - Throws: `ArrayError` of kind `file`, with line and column, for a field that is missing.
    public func categories(_ name: String) throws -> (codes: [Int32], texts: [String]) {
        let column = try column(name)
        let fields = try texts(name)
        let texts = Set(fields.compactMap { $0 }).sorted()
        let codes = Dictionary(
            uniqueKeysWithValues: texts.enumerated().map { ($1, Int32(truncatingIfNeeded: $0)) })
        return (
            try fields.enumerated().map { row, text in
                guard let text, let code = codes[text] else {
                    throw table.error(
                        "a category is missing", record: firstRecord + row, column: column,
                        name: name)
                }
                return code
            }, texts
        )
    }

    // MARK: Arrays

    /// A column as an array, (rows): integers are int32 where all fit and int64 where not, numbers
    /// float32, categories int32.
    ///
    /// ```swift
    /// let labels = try table.array("label")
    /// ```
    /// - Throws: `ArrayError`, with line and column, for fields of another type and for text.
    public func array(_ name: String) throws -> MLXArray {
        switch try type(of: name) {
        case .integer:
            let values = try integers(name)
            return values.allSatisfy { Int32(exactly: $0) != nil }
                ? MLXArray(values.map { Int32(truncatingIfNeeded: $0) }) : MLXArray(values)
        case .number: return MLXArray(try numbers(name).map { Float($0) })
        case .category: return MLXArray(try categories(name).codes)
        case .text:
            throw ArrayError(
                .argument, "csv", "column '\(name)' is text, which no array can hold")
        }
    }

    /// Several columns of numbers as an array, float32, (rows, columns).
    ///
    /// ```swift
    /// let features = try table.array(["length", "width", "height"])
    /// ```
    /// - Throws: `ArrayError`, with line and column, for a field that is no number.
    public func array(_ names: [String]) throws -> MLXArray {
        let width = names.count
        var values = [Float](repeating: 0, count: rowCount * width)
        for (column, name) in names.enumerated() {
            let numbers = try numbers(name)
            values.withUnsafeMutableBufferPointer { values in
                for row in numbers.indices { values[row * width + column] = Float(numbers[row]) }
            }
        }
        return MLXArray(values, [rowCount, width])
    }

    /// A data set whose elements are rows: some columns of numbers as the input, (columns), another
    /// column as the target.
    ///
    /// ```swift
    /// let houses = try table.dataset(inputs: ["rooms", "area"], target: "price")
    /// ```
    /// - Throws: as ``array(_:)-(String)``.
    public func dataset(
        inputs: [String], target: String
    ) throws -> ArrayDataset<Example> {
        try ArrayDataset(Example(array(inputs), array(target)))
    }
}
