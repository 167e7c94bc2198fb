/// The `.debug_line` section of a file: line programs, one for each compiled file, each made of
/// sequences of rising addresses. Running all of them to find one address takes a second in a
/// large program, so the starts of sequences are found by their byte pattern first (an extended
/// opcode of nine bytes that sets the address), and only the program of the nearest one is run.
final class LineTable {
    private let program: UnsafeBufferPointer<UInt8>
    private let lineStrings: UnsafeBufferPointer<UInt8>?
    /// Where sequences start, by address, and the unit each is in.
    private lazy var starts: [Start] = findStarts()

    private struct Start {
        let address: UInt64
        let unitOffset: Int
    }

    /// A pattern may occur by chance, and a sequence may end before the address; so some more
    /// candidates are tried than the first.
    private static let candidateCount = 4

    init(program: UnsafeBufferPointer<UInt8>, lineStrings: UnsafeBufferPointer<UInt8>?) {
        self.program = program
        self.lineStrings = lineStrings
    }

    deinit {
        program.deallocate()
        lineStrings?.deallocate()
    }

    /// The file and line of an address.
    /// - Parameters:
    ///   - functionStart: where the function that holds it starts.
    ///   - isWanted: says no to files that are not to be named. Code of such a file that was
    ///     inlined into the function is then passed over: the nearest row before it, but inside
    ///     the function, is taken, which is about where the inlined call stands.
    func place(
        of address: UInt64, functionStart: UInt64, isWanted: (String) -> Bool
    ) -> (file: String, line: Int)? {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        var tried: Set<Int> = []
        for start in starts[..<low].reversed().prefix(LineTable.candidateCount)
        where tried.insert(start.unitOffset).inserted {
            guard var unit = LineProgram(program, at: start.unitOffset, lineStrings: lineStrings)
            else { continue }
            let rows = unit.rows(from: functionStart, through: address)
            for row in rows.reversed() where row.line > 0 {
                if let file = unit.path(ofFile: row.file), isWanted(file) {
                    return (file, Int(row.line))
                }
            }
        }
        return nil
    }

    private func findStarts() -> [Start] {
        var starts: [Start] = []
        var unitOffset = 0
        while unitOffset + 4 < program.count {
            var bytes = DebugBytes(program, from: unitOffset)
            let length = bytes.word(UInt32.self)
            // 64-bit units say so by the greatest lengths; nobody on Linux writes them.
            if length >= 0xFFFF_FFF0 { break }
            let end = min(bytes.position + Int(length), program.count)
            findStarts(in: bytes.position, end, unitOffset, &starts)
            unitOffset = end
        }
        return starts.sorted { $0.address < $1.address }
    }

    private func findStarts(
        in begin: Int, _ end: Int, _ unitOffset: Int, _ starts: inout [Start]
    ) {
        let base = program.baseAddress!
        var position = begin
        // 00: extended opcode, 09: of nine bytes, 02: that sets the address to the other eight.
        while position + 11 <= end {
            if base[position] == 0, base[position + 1] == 9, base[position + 2] == 2 {
                let address = UnsafeRawPointer(base + position + 3).loadUnaligned(as: UInt64.self)
                starts.append(Start(address: address, unitOffset: unitOffset))
                position += 11
            } else {
                position += 1
            }
        }
    }
}
