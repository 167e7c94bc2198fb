import FoundationEssentials
import MLXBase
import MLXGraph
import MLXOps

// What mlx-swift has for Metal: kernels in Metal's language, captures for Apple's debugger, Metal's
// buffers. There is no Metal on Linux. Programs that name these things compile, and get an error of
// kind `unsupported` when they use them: kernels as invalid arrays, captures in `withError`.

/// A value that can stand for a template parameter of a Metal kernel.
public protocol KernelTemplateArg {}

extension Bool: KernelTemplateArg {}
extension Int: KernelTemplateArg {}
extension DType: KernelTemplateArg {}

extension MLXFast {
    /// A kernel in Metal's language. Nothing here compiles it; calling it gives invalid arrays.
    public final class MLXFastKernel: Sendable {
        /// Names of the outputs, in their order.
        public let outputNames: [String]
        private let name: String

        init(name: String, outputNames: [String]) {
            self.name = name
            self.outputNames = outputNames
        }

        /// One invalid array for each output, of the shape and dtype that are asked for, whose
        /// error is of kind `unsupported`.
        ///
        /// ```swift
        /// let kernel = MLXFast.metalKernel(
        ///     name: "copy", inputNames: ["x"], outputNames: ["y"], source: text)
        /// let y = kernel(
        ///     [x], grid: (8, 1, 1), threadGroup: (8, 1, 1), outputShapes: [[8]],
        ///     outputDTypes: [.float32])[0]
        /// try await evaluate(y)   // throws
        /// ```
        public func callAsFunction(
            _ inputs: [any ScalarOrArray], template: [(String, any KernelTemplateArg)]? = nil,
            grid: (Int, Int, Int), threadGroup: (Int, Int, Int),
            outputShapes: some Sequence<[Int]>, outputDTypes: some Sequence<DType>,
            initValue: Float? = nil, verbose: Bool = false, stream: StreamOrDevice = .default
        ) -> [MLXArray] {
            zip(outputShapes, outputDTypes).map { shape, dtype in
                Ops.invalid(
                    ArrayError(
                        .unsupported, "metal_kernel",
                        "the kernel '\(name)' is written for Metal, which Linux has not",
                        shapes: [shape], dtypes: [dtype]),
                    shapeHint: try? Shape(validating: shape), dtype: dtype)
            }
        }
    }

    /// A kernel in Metal's language, to name in programs that are also built where Metal is.
    ///
    /// ```swift
    /// let kernel = MLXFast.metalKernel(
    ///     name: "copy", inputNames: ["x"], outputNames: ["y"], source: text)
    /// ```
    public static func metalKernel(
        name: String, inputNames: some Sequence<String>, outputNames: some Sequence<String>,
        source: String, header: String = "", ensureRowContiguous: Bool = true,
        atomicOutputs: Bool = false
    ) -> MLXFastKernel {
        MLXFastKernel(name: name, outputNames: Array(outputNames))
    }
}

extension GPU {
    /// Begins a recording for Apple's debugger; here an error for `withError` and for the
    /// process's handler, and nothing else.
    public static func startCapture(url: URL) { refuse("start_capture", url) }

    /// Ends a recording for Apple's debugger; see `startCapture(url:)`.
    public static func stopCapture(url: URL) { refuse("stop_capture", url) }

    private static func refuse(_ operation: String, _ url: URL) {
        let error = ArrayError(
            .unsupported, operation,
            "a capture to \(url.lastPathComponent) needs Metal, which Linux has not")
        if let handler = Defaults.current?.value.onInvalid { return handler(error) }
        _ = reportToProcess(error.summary)
    }
}

/// Stands where Metal has its device, in the signature of `MLXArray.asMTLBuffer`.
public protocol MTLDevice {}

/// Stands where Metal has its buffer, in the signature of `MLXArray.asMTLBuffer`.
public protocol MTLBuffer {}

extension MLXArray {
    /// The array's memory as a buffer of Metal: nil, since Linux has none.
    public func asMTLBuffer(device: some MTLDevice, noCopy: Bool = false) -> (any MTLBuffer)? {
        nil
    }
}
