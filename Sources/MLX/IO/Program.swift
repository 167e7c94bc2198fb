import MLXBase
import MLXFormats
import MLXGraph
import MLXOps
import MLXTransforms

/// A recorded function as text: a list of operations by name, their attributes, and the constants
/// they use. It holds no code. Reading one records it again on placeholders, through the rows'
/// own rules, so a file can ask for nothing that a user could not.
final class Program: @unchecked Sendable {
    // SAFETY: columns and arrays are constant after the recording.
    /// Names of the arguments; those without one are empty.
    let labels: [String]
    let isShapeless: Bool
    private let recording: Recording

    var shapes: [Shape] { recording.variables.map(\.nodeShape) }
    var dtypes: [DType] { recording.variables.map(\.dtype) }

    /// Records a function for the dtypes and shapes of `arguments`.
    static func record(
        _ function: ([MLXArray]) -> [MLXArray], arguments: [MLXArray], labels: [String],
        isShapeless: Bool
    ) throws(ArrayError) -> Program {
        let trace = Trace()
        let variables = arguments.map { trace.placeholder($0.nodeShape, $0.dtype) }
        var looksAtShapes = false
        let recording = Recording(trace, variables: variables, throughValues: false) {
            guard isShapeless else { return function(variables) }
            let (results, wasRead) = ShapeWatch.watching(trace.bit) { function(variables) }
            looksAtShapes = wasRead
            return results
        }
        let program = Program(recording, labels, isShapeless)
        try program.checkValid()
        if looksAtShapes {
            throw ArrayError(
                .unsupported, "export",
                "the function looks at the shapes of its arguments, so it cannot be exported"
                    + " shapeless")
        }
        return program
    }

    private init(_ recording: consuming Recording, _ labels: [String], _ isShapeless: Bool) {
        self.recording = recording
        self.labels = labels
        self.isShapeless = isShapeless
    }

    private func checkValid() throws(ArrayError) {
        for node in 0..<recording.graph.count where recording.graph.ops[node] == .invalid {
            if let error = recording.graph.payload(node)?.error { throw error }
        }
        if isShapeless, let op = recording.operationOfOneShape {
            throw ArrayError(
                .unsupported, "export",
                "\(OpTable.name(op)) depends on the shapes, so the function cannot be exported"
                    + " shapeless")
        }
    }

    /// Applies the function; the arguments are in the order of `labels`.
    func call(_ arguments: [MLXArray]) -> [MLXArray] {
        recording.replay(arguments)
    }

    /// Whether the function was recorded for arguments like these.
    func accepts(_ arguments: [MLXArray]) -> Bool {
        arguments.count == labels.count
            && zip(arguments, zip(shapes, dtypes)).allSatisfy { argument, wanted in
                argument.dtype == wanted.1
                    && (argument.nodeShape == wanted.0
                        || isShapeless && argument.ndim == wanted.0.ndim)
            }
    }
}

// MARK: - Writing

extension Program {
    /// The program as a tree, and the arrays it uses, which it names by number.
    /// - Parameter constants: grows by the program's own; those of other programs are used again.
    func encode(constants: inout [MLXArray]) -> JSONValue {
        var nodes: [JSONValue] = []
        var numbers: [Int: Int] = [:]
        let isUsed = usedNodes()
        for node in 0..<recording.graph.count {
            if let number = alias(of: node, numbers) {
                numbers[node] = number
                continue
            }
            guard recording.isTraced[node] || isUsed[node],
                let entry = encode(node, isUsed[node], numbers, &constants)
            else { continue }
            numbers[node] = nodes.count
            nodes.append(.object(entry))
        }
        let inputs = zip(labels, zip(shapes, dtypes)).map { label, type -> JSONValue in
            .object([
                .init("label", .string(label)), .init("shape", .integers(type.0.array)),
                .init("dtype", .string(type.1.description)),
            ])
        }
        return .object([
            .init("shapeless", .boolean(isShapeless)), .init("inputs", .array(inputs)),
            .init("nodes", .array(nodes)),
            .init("outputs", .integers(recording.graph.roots.map { numbers[Int($0)] ?? 0 })),
        ])
    }

