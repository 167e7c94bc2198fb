import MLXBase
import MLXGraph

/// All rows, indexed by code. Assembled once from the families' lists; a duplicate code or name
/// is a programming error that the first use finds.
package enum OpTable {
    package static let rows: [OpRow] = OpFamily.allCases.flatMap(\.rows)

    private static let byCode: [OpRow?] = {
        var table: [OpRow?] = Array(repeating: nil, count: OpCode.limit)
        for row in rows {
            let other = table[Int(row.code.raw)]?.name ?? ""
            precondition(other.isEmpty, "\(row.name) and \(other) have one code")
            table[Int(row.code.raw)] = row
        }
        return table
    }()

    private static let shared = SharedTable(rows)

    private static let sharedByCode: SharedTable<UnsafePointer<OpRow>?> = {
        var table: [UnsafePointer<OpRow>?] = Array(repeating: nil, count: OpCode.limit)
        for place in rows.indices {
            table[Int(rows[place].code.raw)] = shared.pointer(place)
        }
        return SharedTable(table)
    }()

    /// The row of a recorded operation, where it lies for good. A copy counts a reference to each
    /// of its rules, and threads that record side by side would meet at these counters.
    static func pointer(_ code: OpCode) -> UnsafePointer<OpRow> {
        guard let row = sharedByCode[Int(code.raw)] else {
            preconditionFailure("op code \(code.raw) has no row")
        }
        return row
    }

    /// The derivative's rule of a code, nil for what has no row.
    package static func vjp(_ code: OpCode) -> VJPRule? {
        sharedByCode[Int(code.raw)]?.pointee.vjp
    }

    /// Elementwise function of a code, -1 for other ops, -2 for casts.
    package static let elementwiseCodes: [Int32] = byCode.map { row in
        guard let row else { return -1 }
        return row.traits.contains(.cast) ? -2 : row.elementwise ?? -1
    }

    /// Operations per element of elementwise functions.
    package static let elementwiseWeights: [Double] = byCode.map { row in
        guard let row, row.isElementwise else { return 0 }
        return row.work.flops(CostContext(shapes: [.scalar], output: .scalar, words: []))
    }

    package static let workClasses: [WorkClass] = byCode.map { $0?.work.workClass ?? .other }

    /// What an operation is for an engine with another algorithm; few have any.
    package static let specialWork: [OpWork.Special?] = byCode.map { $0?.work.special }

    package static let identities: [OpIdentity] = byCode.map { $0?.identity ?? .none }

    package static let isView: [Bool] = byCode.map { $0?.isView ?? false }

    /// The row of a recorded operation. Sources (`data`, `scalar`, `invalid`) have none.
    package static subscript(code: OpCode) -> OpRow {
        guard let row = byCode[Int(code.raw)] else {
            preconditionFailure("op code \(code.raw) has no row")
        }
        return row
    }

    package static func find(_ code: OpCode) -> OpRow? { byCode[Int(code.raw)] }
    package static func find(name: String) -> OpRow? { rows.first { $0.name == name } }

    package static func name(_ code: OpCode) -> String {
        switch code {
        case .invalid: "invalid"
        case .data: "data"
        case .scalar: "scalar"
        case .placeholder: "placeholder"
        default: byCode[Int(code.raw)]?.name ?? "op\(code.raw)"
        }
    }
}
