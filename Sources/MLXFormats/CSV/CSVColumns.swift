import MLXBase

// Columns of a table as values. A field that is missing is one of the words that say so, outside
// of quotes; each column says what becomes of those.
extension CSV {
    /// Hands the fields of a column over, in records from `first` on, until one is not taken.
    /// - Returns: the record of that one; nil when all were taken.
    private func scan(
        _ column: Int, from first: Int, _ missing: Set<[UInt8]>,
        present: (Int, UnsafeBufferPointer<UInt8>) -> Bool, absent: (Int) -> Bool
    ) -> Int? {
        contents.withUnsafeBufferPointer { bytes in
            for record in first..<max(first, recordCount) {
                let field = self[record, column]
                let text = UnsafeBufferPointer(rebasing: bytes[trimmed(field, bytes)])
                let isFine =
                    !field.isQuoted && isMissing(text, missing)
                    ? absent(record) : present(record, text)
                if !isFine { return record }
            }
            return nil
        }
    }

    private func isMissing(_ text: UnsafeBufferPointer<UInt8>, _ missing: Set<[UInt8]>) -> Bool {
        // Most fields are numbers, and no set is asked about what begins like one.
        if text.count > 0, text[0] &- 0x30 <= 9 { return false }
        if text.count > 1, text[1] &- 0x30 <= 9 { return false }
        return missing.contains(Array(text))
    }

    /// Blanks around numbers and missing words do not count.
    private func trimmed(_ field: Field, _ bytes: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        var range = field.bytes
        while let first = range.first, bytes[first] == 0x20 || bytes[first] == 0x09 {
            range = first + 1..<range.upperBound
        }
        while let last = range.last, bytes[last] == 0x20 || bytes[last] == 0x09 {
            range = range.lowerBound..<last
        }
        return range
    }

    /// A column of numbers, NaN where one is missing.
    /// - Throws: `ArrayError` with line and column for a field that is none.
    package func numbers(
        _ column: Int, name: String, from first: Int, missing: Set<[UInt8]>
    ) throws(ArrayError) -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(max(0, recordCount - first))
        let fault = scan(column, from: first, missing) { _, text in
            guard let value = DecimalNumber.float64(text) else { return false }
            values.append(value)
            return true
        } absent: { _ in
            values.append(.nan)
            return true
        }
        if let fault { throw refused(fault, column, name, "no number") }
        return values
    }

    /// A column of integers, none of them missing.
    /// - Throws: `ArrayError` with line and column for a field that is none, or missing.
    package func integers(
        _ column: Int, name: String, from first: Int, missing: Set<[UInt8]>
    ) throws(ArrayError) -> [Int64] {
        var values: [Int64] = []
        values.reserveCapacity(max(0, recordCount - first))
        let fault = scan(column, from: first, missing) { _, text in
            guard let value = DecimalNumber.int64(text) else { return false }
            values.append(value)
            return true
        } absent: { _ in
            false
        }
        if let fault { throw refused(fault, column, name, "no integer") }
        return values
    }

    /// A column of texts, nil where one is missing.
    package func texts(
        _ column: Int, from first: Int, missing: Set<[UInt8]>
    ) -> [String?] {
        var values: [String?] = []
        _ = scan(column, from: first, missing) { record, _ in
            values.append(text(record, column))
            return true
        } absent: { _ in
            values.append(nil)
            return true
        }
        return values
    }

    private func refused(
        _ record: Int, _ column: Int, _ name: String, _ what: String
    ) -> ArrayError {
        let text = text(record, column)
        let shown = text.count > 40 ? text.prefix(40) + "..." : text[...]
        return error("'\(shown)' is \(what)", record: record, column: column, name: name)
    }

    /// What all fields of a column are: integers, numbers, or texts. A column of which everything
    /// is missing is numbers.
    package func kind(_ column: Int, from first: Int, missing: Set<[UInt8]>) -> ColumnKind {
        var hasMissing = false
        var areIntegers = true
        let fault = scan(column, from: first, missing) { _, text in
            if areIntegers, DecimalNumber.int64(text) != nil { return true }
            areIntegers = false
            return DecimalNumber.float64(text) != nil
        } absent: { _ in
            hasMissing = true
            return true
        }
        if fault != nil { return .texts }
        return areIntegers && !hasMissing ? .integers : .numbers
    }

    package enum ColumnKind: Sendable { case integers, numbers, texts }
}
