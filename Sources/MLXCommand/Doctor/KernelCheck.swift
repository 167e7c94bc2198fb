import CMLXKernels
import MLX
import MLXBase
import MLXKernels

/// `mlx doctor --kernels`: the products of every engine at every instruction-set level that the
/// machine has, against sums in float64, and the levels that it has not. Everything runs on the
/// calling thread, inside this binary, so it can be taken to another machine.
struct KernelCheck: Codable {
    var level: String
    /// False for a level that this machine has not.
    var isAvailable: Bool
    var products = 0
    /// The largest error over the bound that rounding allows; 1 is the bound.
    var largestError = 0.0
    /// The products that were wrong.
    var wrong: [String] = []

    var line: String {
        if !isAvailable { return "kernels     \(level): this machine has it not" }
        let verdict = wrong.isEmpty ? "ok" : "WRONG: " + wrong.joined(separator: "; ")
        return "kernels     \(level): \(products) products, largest error "
            + "\(Int((largestError * 100).rounded())) % of its bound, \(verdict)"
    }

    /// Rows, terms and columns: of the kernels of small, of few rows, of columns, and of many.
    private static let shapes = [
        (1, 300, 67), (2, 129, 701), (5, 64, 33), (7, 8200, 9), (8, 333, 130), (13, 130, 515),
        (16, 256, 96), (33, 100, 200), (64, 65, 130), (65, 130, 70), (130, 257, 1),
        (150, 120, 110), (17, 31, 5),
    ]
    private static let integerShapes = [
        (1, 131, 35), (2, 256, 9), (3, 64, 70), (15, 300, 33), (16, 192, 64), (17, 63, 31),
        (31, 64, 17), (50, 576, 70), (100, 1024, 40),
    ]
    private static let dtypes: [DType] = [.float32, .float16, .bfloat16, .float64]

    static func all() throws -> [KernelCheck] {
        var checks = (0..<Int32(MLX_LEVEL_COUNT.rawValue)).map {
            KernelCheck(
                level: String(cString: mlx_level_name($0)), isAvailable: $0 <= mlx_best_level())
        }
        for (m, k, n) in shapes {
            for dtype in dtypes {
                for isTransposed in [false, true] {
                    let product = CheckedProduct(m, k, n, dtype, isTransposed: isTransposed)
                    for level in 0...mlx_best_level() {
                        try checks[Int(level)].check(product, level)
                    }
                }
            }
        }
        for (m, k, n) in integerShapes {
            for bits in [nil, 2, 4, 8] where bits == nil || k % 64 == 0 {
                let product = CheckedIntegers(m, k, n, bits: bits)
                for level in 0...mlx_best_level() {
                    try checks[Int(level)].check(product, level)
                }
            }
        }
        return checks
    }

    private mutating func check(_ product: CheckedIntegers, _ level: Int32) throws {
        mlx_override_level(level)
        defer { mlx_override_level(-1) }
        products += 1
        if try !product.holds() { wrong.append(product.name) }
    }

    private mutating func check(_ product: CheckedProduct, _ level: Int32) throws {
        mlx_override_level(level)
        defer { mlx_override_level(-1) }
        for device in [DeviceTraits.cpu, .gpu] {
            let error = try product.error(on: device)
            products += 1
            largestError = Swift.max(largestError, error)
            if !(error <= 1) { wrong.append("\(product.name) on \(device.name)") }
        }
    }
}

/// One product: its operands in memory, and what it must come to.
private final class CheckedProduct {
    private let (rows, terms, columns): (Int, Int, Int)
    private let dtype: DType
    private let memory: [UnsafeMutableRawPointer]
    private let strides: UnsafeMutablePointer<Int>
    private let isTransposed: Bool
    private var sums: [Double]
    private var magnitudes: [Double]

    var name: String {
        "\(rows) x \(terms) x \(columns) \(dtype)" + (isTransposed ? ", transposed" : "")
    }

