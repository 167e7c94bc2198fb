import CMLXKernels
import MLXBase

/// How a row of numbers is stored as small codes: MLX's modes, each with the group sizes and widths
/// it allows. Codes lie in uint32 words as one little-endian bit stream a row; a group shares a
/// scale, and in affine mode an offset.
package struct CodeFormat: Equatable, Sendable {
    package enum Mode: Int, Sendable {
        case affine, mxfp4, mxfp8, nvfp4

        package var name: String {
            switch self {
            case .affine: "affine"
            case .mxfp4: "mxfp4"
            case .mxfp8: "mxfp8"
            case .nvfp4: "nvfp4"
            }
        }
        /// What MLX takes when nothing is said.
        package var defaults: (groupSize: Int, bits: Int) {
            switch self {
            case .affine: (64, 4)
            case .mxfp4: (32, 4)
            case .mxfp8: (32, 8)
            case .nvfp4: (16, 4)
            }
        }
    }

    package let groupSize: Int
    package let bits: Int
    package let mode: Mode

    package static let wordNames = ["groupSize", "bits", "mode"]
    package var words: [Int] { [groupSize, bits, mode.rawValue] }

    /// - Throws: when the mode has no such group size or width.
    package init(groupSize: Int, bits: Int, mode: Mode, operation: String) throws(ArrayError) {
        let isKnown =
            mode == .affine
            ? [32, 64, 128].contains(groupSize) && [2, 3, 4, 5, 6, 8].contains(bits)
            : (groupSize, bits) == mode.defaults
        guard isKnown else {
            throw ArrayError(
                .argument, operation,
                mode == .affine
                    ? "groups of 32, 64 or 128 and 2, 3, 4, 5, 6 or 8 bits, not groups of"
                        + " \(groupSize) and \(bits) bits"
                    : "\(mode.name) has groups of \(mode.defaults.groupSize) and"
                        + " \(mode.defaults.bits) bits, not \(groupSize) and \(bits)")
        }
        self.groupSize = groupSize
        self.bits = bits
        self.mode = mode
    }

    /// From the words of an operation.
    package init(words: some RandomAccessCollection<Int>, operation: String) throws(ArrayError) {
        let list = Array(words.prefix(3))
        guard list.count == 3, let mode = Mode(rawValue: list[2]) else {
            throw ArrayError(.argument, operation, "needs a group size, a width and a mode")
        }
        try self.init(groupSize: list[0], bits: list[1], mode: mode, operation: operation)
    }

    package var isAffine: Bool { mode == .affine }
    /// Whether there is a product of the codes with inputs that are rounded to int8.
    package var meetsInt8: Bool { isAffine && [2, 4, 8].contains(bits) }

    /// The code kind of the C loops.
    var kind: Int32 {
        switch mode {
        case .affine: Int32(bits)
        case .mxfp8: Int32(MLX_CODE_E4M3.rawValue)
        default: Int32(MLX_CODE_E2M1.rawValue)
        }
    }

    /// uint32 words of a row of n numbers.
    package func wordCount(_ n: Int) -> Int { n / 32 * bits + n % 32 * bits / 32 }
    /// Numbers in a row of uint32 words.
    package func length(words: Int) -> Int { words / bits * 32 + words % bits * 32 / bits }
    func byteCount(_ n: Int) -> Int { n / 8 * bits }
}

/// Scales or offsets in their own dtype, read as float32 a row or more at a time.
struct GroupValues {
    let pointer: UnsafeMutableRawPointer
    let dtype: DType
    let isPower: Bool
    let global: Float

    init(_ operand: Operand, _ format: CodeFormat, global: Float = 0) {
        pointer = operand.pointer
        dtype = operand.dtype
        isPower = format.mode != .nvfp4
        self.global = global
    }

    /// Values [first, first + n) as float32: in place, or converted into `scratch`.
    func read(
        _ first: Int, _ n: Int, scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        let source = pointer + first * dtype.size
        switch dtype {
        case .float32: return UnsafePointer(source.assumingMemoryBound(to: Float.self))
        case .uint8:
            mlx_decode_scales(
                scratch, source.assumingMemoryBound(to: UInt8.self), n, isPower, global)
        default: castLoop(dtype, .float32)(scratch, source, nil, nil, n)
        }
        return UnsafePointer(scratch)
    }
}
