import CMLXKernels
import Foundation

/// One measured number, and what it was made of.
struct Figure {
    /// Which part of the machine's limit was reached, and what the limit was made of.
    struct Share {
        var flops: Double
        var bytes: Double
        /// What binds: "compute" or "memory".
        var bound: String
        /// 1 is the limit.
        var ofLimit: Double
    }

    var workload: String
    var value: Double
    var unit: String
    /// How often it was measured; the value is the median, or of workloads with times the best.
    var count: Int
    var peer = "mlx-actors"
    var times: CallTimes?
    var share: Share?
    var note: String?

    func line(json: Bool) -> String {
        guard json else {
            let reached = share.map {
                "  \(Int((100 * $0.ofLimit).rounded())) % of the limit (\($0.bound))"
            }
            return workload.padding(toLength: 28, withPad: " ", startingAt: 0)
                + String(format: " %.4g ", value) + unit + (reached ?? "")
        }
        // Keys in the order that a reader wants them in; no text has a character to be escaped.
        var fields: [(String, String)] = [
            ("peer", text(peer)), ("workload", text(workload)), ("metric", text(unit)),
            ("value", number(value)), ("unit", text(unit)),
        ]
        if let times {
            fields += [("best_s", number(times.best)), ("median_s", number(times.median))]
        }
        fields.append(("n", "\(count)"))
        if let times { fields.append(("first_s", number(times.first))) }
        if let share {
            fields += [
                ("flops", number(share.flops)), ("bytes", number(share.bytes)),
                ("bound", text(share.bound)), ("share", number(share.ofLimit)),
            ]
        }
        fields.append(("isa", text(String(cString: mlx_level_name(mlx_level())))))
        if let note { fields.append(("note", text(note))) }
        return "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    private func number(_ value: Double) -> String { String(format: "%.6g", value) }

    private func text(_ value: String) -> String { "\"\(value)\"" }
}
