import MLXBase
import MLXGraph
import MLXOps

/// Swift implementations of kernels that programs ask for by name.
///
/// A program written for Apple's machines makes a kernel with `MLXFast.metalKernel(name:…)`, whose
/// source is in Metal's language. Nothing here compiles that; but when an implementation is
/// registered under the kernel's name, calling the kernel calls it. The library registers those in
/// `MetalKernels.names`; a program may add its own, or replace one.
///
/// ```swift
/// MetalKernels.register("double") { call in [call.inputs[0] * 2] }
/// let kernel = MLXFast.metalKernel(
///     name: "double", inputNames: ["x"], outputNames: ["y"], source: "…")
/// let y = kernel(
///     [x], grid: (8, 1, 1), threadGroup: (8, 1, 1), outputShapes: [x.shape],
///     outputDTypes: [x.dtype])[0]
/// ```
public enum MetalKernels {
    /// What a kernel is called with.
    public struct Call {
        /// The kernel's name.
        public let name: String
        /// The inputs in the order of the kernel's `inputNames`; numbers have become arrays.
        public let inputs: [MLXArray]
        /// The template's arguments by name: `Bool`, `Int` and `DType`.
        public let template: [String: any KernelTemplateArg]
        /// The shape of each output that the caller expects.
        public let outputShapes: [[Int]]
        /// The dtype of each output that the caller expects.
        public let outputDTypes: [DType]
        /// What outputs hold before the kernel writes, where the caller says so.
        public let initValue: Float?
        /// Where the caller wants it to run.
        public let stream: StreamOrDevice

        /// An integer of the template; a Bool counts as 0 or 1.
        /// - Throws: `ArrayError` of kind `argument` when there is none of that name.
        public func integer(_ parameter: String) throws -> Int {
            switch template[parameter] {
            case let value as Int: return value
            case let value as Bool: return value ? 1 : 0
            default: throw error(.argument, "needs the integer '\(parameter)' in its template")
            }
        }

        /// Throws unless there are so many inputs as a range says.
        func checkInputCount(_ range: ClosedRange<Int>) throws {
            guard range.contains(inputs.count) else {
                let wanted = Set([range.lowerBound, range.upperBound]).sorted()
                    .map(String.init).joined(separator: " to ")
                throw error(.argument, "takes \(wanted) inputs, not \(inputs.count)")
            }
        }

        /// Throws unless an input has a shape; -1 stands for any size.
        func check(_ input: Int, _ shape: [Int], _ meaning: String) throws {
            let actual = inputs[input].shape
            let fits =
                actual.count == shape.count && zip(actual, shape).allSatisfy { $1 < 0 || $0 == $1 }
            guard fits else {
                let wanted = shape.map { $0 < 0 ? "any" : "\($0)" }.joined(separator: ", ")
                throw error(
                    .shape, "needs \(meaning) of shape [\(wanted)], not \(actual)")
            }
        }

        func error(_ kind: ArrayError.Kind, _ text: String) -> ArrayError {
            ArrayError(
                kind, name, text, shapes: inputs.map(\.shape), dtypes: inputs.map(\.dtype))
        }
    }

    /// Makes a kernel's outputs out of its inputs. What it throws becomes the error of all outputs.
    public typealias Implementation = @Sendable (Call) throws -> [MLXArray]

    private static let own = Locked<[String: Implementation]>([:]).survivingForks()

    /// Has kernels of a name call `implementation` from now on, those that exist already too.
    public static func register(
        _ name: String, _ implementation: @escaping Implementation
    ) {
        own.withLock { $0[name] = implementation }
    }

    /// Takes back what `register` did; the library's own implementation, if it has one, counts
    /// again.
    public static func unregister(_ name: String) {
        own.withLock { _ = $0.removeValue(forKey: name) }
    }

    /// The names that have an implementation, in order.
    public static var names: [String] {
        Set(library.keys).union(own.withLock { $0.keys }).sorted()
    }

    private static let library: [String: Implementation] = [
        "ssm_kernel": stateSpaceStep,
        "gated_delta_step": gatedDelta,
        "gated_delta_step_mask": gatedDelta,
        "router_topk_norm": routerTopK,
        "bitlinear_matmul": bitLinear,
        "paro_rotate_r1": pairRotations,
        "paro_rotate_r4": pairRotations,
        "nearest_interpolation": nearestInterpolation,
        "bicubic_interpolation_antialias": bicubicInterpolation,
    ]

    /// Calls the implementation. Errors, and outputs other than those asked for, become invalid
    /// arrays.
    static func outputs(_ call: Call) -> [MLXArray] {
        do {
            let implementation = own.withLock { $0[call.name] } ?? library[call.name]
            guard let implementation else {
                throw call.error(
                    .unsupported,
                    "the kernel '\(call.name)' is written for Metal, which Linux has not, and no"
                        + " implementation is registered under its name"
                        + " (MetalKernels.register)")
            }
            let stream = call.stream.id
            let outputs = try Defaults.with(
                { if stream != .unpinned { $0.stream = stream } }, { try implementation(call) })
            let fits =
                outputs.map(\.shape) == call.outputShapes
                && outputs.map(\.dtype) == call.outputDTypes
            // An invalid array has no shape to speak of: it says itself what is wrong.
            guard fits || outputs.contains(where: { NodeReference($0).isPoisoned }) else {
                throw call.error(
                    .shape,
                    "gives \(outputs.map { "\($0.dtype)\($0.shape)" }.joined(separator: ", ")),"
                        + " not the outputs asked for, "
                        + zip(call.outputDTypes, call.outputShapes).map { "\($0)\($1)" }
                        .joined(separator: ", "))
            }
            return outputs
        } catch {
            let typed =
                error as? ArrayError
                ?? ArrayError(.unsupported, call.name, String(describing: error))
            return zip(call.outputShapes, call.outputDTypes).map { shape, dtype in
                Ops.invalid(
                    typed, inputs: call.inputs, shapeHint: try? Shape(validating: shape),
                    dtype: dtype)
            }
        }
    }
}
