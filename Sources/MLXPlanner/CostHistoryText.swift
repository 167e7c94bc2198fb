import MLXBase

/// A history as text: a line that says what it is and of which form, one for the machine, one for
/// the level, then one for each entry, sorted, with a tab between fields. Whoever reads it may be
/// given anything: an error says the line and the field.
extension CostHistory {
    /// Another form is refused, never guessed at.
    package static let version = 1
    package static let maximumByteCount = 1 << 26
    private static let head = "mlx-cost-history"
    private static let fields = [
        "operation", "device", "count", "flops", "bytes", "nanoseconds", "squares",
    ]
    private static let largestCount = 1 << 40
    private static let longestName = 256

    /// The file's contents.
    package var text: String {
        var lines = [
            "\(CostHistory.head) \(CostHistory.version)", "machine \(machine)", "level \(level)",
            CostHistory.fields.joined(separator: "\t"),
        ]
        for key in entries.keys.sorted(by: Key.precedes) {
            guard let entry = entries[key] else { continue }
            let numbers = [entry.flops, entry.bytes, entry.mean, entry.squares]
            lines.append(
                ([key.op, key.device.rawValue, "\(entry.count)"] + numbers.map { "\($0)" })
                    .joined(separator: "\t"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// - Parameters:
    ///   - text: a file's contents.
    ///   - name: what errors call it.
    /// - Throws: `ArrayError` of kind `file` that names the line and the field.
    package init(parsing text: String, name: String) throws(ArrayError) {
        func failure(_ line: Int, _ field: String, _ message: String) -> ArrayError {
            ArrayError(.file, "cost history", "\(name):\(line): \(field): \(message)")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count >= 4 else {
            throw failure(max(1, lines.count), "file", "is no cost history: it ends in its head")
        }
        let first = lines[0].split(separator: " ")
        guard first.count == 2, first[0] == CostHistory.head else {
            throw failure(1, "file", "does not begin with '\(CostHistory.head) VERSION'")
        }
        guard first[1] == "\(CostHistory.version)" else {
            throw failure(
                1, "version", "is '\(first[1].prefix(32))', not \(CostHistory.version)")
        }
        var named: [String] = []
        for (index, field) in ["machine", "level"].enumerated() {
            let line = lines[index + 1]
            let value = line.dropFirst(field.count + 1)
            guard line.hasPrefix(field + " "), !value.isEmpty,
                value.utf8.count <= CostHistory.longestName
            else { throw failure(index + 2, field, "is missing or too long") }
            named.append(String(value))
        }
        guard lines[3] == CostHistory.fields.joined(separator: "\t") else {
            throw failure(4, "fields", "are not \(CostHistory.fields.joined(separator: ", "))")
        }
        var entries: [Key: Entry] = [:]
        for (index, line) in lines.enumerated().dropFirst(4) {
            let (key, entry) = try CostHistory.entry(line) { (field, message) in
                failure(index + 1, field, message)
            }
            guard entries.updateValue(entry, forKey: key) == nil else {
                throw failure(index + 1, "operation", "this size of it stands above already")
            }
        }
        self.init(machine: named[0], level: named[1], entries: entries)
    }

    private static func entry(
        _ line: Substring, _ failure: (_ field: String, _ message: String) -> ArrayError
    ) throws(ArrayError) -> (Key, Entry) {
        let words = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard words.count == fields.count else {
            throw failure("fields", "\(words.count) of \(fields.count)")
        }
        guard !words[0].isEmpty, words[0].utf8.count <= longestName else {
            throw failure(fields[0], "is empty or too long")
        }
        guard let device = DeviceType(rawValue: String(words[1])) else {
            throw failure(fields[1], "'\(words[1].prefix(32))' is no device")
        }
        guard let count = Int(words[2]), (1...largestCount).contains(count) else {
            throw failure(fields[2], "'\(words[2].prefix(32))' is no number of measurements")
        }
        var numbers: [Double] = []
        for place in 3..<fields.count {
            guard let number = Double(words[place]), number.isFinite, number >= 0 else {
                throw failure(fields[place], "'\(words[place].prefix(32))' is no number from 0 on")
            }
            numbers.append(number)
        }
        guard numbers[2] > 0 else { throw failure(fields[5], "is not above zero") }
        var entry = Entry()
        (entry.count, entry.flops, entry.bytes) = (count, numbers[0], numbers[1])
        (entry.mean, entry.squares) = (numbers[2], numbers[3])
        let size = SizeKey(flops: numbers[0], bytes: numbers[1])
        return (Key(op: String(words[0]), device: device, size: size), entry)
    }
}
