import CMLXKernels
import MLX
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps
import Testing

/// Every kernel that a row names, against the row's reference: for each device that runs it, at each
/// instruction-set level that the machine has, with one thread and with two, with the device's own
/// chunks and with very small ones, in every dtype that the row takes.
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
        "svd": "LinalgTests: vectors have any sign, so products are compared",
        "svdvals": "LinalgTests: against svd",
        "view": "GoldenTests: bits of another dtype",
    ]

    /// Rows with kernels. Windows onto their input have one only for where they must copy.
    static let rowNames = OpTable.rows.filter { !$0.isElementwise && !$0.isView }.map(\.name)

    private static let tiny = Grain(
        byteCount: 64, tapeElements: 16, tapeBlocks: .max, queryPanels: 1, keyBlock: 16,
        loadByteCount: 64)

    /// Each way to run a row: the device's own way, another grain, other threads, other levels.
    private static func runs(_ row: OpRow) -> [(Kernel, KernelRun)] {
        DeviceKind.allCases.flatMap { kind -> [(Kernel, KernelRun)] in
            guard let kernel = row.kernel(for: kind) else { return [] }
            let own = kind.traits
            let fine = DeviceTraits(name: own.name, products: own.products, grain: tiny)
            return (0...mlx_best_level()).flatMap { level -> [(Kernel, KernelRun)] in
                [own, fine].flatMap { device in
                    [1, 2].map {
                        (kernel, KernelRun(device: device, level: level, threads: $0))
                    }
                }
            }
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
        for layout in KernelLayout.allCases {
            let inputs = try item.stored(layout)
            var alone: [UInt8] = []
            for (kernel, run) in runs {
                // Layouts are the driver's business, not the inner loops'.
                if layout != .rowMajor && run.level != mlx_best_level() { continue }
                var run = run
                run.layout = layout
                let out = try StoredTensor(item.blank, item.output)
                try run.call(kernel, inputs, into: out, item.attributes)
                let what = "\(item.description) on \(run.description)"
                if let wanted { item.compare(out.tensor, wanted, what) }
                if run.threads == 1 {
                    alone = out.bytes
                } else {
                    let isSame = out.bytes == alone
                    #expect(isSame, "\(what): other bits than with one thread")
                }
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
