import MLX
import Synchronization

// What a model's layers made while `summary` watches. A layer says so in passing: `noted` costs one
// relaxed load when nobody watches, and what it takes is references to arrays, never values.

/// The calls of layers in one task, in the order in which they ended.
package final class CallLog: Sendable {
    package struct Call: Sendable {
        package let module: ObjectIdentifier
        package let output: MLXArray
        package let inputs: [MLXArray]
    }

    private let calls = Mutex<[Call]>([])
    private static let openCount = Atomic<Int>(0)
    @TaskLocal private static var current: CallLog?

    /// The log of the task; nil nearly always.
    @inline(__always) static var active: CallLog? {
        openCount.load(ordering: .relaxed) == 0 ? nil : current
    }

    /// What layers that are called in `body` make.
    package static func collect(_ body: () throws -> Void) rethrows -> [Call] {
        let log = CallLog()
        openCount.wrappingAdd(1, ordering: .relaxed)
        defer { openCount.wrappingSubtract(1, ordering: .relaxed) }
        try $current.withValue(log) { try body() }
        return log.calls.withLock { $0 }
    }

    func append(_ module: Module, _ output: MLXArray, _ inputs: [MLXArray]) {
        // The user may update the arrays in place afterwards; the aliases stay what they are.
        let call = Call(
            module: ObjectIdentifier(module), output: output.aliased(),
            inputs: inputs.map { $0.aliased() })
        calls.withLock { $0.append(call) }
    }
}

extension Module {
    /// Tells `summary` what the module made, and returns it.
    ///
    /// The layers of this library do; a layer of your own appears in the summary with its output
    /// if it ends so:
    /// ```swift
    /// func callAsFunction(_ x: MLXArray) -> MLXArray { noted(x * scale, from: x) }
    /// ```
    /// - Parameters:
    ///   - output: the result of the call.
    ///   - inputs: the arguments of the call, where the layer's work begins.
    @inline(__always)
    public func noted(_ output: MLXArray, from inputs: MLXArray...) -> MLXArray {
        if let log = CallLog.active { log.append(self, output, inputs) }
        // A layer that lets its input through still gives an array of its own.
        return inputs.contains { $0 === output } ? output.aliased() : output
    }
}