    /// The number of the node that this one merely repeats.
    private func alias(of node: Int, _ numbers: [Int: Int]) -> Int? {
        guard recording.isTraced[node], recording.graph.ops[node] == .custom else { return nil }
        let chosen = Int(recording.graph.words[node] & 0xFFFF)
        let inputs = recording.graph.inputs(of: node)
        return numbers[Int(inputs[inputs.startIndex + chosen])]
    }

    /// The members of one node; nil for a node that only leads to constants.
    private func encode(
        _ node: Int, _ isUsed: Bool, _ numbers: [Int: Int], _ constants: inout [MLXArray]
    ) -> [JSONValue.Member]? {
        if let variable = recording.variable(at: node) {
            return [.init("input", .integer(variable))]
        }
        guard isOperation(node) else {
            if recording.graph.ops[node] == .scalar {
                return [
                    .init("scalar", .integer(Int(bitPattern: UInt(recording.graph.words[node])))),
                    .init("dtype", .string(recording.graph.dtypes[node].description)),
                ]
            }
            guard isUsed else { return nil }
            let array = recording.graph.array(node)
            if let known = constants.firstIndex(where: { $0.handle.raw == array.handle.raw }) {
                return [.init("constant", .integer(known))]
            }
            constants.append(array)
            return [.init("constant", .integer(constants.count - 1))]
        }
        let attributes = recording.graph.attributes(node)
        let inputs = recording.graph.inputs(of: node).map { numbers[Int($0)] ?? 0 }
        var members: [JSONValue.Member] = [
            .init("op", .string(OpTable.name(recording.graph.ops[node]))),
            .init("inputs", .integers(inputs)),
            .init("shape", .integers(recording.graph.shapes[node].array)),
            .init("dtype", .string(recording.graph.dtypes[node].description)),
        ]
        if attributes.word != 0 {
            members.append(.init("word", .integer(Int(bitPattern: UInt(attributes.word)))))
        }
        if !attributes.words.isEmpty {
            members.append(.init("words", .integers(attributes.words)))
        }
        return members
    }

    /// Whether a node is written as what it does, not as what it is. What does not depend on the
    /// arguments is so too as long as it is not computed: that takes less room than the result,
    /// and recordings of one function have its constants in common.
    private func isOperation(_ node: Int) -> Bool {
        if recording.isTraced[node] { return true }
        let op = recording.graph.ops[node]
        return !recording.graph.isLeaf(node) && recording.graph.payload(node) == nil
            && op != .invalid && OpTable.find(op) != nil
    }

    /// Which nodes a recorded operation, or an output, takes.
    private func usedNodes() -> [Bool] {
        var isUsed = [Bool](repeating: false, count: recording.graph.count)
        for root in recording.graph.roots { isUsed[Int(root)] = true }
        for user in (0..<recording.graph.count).reversed()
        where recording.isTraced[user] || isUsed[user] && isOperation(user) {
            for input in recording.graph.inputs(of: user) { isUsed[Int(input)] = true }
        }
        return isUsed
    }
}

// MARK: - Reading

extension Program {
    /// Rebuilds a program.
    /// - Throws: an `ArrayError` of kind `file` that says which node is wrong.
    static func decode(
        _ tree: JSONValue, constants: [MLXArray]
    ) throws(ArrayError) -> Program {
        let inputs = try tree.array("inputs")
        let nodes = try tree.array("nodes")
        let outputs = try tree.integers("outputs")
        var labels: [String] = []
        let trace = Trace()
        var variables: [MLXArray] = []
        for input in inputs {
            labels.append(try input.text("label"))
            let shape = try Shape(validating: try input.integers("shape"), operation: "import")
            variables.append(trace.placeholder(shape, try input.dtype("dtype")))
        }
        let results = try Program.record(nodes, variables, constants)
        for output in outputs where !results.indices.contains(output) {
            throw .program("output \(output) is no node")
        }
        let recording = Recording(trace, variables: variables, throughValues: false) {
            outputs.map { results[$0] }
        }
        let program = Program(recording, labels, tree["shapeless"]?.boolean ?? false)
        try program.checkValid()
        return program
    }

