import CMLXKernels
import MLX
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps
import Testing

/// Every kernel that a row names, against the row's reference: for each device that runs it, at
/// each instruction-set level of the machine, with the device's own chunks and with very small
/// ones, with one thread and with two, in every dtype that the row takes.
@Suite("Kernels") struct KernelConformanceTests {
    /// Rows whose result is not one formula, and what checks them instead. Here they are only held
    /// against themselves, with one thread and with two.
    static let exemptions: [String: String] = [
        "arange": "IndexingTests: the result's dtype says how its attributes are read",
        "argpartition": "SequenceTests: any order within the two parts is right",
        "eig": "LinalgTests: vectors have any length and sign, so products are compared",
        "eigh": "LinalgTests: vectors have any sign, so products are compared",
        "eigvals": "LinalgTests: in any order",
        "eigvalsh": "LinalgTests: against eigh",
        "lu": "LinalgTests: several results in one, whose product is compared",
        "partition": "SequenceTests: any order within the two parts is right",
        "qr": "LinalgTests: vectors have any sign, so products are compared",
        "quantize": "GoldenTests: the codes that MLX makes",
        "quantize_scales": "GoldenTests: the codes that MLX makes",
        "random_bits": "IndexingTests: the published words of Threefry",
        "random_integers": "RandomIntegerTests: whole ranges, counted",
        "svd": "LinalgTests: vectors have any sign, so products are compared",
        "svdvals": "LinalgTests: against svd",
        "view": "GoldenTests: bits of another dtype",
    ]

    /// Rows with kernels. Windows onto their input have one only for where they must copy.
    static let rowNames = OpTable.rows.filter { !$0.isElementwise && !$0.isView }.map(\.name)

    private static let tiny = Grain(
        byteCount: 64, tapeElements: 16, tapeBlocks: .max, queryBlock: 10, keyBlock: 16,
        loadByteCount: 64)

    /// Each way to run a row: at every level alone and in the smallest chunks with one thread and
    /// with two; inputs that are not row-major at the best level, where only the driver differs.
    private static func runs(_ row: OpRow) -> [(Kernel, KernelRun)] {
        DeviceKind.allCases.flatMap { kind -> [(Kernel, KernelRun)] in
            guard let kernel = row.kernel(for: kind) else { return [] }
            let own = kind.traits
            let fine = DeviceTraits(name: own.name, products: own.products, grain: tiny)
            var runs: [KernelRun] = []
            for level in 0...mlx_best_level() {
                runs.append(KernelRun(device: own, level: level, threads: 1))
                runs.append(KernelRun(device: fine, level: level, threads: 1))
                runs.append(KernelRun(device: fine, level: level, threads: 2))
            }
            for layout in KernelLayout.allCases.dropFirst() {
                runs.append(
                    KernelRun(device: own, level: mlx_best_level(), threads: 1, layout: layout))
            }
            return runs.map { (kernel, $0) }
        }
    }

    @Test("rows without a formula are those that are listed") func exemptionsMatch() throws {
        let missing = try OpTable.rows.filter { try !hasReference($0) }.map(\.name)
        #expect(Set(missing) == Set(Self.exemptions.keys))
    }

    private func hasReference(_ row: OpRow) throws -> Bool {
        try row.samples.samples().contains { sample in
            for dtype in DType.allCases {
                guard let item = try ConformanceCase(row, sample, dtype, seed: 1) else { continue }
                if item.reference != nil { return true }
            }
            return false
        }
    }

    @Test("kernels agree with the reference, whatever runs them", arguments: rowNames)
    func kernels(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        let runs = Self.runs(row)
        var count = 0
        for (number, sample) in row.samples.samples().enumerated() {
            for dtype in DType.allCases {
                let seed = UInt64(number * 100) + UInt64(dtype.rawValue)
                guard let item = try ConformanceCase(row, sample, dtype, seed: seed) else {
                    continue
                }
                count += 1
                try check(item, item.reference, runs)
            }
        }
        #expect(count > 0, "\(name) was never run")
    }

    private func check(
        _ item: ConformanceCase, _ wanted: Tensor?, _ runs: [(Kernel, KernelRun)]
    ) throws {
        let stored = try KernelLayout.allCases.map { try item.stored($0) }
        let out = try StoredTensor(item.blank, item.output)
        // Bytes that are known to be right need not be looked at again.
        var (known, alone): ([UInt8]?, [UInt8]) = (nil, [])
        for (kernel, run) in runs {
            out.scramble()
            try run.call(kernel, stored[run.layout.rawValue], into: out, item.attributes)
            let bytes = out.bytes
            let what = "\(item.description) on \(run.description)"
            if let wanted, bytes != known, item.compare(out.tensor, wanted, what) { known = bytes }
            if run.threads == 1 {
                alone = bytes
            } else if bytes != alone {
                Issue.record("\(what): other bits than with one thread")
            }
        }
    }

    @Test("elementwise loops agree with the reference at every level", arguments: elementwise)
    func loops(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        let function = try #require(row.elementwise)
        for (number, sample) in row.samples.samples().enumerated() {
            for dtype in DType.allCases where !dtype.isHalf {
                let seed = UInt64(number * 100) + UInt64(dtype.rawValue)
                guard let item = try ConformanceCase(row, sample, dtype, seed: seed),
                    let wanted = item.reference
                else { continue }
                for level in 0...mlx_best_level() {
                    mlx_override_level(level)
                    defer { mlx_override_level(-1) }
                    let type = Int32(item.types.last!.rawValue)
                    guard let loop = mlx_elementwise_fn(function, type) else {
                        Issue.record("\(item.description): no loop")
                        continue
                    }
                    let inputs = try item.spread()
                    let out = try StoredTensor(item.blank, item.output)
                    let pointers = inputs.map { UnsafeRawPointer($0.operand.pointer) }
                    loop(
                        out.operand.pointer, pointers[0], pointers.count > 1 ? pointers[1] : nil,
                        pointers.count > 2 ? pointers[2] : nil, wanted.values.count)
                    item.compare(out.tensor, wanted, "\(item.description) at level \(level)")
                }
            }
        }
    }

    static let elementwise = OpTable.rows.filter { $0.elementwise != nil }.map(\.name)
}
