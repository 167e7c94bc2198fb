import MLXBase
import MLXGraph
import MLXOps

/// A function that is recorded once for each list of shapes and dtypes and replayed afterwards.
/// The recording is made on placeholders; whatever else it reached is a constant of it.
package final class Compiled: Sendable {
    /// The results of a call, and the arrays that it leaves in the state it changes.
    package typealias Outcome = (results: [MLXArray], state: [MLXArray])
    package typealias Body = ([MLXArray]) -> Outcome

    private let isShapeless: Bool
    private let recordings = Locked<[Key: Recorded]>([:])

    /// Recordings that are kept; beyond, half of them go.
    private static let maximumCount = 256

    package init(isShapeless: Bool) { self.isShapeless = isShapeless }

    private struct Key: Hashable {
        let shapes: [Shape]
        let ranks: [Int]
        let dtypes: [DType]
        /// What products were allowed to be off by.
        let tolerance = Defaults.current?.value.productTolerance

        init(_ arguments: [MLXArray], byRank: Bool) {
            // Whoever goes by the shapes says so.
            shapes = byRank ? [] : arguments.map(\.recordedShape)
            ranks = byRank ? arguments.map(\.ndim) : []
            dtypes = arguments.map(\.dtype)
        }
    }

    /// The recorded function applied to these arguments, if there is a recording.
    /// - Parameter stateCount: how many arrays of state there must be to change.
    package func replay(_ arguments: [MLXArray], stateCount: Int) -> Outcome? {
        let recorded = recordings.withLock { (recordings) -> Recorded? in
            if isShapeless, let recorded = recordings[Key(arguments, byRank: true)] {
                return recorded
            }
            return recordings[Key(arguments, byRank: false)]
        }
        guard let recorded, recorded.stateCount == stateCount else { return nil }
        return replay(recorded, arguments)
    }

    /// Records the function for the dtypes and shapes of `arguments`, and applies it to them.
    package func record(_ arguments: [MLXArray], _ body: Body) -> Outcome {
        let recorded = Recorded(arguments, watchesShapes: isShapeless, body)
        if recorded.isReusable {
            let key = Key(arguments, byRank: isShapeless && recorded.isShapeless)
            keep(recorded, key)
        }
        return replay(recorded, arguments)
    }

    /// A function around this one that is recorded for any shape is not, where this one is not.
    private func replay(_ recorded: Recorded, _ arguments: [MLXArray]) -> Outcome {
        if !(isShapeless && recorded.isShapeless) {
            for argument in arguments { argument.noteShapeReading() }
        }
        return recorded.replay(arguments)
    }

    /// What is dropped for it is freed without the lock: freeing may run a user's finalizer.
    private func keep(_ recorded: Recorded, _ key: Key) {
        let dropped = recordings.withLock { recordings -> [Recorded] in
            var dropped: [Recorded] = []
            if recordings.count >= Compiled.maximumCount {
                for key in recordings.keys.prefix(Compiled.maximumCount / 2) {
                    recordings.removeValue(forKey: key).map { dropped.append($0) }
                }
            }
            recordings.updateValue(recorded, forKey: key).map { dropped.append($0) }
            return dropped
        }
        withExtendedLifetime(dropped) {}
    }
}

/// One recording of a function: the nodes between its placeholders and its outputs.
private final class Recorded: @unchecked Sendable {
    // SAFETY: columns and arrays are constant after the recording.
    private let recording: Recording
    let stateCount: Int
    private let bit: UInt8
    /// Nobody looked at a shape, and every operation may be recorded again on other ones.
    let isShapeless: Bool

    init(_ arguments: [MLXArray], watchesShapes: Bool, _ body: Compiled.Body) {
        let trace = Trace()
        let variables = arguments.map { trace.placeholder($0.recordedShape, $0.dtype) }
        var count = 0
        var wasRead = true
        func run() -> [MLXArray] {
            let (results, state) = body(variables)
            count = state.count
            return results + state
        }
        recording = Recording(trace, variables: variables, throughValues: false) {
            guard watchesShapes else { return run() }
            let watched = ShapeWatch.watching(trace.bit, run)
            wasRead = watched.wasRead
            return watched.result
        }
        stateCount = count
        bit = trace.bit
        isShapeless = !wasRead && recording.operationOfOneShape == nil
    }

    /// Nothing in it belongs to a derivative or a map around the call, which the next call will
    /// not be in, and nothing in it failed: the next call may succeed, or reports its own error.
    var isReusable: Bool {
        (0..<recording.graph.count).allSatisfy { node in
            recording.graph.ops[node] != .invalid
                && (recording.isTraced[node] || recording.graph.traces[node] & ~bit == 0)
        }
    }

    func replay(_ arguments: [MLXArray]) -> Compiled.Outcome {
        let all = recording.replay(arguments)
        return (Array(all.dropLast(stateCount)), Array(all.suffix(stateCount)))
    }
}

extension Recording {
    /// The first operation that cannot be recorded again, as it is, on inputs of other shapes.
    package var operationOfOneShape: OpCode? {
        (0..<graph.count).first { node in
            isTraced[node] && variable(at: node) == nil
                && OpTable.find(graph.ops[node])?.traits.contains(.shapeless) != true
        }.map { graph.ops[$0] }
    }

    /// Records the nodes that depend on the variables again, on other arrays. The rows are asked
    /// for shapes and dtypes where the arrays have other shapes than the variables.
    package borrowing func replay(_ arguments: [MLXArray]) -> [MLXArray] {
        let infersShapes = zip(arguments, variables).contains {
            $0.recordedShape != $1.recordedShape
        }
        var results = [MLXArray?](repeating: nil, count: graph.count)
        for node in 0..<graph.count where isTraced[node] {
            if let number = variable(at: node) {
                results[node] = arguments[number]
                continue
            }
            let inputs = graph.inputs(of: node).map { results[Int($0)] ?? graph.array(Int($0)) }
            if graph.ops[node] == .invalid {
                results[node] = graph.array(node)
            } else if graph.ops[node] == .elementCount {
                results[node] = Ops.elementCount(
                    inputs[0], graph.attributes(node), graph.dtypes[node])
            } else if [.expandDims, .squeeze].contains(graph.ops[node]) {
                results[node] = Ops.singleAxes(
                    graph.ops[node], inputs[0], graph.words[node], stream: graph.streams[node])
            } else if graph.ops[node] == .regroup {
                results[node] = Ops.regroup(
                    inputs[0], graph.attributes(node).words, stream: graph.streams[node])
            } else if infersShapes {
                var attributes = graph.attributes(node)
                attributes.outputShape = nil
                results[node] = Ops.record(
                    graph.ops[node], inputs, attributes, stream: graph.streams[node])
            } else {
                results[node] = Ops.append(
                    graph.ops[node], inputs, dtype: graph.dtypes[node], shape: graph.shapes[node],
                    graph.attributes(node), graph.streams[node])
            }
        }
        // A result may be an argument, and two results one node: arrays of their own all the same.
        return graph.roots.map { (results[Int($0)] ?? graph.array(Int($0))).aliased() }
    }
}
