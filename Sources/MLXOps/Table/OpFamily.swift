import MLXBase
import MLXGraph
import MLXKernels

/// The families of operations, each in a file of its own. This is the one list of them.
package enum OpFamily: UInt16, CaseIterable {
    case unary, binary, elementwise, reductions, movement, matmul, indexing, generators
    case convolution, pooling, int8Products, transformed, alongAxis, fourier, linearAlgebra
    case sorting, scans, indexedProducts, layout, groupCodes, groupProducts, norms, rotary
    case attention, load, singleAxes, limitedProducts, recurrent

    var rows: [OpRow] {
        switch self {
        case .unary: Unary.rows
        case .binary: Binary.rows
        case .elementwise: Elementwise.rows
        case .reductions: Reduce.rows
        case .movement: Movement.rows
        case .matmul: Matmul.rows
        case .indexing: Indexing.rows
        case .generators: Generators.rows
        case .convolution: Convolution.rows
        case .pooling: Pooling.rows
        case .int8Products: Quantized.rows
        case .limitedProducts: LimitedProducts.rows
        case .transformed: Transformed.rows
        case .alongAxis: AlongAxis.rows
        case .fourier: Fourier.rows
        case .linearAlgebra: LinearAlgebra.rows
        case .sorting: Sorting.rows
        case .scans: Scans.rows
        case .indexedProducts: IndexedProducts.rows
        case .layout: Layout.rows
        case .groupCodes: GroupCodes.rows
        case .groupProducts: GroupProducts.rows
        case .norms: NormRows.rows
        case .rotary: RotaryRow.rows
        case .attention: AttentionRow.rows
        case .recurrent: RecurrentRows.rows
        case .load: LoadRow.rows
        case .singleAxes: SingleAxes.rows
        }
    }
}

// Codes number the operations while a process runs; whatever outlives it names them by name. So
// nobody chooses them: elementwise operations have the numbers of their C functions, the others
// lie in their family's block, each at the place of the line that declares it.
extension OpCode {
    private static let blockSize: UInt16 = 64
    /// The families' blocks begin here, behind the sources and the elementwise functions.
    private static let firstBlock: UInt16 = 128

    /// All codes are smaller.
    package static let limit = Int(firstBlock) + OpFamily.allCases.count * Int(blockSize)

    /// A code of a family. Its codes are declared in one file, within 64 lines; two that met
    /// would be found by the table's check.
    @inline(__always) init(_ family: OpFamily, line: UInt16 = #line) {
        self.init(Self.firstBlock &+ family.rawValue &* Self.blockSize &+ line % Self.blockSize)
    }
}

extension DeviceKind {
    /// What kernels know of the device.
    package var traits: DeviceTraits {
        switch self {
        case .cpu: .cpu
        case .gpu: .gpu
        case .npu: .npu
        }
    }

    /// The devices that run every kernel and every tape.
    package static let general = allCases.filter(\.traits.isGeneral)
}

/// A kernel that lies in one place for good, so that calling it counts no reference, which all
/// cores would meet at.
package final class KernelFunction: Sendable {
    package let run: Kernel
    init(_ run: @escaping Kernel) { self.run = run }
}

extension OpTable {
    /// What computes a row on a device, as plans have it.
    package static func function(_ code: OpCode, on kind: DeviceKind) -> Unmanaged<KernelFunction>?
    {
        functions[Int(code.raw) * DeviceKind.allCases.count + kind.index]
    }

    private static let functions = SharedTable(
        (0..<OpCode.limit).flatMap { code in
            DeviceKind.allCases.map { kind in
                find(OpCode(UInt16(code)))?.kernel(for: kind).map {
                    Unmanaged.passRetained(KernelFunction($0))
                }
            }
        })
}

extension OpRow {
    /// What computes the row on a device; nil where the device cannot, and for elementwise rows,
    /// which tapes compute.
    package func kernel(for kind: DeviceKind) -> Kernel? {
        let traits = kind.traits
        for (engine, special) in specialKernels where engine == traits.products { return special }
        return traits.isGeneral ? kernel : nil
    }

    /// Whether a device computes the row, by a kernel or in a tape.
    package func runs(on kind: DeviceKind) -> Bool {
        isElementwise ? kind.traits.isGeneral : kernel(for: kind) != nil
    }
}
