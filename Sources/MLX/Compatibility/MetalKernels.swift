import FoundationEssentials
import MLXBase
import MLXGraph
import MLXOps

// What mlx-swift has for Metal: kernels in Metal's language, captures for Apple's debugger, Metal's
// buffers. There is no Metal on Linux. Programs that name these things compile. A kernel runs when
// its name has a Swift implementation (`MetalKernels`); all else is an error of kind `unsupported`
// when it is used: kernels as invalid arrays, captures in `withError`.

/// A value that can stand for a template parameter of a Metal kernel.
public protocol KernelTemplateArg {}

extension Bool: KernelTemplateArg {}
extension Int: KernelTemplateArg {}
extension DType: KernelTemplateArg {}

extension MLXFast {
    /// A kernel in Metal's language. Nothing here compiles it: it runs when a Swift implementation
    /// is registered under its name, see `MetalKernels`.
    public final class MLXFastKernel: Sendable {
        /// Names of the outputs, in their order.
        public let outputNames: [String]
        private let name: String

        init(name: String, outputNames: [String]) {
            self.name = name
            self.outputNames = outputNames
        }

        /// The outputs that the implementation under the kernel's name makes of the inputs. Without
        /// one, or when it fails: one invalid array for each output, of the shape and dtype asked
        /// for, with the error.
        ///
        /// ```swift
        /// let kernel = MLXFast.metalKernel(
        ///     name: "ssm_kernel", inputNames: names, outputNames: ["out", "state_out"],
        ///     source: text)
        /// let outputs = kernel(
        ///     inputs, grid: (32, 8, 1), threadGroup: (32, 8, 1), outputShapes: shapes,
        ///     outputDTypes: [.float32, .float32])
        /// ```
        /// - Parameters:
        ///   - template: the template's arguments, which implementations read by name.
        ///   - grid: says nothing here.
        ///   - threadGroup: says nothing here.
        public func callAsFunction(
            _ inputs: [any ScalarOrArray], template: [(String, any KernelTemplateArg)]? = nil,
            grid: (Int, Int, Int), threadGroup: (Int, Int, Int),
            outputShapes: some Sequence<[Int]>, outputDTypes: some Sequence<DType>,
            initValue: Float? = nil, verbose: Bool = false, stream: StreamOrDevice = .default
        ) -> [MLXArray] {
            MetalKernels.outputs(
                MetalKernels.Call(
                    name: name, inputs: inputs.map { $0.asMLXArray(dtype: nil) },
                    template: Dictionary(template ?? [], uniquingKeysWith: { $1 }),
                    outputShapes: Array(outputShapes), outputDTypes: Array(outputDTypes),
                    initValue: initValue, stream: stream))
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