    init(_ m: Int, _ k: Int, _ n: Int, _ dtype: DType, isTransposed: Bool) {
        (rows, terms, columns) = (m, k, n)
        self.dtype = dtype
        self.isTransposed = isTransposed
        memory = [m * k, k * n, m * n].map {
            .allocate(byteCount: $0 * dtype.size + 64, alignment: 64)
        }
        strides = .allocate(capacity: 2)
        (strides[0], strides[1]) = isTransposed ? (1, k) : (n, 1)
        sums = [Double](repeating: 0, count: m * n)
        magnitudes = sums
        let a = fill(memory[0], m * k, from: 1)
        let b = fill(memory[1], k * n, from: 5)
        for row in 0..<m {
            for term in 0..<k {
                let factor = a[row * k + term]
                for column in 0..<n {
                    let place = term * strides[0] + column * strides[1]
                    sums[row * n + column] += factor * b[place]
                    magnitudes[row * n + column] += Swift.abs(factor * b[place])
                }
            }
        }
    }

    deinit {
        memory.forEach { $0.deallocate() }
        strides.deallocate()
    }

    /// Fills memory with numbers of both signs, and gives them as they were rounded.
    private func fill(
        _ memory: UnsafeMutableRawPointer, _ count: Int, from start: Int
    ) -> [Double] {
        var values = (0..<count).map { Double((($0 + start) &* 2_654_435_761) % 2003) / 1001 - 1 }
        // Every dtype converts to every other.
        mlx_cast_fn(Int32(DType.float64.rawValue), Int32(dtype.rawValue))!(
            memory, values, nil, nil, count)
        mlx_cast_fn(Int32(dtype.rawValue), Int32(DType.float64.rawValue))!(
            &values, memory, nil, nil, count)
        return values
    }

    /// The largest error over the bound that rounding allows.
    func error(on device: DeviceTraits) throws -> Double {
        let count = rows * columns
        memory[2].initializeMemory(as: UInt8.self, repeating: 0x5A, count: count * dtype.size)
        let a = Operand(
            contiguous: memory[0], dtype: dtype, shape: try Shape(validating: [rows, terms]))
        let b = Operand(
            pointer: memory[1], dtype: dtype, shape: try Shape(validating: [terms, columns]),
            strides: strides)
        let out = Operand(
            contiguous: memory[2], dtype: dtype, shape: try Shape(validating: [rows, columns]))
        try multiply([a, b], out, device)
        var got = [Double](repeating: 0, count: count)
        mlx_cast_fn(Int32(dtype.rawValue), Int32(DType.float64.rawValue))!(
            &got, memory[2], nil, nil, count)
        let (unit, rounding) =
            switch dtype {
            case .float64: (0x1p-52, 0.0)
            case .float16: (0x1p-23, 0x1p-11)
            case .bfloat16: (0x1p-23, 0x1p-8)
            default: (0x1p-23, 0.0)
            }
        var largest = 0.0
        for place in 0..<count {
            let sum = sums[place]
            let bound = magnitudes[place] * Double(terms) * unit + Swift.abs(sum) * rounding
            let error = Swift.abs(got[place] - sum) / (bound + 0x1p-24)
            largest = error.isNaN ? .infinity : Swift.max(largest, error)
        }
        return largest
    }

    private func multiply(_ inputs: [Operand], _ out: Operand, _ device: DeviceTraits) throws {
        var failure: ArrayError?
        inputs.withUnsafeBufferPointer { inputs in
            withUnsafePointer(to: out) { out in
                let call = KernelCall(
                    outputs: UnsafeBufferPointer(start: out, count: 1), inputs: inputs,
                    attributes: UnsafeBufferPointer(start: nil, count: 0), device: device,
                    fanOut: SerialFanOut(), arena: ScratchArena())
                do throws(ArrayError) { try device.products.matmul(call) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }
}
