import ArgumentParser
import Foundation
import MLXFormats
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps

/// `mlx ops`: the op table as text, as JSON, or as the reference page of the documentation.
struct OpsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ops", abstract: "Print the op table: every operation and what it has.")

    @Flag(help: "A JSON array, one object for each operation.") var json = false
    @Flag(help: "The reference page, in Markdown.") var markdown = false

    func run() throws {
        let rows = OpTable.rows.sorted { $0.name < $1.name }.map(OpSummary.init)
        if json {
            print(JSONWriter.text(of: .array(rows.map(\.json))))
        } else if markdown {
            print(OpSummary.page(rows), terminator: "")
        } else {
            for row in rows { print(row.text) }
        }
    }
}

/// What the table says of one row, found by asking its rules.
struct OpSummary {
    let row: OpRow
    let dtypes: [DType]

    init(_ row: OpRow) {
        self.row = row
        dtypes = OpSummary.dtypes(of: row)
    }

    /// Dtypes with which the row takes its first sample.
    private static func dtypes(of row: OpRow) -> [DType] {
        guard let sample = row.samples.samples().first else { return [] }
        return DType.allCases.filter { dtype in
            var attributes = sample.attributes
            if sample.shapes.isEmpty { attributes.outputDType = dtype }
            let context = RuleContext(
                code: row.code,
                shapes: sample.shapes.compactMap {
                    try? Shape(validating: $0, operation: row.name)
                },
                dtypes: sample.shapes.indices.map { sample.fixedDTypes[$0] ?? dtype },
                attributes: attributes)
            return (try? row.dtype.apply(context)) != nil
        }
    }

    /// The devices that compute the row; those with a kernel of their own say by which engine.
    var devices: [String] {
        DeviceKind.allCases.filter { row.runs(on: $0) }.map { kind in
            let engine = kind.traits.products
            let isSpecial = row.specialKernels.contains { $0.key == engine }
            return isSpecial ? "\(kind.name) (\(engine.rawValue))" : kind.name
        }
    }

    var vjp: String {
        switch row.vjp {
        case .none: "none"
        case .zero: "zero"
        case .rule: "rule"
        }
    }

    var jvp: String {
        switch row.jvp {
        case .linear: "linear"
        case .rule: "rule"
        case .transposed: vjp == "rule" ? "transposed vjp" : vjp
        }
    }

    var vmap: String {
        switch row.vmap {
        case .elementwise: "elementwise"
        case .trailing: "trailing axes"
        case .rule: "rule"
        case .each: "one at a time"
        }
    }

    var arity: String {
        row.arity.count == 1
            ? "\(row.arity.lowerBound)" : "\(row.arity.lowerBound) to \(row.arity.upperBound)"
    }

    var attributes: [String] { row.attributeNames.map(AttributeText.plain) }

    var text: String {
        var lines = ["\(row.name)(\(arity)): \(row.synopsis)"]
        if !attributes.isEmpty {
            lines.append("  attributes: \(attributes.joined(separator: ", "))")
        }
        lines.append("  dtypes: \(dtypes.map(\.description).joined(separator: " "))")
        lines.append(
            "  kernels: \(devices.joined(separator: " ")); vjp: \(vjp); jvp: \(jvp); vmap: \(vmap)")
        lines.append("  devices agree within \(row.toleranceEpsilons) epsilons")
        return lines.joined(separator: "\n")
    }

    var json: JSONValue {
        func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        return .object([
            .init("name", .string(row.name)), .init("synopsis", .string(row.synopsis)),
            .init(
                "inputs",
                .array([
                    .integer(row.arity.lowerBound), .integer(row.arity.upperBound),
                ])),
            .init("attributes", strings(attributes)),
            .init("dtypes", strings(dtypes.map(\.description))),
            .init("kernels", strings(devices)), .init("vjp", .string(vjp)),
            .init("jvp", .string(jvp)), .init("vmap", .string(vmap)),
            .init("tolerance_epsilons", .number(row.toleranceEpsilons)),
        ])
    }

    /// The page `Documentation.docc/Operations.md`.
    static func page(_ rows: [OpSummary]) -> String {
        var lines = [
            "# Operations", "",
            "The op table: every operation that arrays are made of, and what it has.", "",
            "## Overview", "",
            "Functions and methods record these operations; `mlx op` runs one of them on files, and"
                + " errors, plans and traces call them by these names. *vjp* says how cotangents"
                + " pass through, *jvp* how tangents do, *vmap* what happens to a batch. Devices"
                + " agree within the given number of epsilons of the dtype; 0 is bit for bit."
                + " This page is printed by `mlx ops --markdown`.", "",
            "| operation | computes | arrays | attributes | kernels | vjp | jvp | vmap | ε |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in rows {
            let cells = [
                "`\(row.row.name)`", row.row.synopsis, row.arity,
                row.attributes.joined(separator: ", "), row.devices.joined(separator: ", "),
                row.vjp, row.jvp, row.vmap, String(format: "%g", row.row.toleranceEpsilons),
            ]
            lines.append(
                "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |")
        }
        let none = rows.filter { $0.vjp == "none" }.map { "`\($0.row.name)`" }
        lines += [
            "", "## Not differentiable", "",
            "Asking for the derivative of these is an error of kind `notDifferentiable`: "
                + none.joined(separator: ", ") + ".", "",
        ]
        return lines.joined(separator: "\n")
    }
}
