import Foundation
import MLX
import MLXOps
import MLXPlanner
import MLXRuntime
import Testing

/// The file that costs are kept in: written whole and once, read with suspicion, never put in the
/// place of something that is no file.
@Suite("Calibration") struct CalibrationTests {
    private let file = FileManager.default.temporaryDirectory
        .appendingPathComponent("calibration-\(UUID().uuidString).json")

    private func remove() { try? FileManager.default.removeItem(at: file) }

    @Test("what is written is read") func roundTrip() throws {
        defer { remove() }
        #expect(Calibration.read(file) == nil)
        for costs in [CostModel.typical, .random(seed: 4)] {
            try Calibration.write(costs, to: file, replacing: true)
            #expect(Calibration.read(file) == costs)
        }
    }

    @Test("the first of several processes keeps its figures") func once() throws {
        defer { remove() }
        try Calibration.write(.random(seed: 1), to: file, replacing: false)
        try Calibration.write(.random(seed: 2), to: file, replacing: false)
        #expect(Calibration.read(file) == .random(seed: 1))
        let directory = try FileManager.default.contentsOfDirectory(
            atPath: file.deletingLastPathComponent().path)
        #expect(!directory.contains { $0.hasPrefix(file.lastPathComponent + ".") })
    }

    @Test("a link to a file stays a link") func links() throws {
        let link = file.appendingPathExtension("link")
        defer {
            remove()
            try? FileManager.default.removeItem(at: link)
        }
        try Calibration.write(.typical, to: file, replacing: true)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
        try Calibration.write(.random(seed: 3), to: link, replacing: true)
        #expect(Calibration.read(file) == .random(seed: 3))
        let kind = try FileManager.default.attributesOfItem(atPath: link.path)[.type]
        #expect(kind as? FileAttributeType == .typeSymbolicLink)
    }

    @Test("broken, old and absurd files cannot be used") func broken() throws {
        defer { remove() }
        try Calibration.write(.typical, to: file, replacing: true)
        let good = try String(contentsOf: file, encoding: .utf8)
        for bad in [
            "", "{}", "[1]", #"{"rates": []}"#, String(good.dropLast(20)),
            good.replacingOccurrences(of: "\"version\" : 3", with: "\"version\" : 2"),
            good.replacingOccurrences(of: "\"matmul\" : 150", with: "\"matmul\" : -1"),
            good.replacingOccurrences(of: "\"sort\"", with: "\"order\""),
        ] {
            #expect(bad != good)
            try Data(bad.utf8).write(to: file)
            #expect(Calibration.read(file) == nil, "\(bad.prefix(40))")
        }
    }

    @Test("what is not a file is left alone") func devices() throws {
        let null = URL(fileURLWithPath: "/dev/null")
        #expect(Calibration.read(null) == nil)
        #expect(throws: ArrayError.self) {
            try Calibration.write(.typical, to: null, replacing: true)
        }
        let kind = try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type]
        #expect(kind as? FileAttributeType == .typeCharacterSpecial)
    }

    @Test("the environment names a file or a made-up machine") func sources() {
        func source(_ text: String?) -> Calibration.Source {
            var variables: [String: String] = [:]
            variables["MLX_CALIBRATION"] = text
            return Calibration.source(Runtime.Environment(variables), for: Runtime.engine)
        }
        #expect(source("typical") == .model(.typical))
        #expect(source("random:9") == .model(.random(seed: 9)))
        #expect(source("favouring:npu") == .model(.favouring(.npu)))
        #expect(source("/tmp/figures.json") == .file(URL(fileURLWithPath: "/tmp/figures.json")))
        guard case .file = source(nil) else {
            Issue.record("no file")
            return
        }
    }

    @Test("measuring gives every class a rate") func measuring() throws {
        let costs = try Calibration.measure(Runtime.engine)
        #expect(costs.isUsable)
        for device in [DeviceType.cpu, .gpu] {
            // LAPACK is the cpu's alone.
            for work in WorkClass.allCases where device == .cpu || work != .linearAlgebra {
                let rate = costs.rates[device == .cpu ? 0 : 1][work]
                #expect(rate != CostModel.typical.rates[device == .cpu ? 0 : 1][work], "\(work)")
            }
        }
    }
}