    private static func record(
        _ nodes: [JSONValue], _ variables: [MLXArray], _ constants: [MLXArray]
    ) throws(ArrayError) -> [MLXArray] {
        var results: [MLXArray] = []
        for (number, node) in nodes.enumerated() {
            if let input = node["input"]?.integer {
                guard variables.indices.contains(input) else {
                    throw .program("node \(number): there is no input \(input)")
                }
                results.append(variables[input])
            } else if let constant = node["constant"]?.integer {
                guard constants.indices.contains(constant) else {
                    throw .program("node \(number): there is no constant \(constant)")
                }
                results.append(constants[constant])
            } else if let bits = node["scalar"]?.integer {
                results.append(
                    Ops.scalar(bits: UInt64(bitPattern: Int64(bits)), try node.dtype("dtype")))
            } else {
                results.append(try record(node, number, results))
            }
        }
        return results
    }

    /// Records one operation and holds the result against what the file says of it.
    private static func record(
        _ node: JSONValue, _ number: Int, _ results: [MLXArray]
    ) throws(ArrayError) -> MLXArray {
        let name = try node.text("op")
        guard let row = OpTable.find(name: name), row.code != .custom else {
            throw .program("node \(number): there is no operation '\(name)' here")
        }
        let inputs = try node.integers("inputs")
        guard inputs.allSatisfy(results.indices.contains) else {
            throw .program("node \(number): takes a node that comes later")
        }
        let shape = try Shape(validating: try node.integers("shape"), operation: "import")
        let dtype = try node.dtype("dtype")
        let words = node["words"] == nil ? [] : try node.integers("words")
        let result = Ops.record(
            row.code, inputs.map { results[$0] },
            Attributes(
                word: UInt64(bitPattern: Int64(node["word"]?.integer ?? 0)), words: words,
                outputShape: shape, outputDType: dtype))
        let reference = NodeReference(result)
        if let error = reference.payload?.error { throw error }
        guard reference.shape == shape, reference.dtype == dtype else {
            throw .program(
                "node \(number): \(name) gives \(reference.dtype) of shape \(reference.shape), the"
                    + " file says \(dtype) of shape \(shape)")
        }
        return result
    }
}

extension ArrayError {
    fileprivate static func program(_ message: String) -> ArrayError {
        ArrayError(.file, "import", message)
    }
}

extension JSONValue {
    fileprivate static func integers(_ values: [Int]) -> JSONValue {
        .array(values.map { .integer($0) })
    }

    fileprivate func array(_ key: String) throws(ArrayError) -> [JSONValue] {
        guard let array = self[key]?.array else { throw .program("'\(key)' is no list") }
        return array
    }

    fileprivate func integers(_ key: String) throws(ArrayError) -> [Int] {
        let values = try array(key)
        let integers = values.compactMap(\.integer)
        guard integers.count == values.count else {
            throw .program("'\(key)' is no list of integers")
        }
        return integers
    }

    fileprivate func text(_ key: String) throws(ArrayError) -> String {
        guard let text = self[key]?.string else { throw .program("'\(key)' is no text") }
        return text
    }

    fileprivate func dtype(_ key: String) throws(ArrayError) -> DType {
        let name = try text(key)
        guard let type = DType.allCases.first(where: { $0.description == name }) else {
            throw .program("there is no dtype '\(name)'")
        }
        return type
    }
}
