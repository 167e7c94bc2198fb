import MLX

// What a model is made of and what a call of it costs, layer by layer, as a table. The model is
// called but nothing is computed: shapes and operations are known from the recorded graph.

/// The layers of a model in the order of their calls, with shapes, sizes and operations.
public struct ModuleSummary: CustomStringConvertible, Sendable {
    /// One call of a layer, or a layer that was not called.
    public struct Row: Sendable {
        /// Where the layer is in the model; empty for the model itself.
        public let path: String
        /// The type of the layer.
        public let type: String
        /// The shape of what the call made; nil for a layer that was not called, or that does not
        /// say (see `noted`).
        public let outputShape: [Int]?
        /// The numbers of the layer's own parameters; 0 from its second call on.
        public let parameterCount: Int
        /// The bytes of the layer's own parameters; 0 from its second call on.
        public let byteCount: Int
        /// The operations of the call that are not those of an inner layer.
        public let flops: Double
    }

    /// The calls in the order in which they ended, then the layers that were not called.
    public let rows: [Row]
    /// The numbers of all parameters, those of shared layers once.
    public let parameterCount: Int
    /// The numbers of the parameters that are not frozen.
    public let trainableParameterCount: Int
    /// The bytes of all parameters.
    public let byteCount: Int
    /// The operations of all calls.
    public var flops: Double { rows.reduce(0) { $0 + $1.flops } }

    init(_ model: Module, _ calls: [CallLog.Call]) {
        let named = model.namedModules()
        var paths: [ObjectIdentifier: (path: String, module: Module)] = [:]
        for (path, module) in named where paths[ObjectIdentifier(module)] == nil {
            paths[ObjectIdentifier(module)] = (path, module)
        }
        var (rows, seen) = ([Row](), Set<ObjectIdentifier>())
        let all = Self.distinct(model.parameters().flattenedValues())
        var work = Work(boundary: all)
        func row(_ path: String, _ module: Module, _ shape: [Int]?, _ flops: Double) -> Row {
            let own =
                seen.insert(ObjectIdentifier(module)).inserted
                ? module.filterMap(
                    filter: Module.filterLocalParameters, map: Module.mapParameters()
                ).flattenedValues() : [MLXArray]()
            return Row(
                path: path, type: "\(Swift.type(of: module))", outputShape: shape,
                parameterCount: own.reduce(0) { $0 + $1.size },
                byteCount: own.reduce(0) { $0 + $1.nbytes }, flops: flops)
        }
        for call in calls {
            guard let (path, module) = paths[call.module] else { continue }
            let flops = work.flops(of: call.output, from: call.inputs)
            rows.append(row(path, module, call.output.shape, flops))
        }
        for (path, module) in named.sorted(by: { $0.0 < $1.0 })
        where !seen.contains(ObjectIdentifier(module)) {
            let silent = row(path, module, nil, 0)
            if silent.parameterCount > 0 || module.children().isEmpty { rows.append(silent) }
        }
        self.rows = rows
        parameterCount = all.reduce(0) { $0 + $1.size }
        byteCount = all.reduce(0) { $0 + $1.nbytes }
        trainableParameterCount = Self.distinct(model.trainableParameters().flattenedValues())
            .reduce(0) { $0 + $1.size }
    }

    private static func distinct(_ arrays: [MLXArray]) -> [MLXArray] {
        var seen = Set<ObjectIdentifier>()
        return arrays.filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    /// The table, with a line of totals.
    public var description: String {
        let head = ["layer", "type", "output", "parameters", "bytes", "flops"]
        let body = rows.map { row in
            [
                row.path.isEmpty ? "(model)" : row.path, row.type,
                row.outputShape.map { "\($0)" } ?? "-", "\(row.parameterCount)",
                "\(row.byteCount)", Self.short(row.flops),
            ]
        }
        let total = ["total", "", "", "\(parameterCount)", "\(byteCount)", Self.short(flops)]
        let widths = head.indices.map { column in
            ([head, total] + body).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            cells.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                // Numbers stand under each other by their last digits.
                return column < 3 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        let frozen = parameterCount - trainableParameterCount
        return ([line(head), rule] + body.map(line) + [rule, line(total)]).joined(separator: "\n")
            + "\n\(trainableParameterCount) parameters are trainable, \(frozen) are frozen\n"
    }

    /// A count in three digits and a power of 1000.
    private static func short(_ count: Double) -> String {
        var (value, unit) = (count, 0)
        while value >= 1000, unit < 5 {
            value /= 1000
            unit += 1
        }
        if unit == 0 { return "\(Int(value))" }
        let tenths = (value * 10).rounded() / 10
        return "\(tenths)" + ["", "K", "M", "G", "T", "P"][unit]
    }
}

/// The layers that `body` calls, with their shapes, sizes and operations; nothing is computed.
///
/// For models that are not called with one array:
/// ```swift
/// print(summary(of: transformer) { _ = $0(source: source, target: target) })
/// ```
public func summary<Model: Module>(
    of model: Model, _ body: (Model) throws -> Void
) rethrows -> ModuleSummary {
    ModuleSummary(model, try CallLog.collect { try body(model) })
}

extension UnaryLayer {
    /// Prints the model's layers with output shapes, parameters, bytes and operations, and returns
    /// the table. Nothing is computed; the mode, training or not, is the model's.
    ///
    /// ```swift
    /// model.summary(input: MLXArray.zeros([1, 28, 28, 1]))
    /// ```
    /// - Parameters:
    ///   - input: only its shape and dtype matter.
    ///   - prints: whether the table is printed.
    @discardableResult
    public func summary(input: MLXArray, prints: Bool = true) -> ModuleSummary {
        let summary = ModuleSummary(self, CallLog.collect { _ = self(input) })
        if prints { print(summary) }
        return summary
    }
}
