/// One unit of a line table (DWARF versions 2 to 5, section 6.2): a header with the names of
/// folders and files, and a program for a small machine whose registers are a row of the table.
/// It runs once, for one range of addresses.
struct LineProgram {
    struct Row {
        var address: UInt64 = 0
        var file: UInt64 = 1
        var line: Int64 = 1
    }

    private var bytes: DebugBytes
    private let lineStrings: UnsafeBufferPointer<UInt8>?
    private let version: UInt16
    private var minimumLength: UInt64 = 1
    private var lineBase: Int64 = 0
    private var lineRange: UInt8 = 1
    private var opcodeBase: UInt8 = 1
    private var opcodeLengths: [UInt8] = []
    private var folders: [String] = []
    private var files: [(name: String, folder: UInt64)] = []

    private static let maximumNameCount: UInt64 = 1 << 16

    init?(
        _ section: UnsafeBufferPointer<UInt8>, at offset: Int,
        lineStrings: UnsafeBufferPointer<UInt8>?
    ) {
        self.lineStrings = lineStrings
        bytes = DebugBytes(section, from: offset)
        bytes.limit(to: UInt64(bytes.word(UInt32.self)))
        version = bytes.word(UInt16.self)
        guard bytes.isValid, (2...5).contains(version) else { return nil }
        if version == 5 {
            let addressSize = bytes.byte()
            guard addressSize == 8, bytes.byte() == 0 else { return nil }
        }
        let headerLength = bytes.word(UInt32.self)
        let programStart = bytes.position + Int(headerLength)
        minimumLength = UInt64(bytes.byte())
        if version >= 4 { _ = bytes.byte() }  // operations per instruction, of VLIW machines
        _ = bytes.byte()  // is_stmt at the start; breakpoints only
        lineBase = Int64(Int8(bitPattern: bytes.byte()))
        lineRange = bytes.byte()
        opcodeBase = bytes.byte()
        guard bytes.isValid, lineRange > 0, opcodeBase > 0 else { return nil }
        for _ in 1..<max(opcodeBase, 1) { opcodeLengths.append(bytes.byte()) }
        if version == 5 { readNames5() } else { readNames() }
        guard bytes.isValid, programStart >= bytes.position else { return nil }
        bytes.skip(UInt64(programStart - bytes.position))
        guard bytes.isValid else { return nil }
    }

    // MARK: Names

    /// Versions 2 to 4: both lists end with an empty name and count from 1.
    private mutating func readNames() {
        folders = [""]
        while bytes.isValid {
            let name = bytes.string()
            if name.isEmpty { break }
            folders.append(name)
        }
        files = [("", 0)]
        while bytes.isValid {
            let name = bytes.string()
            if name.isEmpty { break }
            files.append((name, bytes.unsigned()))
            _ = bytes.unsigned()  // time
            _ = bytes.unsigned()  // size
        }
    }

    /// Version 5: each list says how its entries are laid out, and both count from 0.
    private mutating func readNames5() {
        folders = readEntries().map(\.name)
        files = readEntries()
    }

    private mutating func readEntries() -> [(name: String, folder: UInt64)] {
        var format: [(content: UInt64, form: UInt64)] = []
        for _ in 0..<bytes.byte() { format.append((bytes.unsigned(), bytes.unsigned())) }
        let count = bytes.unsigned()
        guard count <= LineProgram.maximumNameCount else {
            bytes.skip(.max)
            return []
        }
        var entries: [(name: String, folder: UInt64)] = []
        for _ in 0..<count where bytes.isValid {
            var entry = (name: "", folder: UInt64(0))
            for (content, form) in format {
                let (text, number) = readForm(form)
                if content == 1 { entry.name = text }
                if content == 2 { entry.folder = number }
            }
            entries.append(entry)
        }
        return entries
    }

    /// A value of one of the forms that line tables use.
    private mutating func readForm(_ form: UInt64) -> (text: String, number: UInt64) {
        switch form {
        case 0x08: return (bytes.string(), 0)
        case 0x1F:
            let offset = bytes.word(UInt32.self)
            guard let lineStrings else { return ("", 0) }
            var strings = DebugBytes(lineStrings, from: Int(offset))
            return (strings.string(), 0)
        case 0x0E:
            bytes.skip(4)  // in .debug_str, which no compiler uses here
            return ("", 0)
        case 0x0B: return ("", UInt64(bytes.byte()))
        case 0x05: return ("", UInt64(bytes.word(UInt16.self)))
        case 0x06: return ("", UInt64(bytes.word(UInt32.self)))
        case 0x07: return ("", bytes.word(UInt64.self))
        case 0x0F: return ("", bytes.unsigned())
        case 0x1E: bytes.skip(16)
        case 0x09: bytes.skip(bytes.unsigned())
        default: bytes.skip(.max)
        }
        return ("", 0)
    }

    func path(ofFile index: UInt64) -> String? {
        guard index < UInt64(files.count) else { return nil }
        let file = files[Int(index)]
        if file.name.isEmpty || file.name == "<compiler-generated>" { return nil }
        if file.name.hasPrefix("/") || file.folder >= UInt64(folders.count) { return file.name }
        let folder = folders[Int(file.folder)]
        return folder.isEmpty ? file.name : "\(folder)/\(file.name)"
    }

    // MARK: The program

    /// The rows of the sequence that holds `address`, from the one that holds `begin` to the one
    /// that holds `address`, in order; empty when no sequence does.
    mutating func rows(from begin: UInt64, through address: UInt64) -> [Row] {
        var kept: [Row] = []
        var row = Row()
        while !bytes.isAtEnd {
            let effect = step(&row)
            if effect == .none { continue }
            // A row reaches up to the next one of its sequence.
            if let last = kept.last, last.address <= address, row.address > address { return kept }
            if effect == .endOfSequence {
                kept = []
                row = Row()
                continue
            }
            if row.address <= begin { kept = [] }
            kept.append(row)
        }
        return []
    }

    private enum Effect {
        case none
        case row
        case endOfSequence
    }

    private mutating func step(_ row: inout Row) -> Effect {
        let opcode = bytes.byte()
        if opcode >= opcodeBase {
            let adjusted = opcode - opcodeBase
            row.address &+= UInt64(adjusted / lineRange) &* minimumLength
            row.line &+= lineBase &+ Int64(adjusted % lineRange)
            return .row
        }
        switch opcode {
        case 0: return extendedStep(&row)
        case 1: return .row
        case 2: row.address &+= bytes.unsigned() &* minimumLength
        case 3: row.line &+= bytes.signed()
        case 4: row.file = bytes.unsigned()
        case 5, 12: _ = bytes.unsigned()  // column, instruction set
        case 6, 7, 10, 11: break  // statement, block, prologue and epilogue marks
        case 8: row.address &+= UInt64((255 - opcodeBase) / lineRange) &* minimumLength
        case 9: row.address &+= UInt64(bytes.word(UInt16.self))
        default:
            // An opcode of a later version; the header says how many operands to pass over.
            for _ in 0..<opcodeLengths[Int(opcode) - 1] { _ = bytes.unsigned() }
        }
        return .none
    }

    private mutating func extendedStep(_ row: inout Row) -> Effect {
        let length = bytes.unsigned()
        guard length > 0 else { return .none }
        switch bytes.byte() {
        case 1:
            bytes.skip(length - 1)
            return .endOfSequence
        case 2 where length == 9: row.address = bytes.word(UInt64.self)
        default: bytes.skip(length - 1)
        }
        return .none
    }
}
