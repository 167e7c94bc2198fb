import Foundation
import MLXPlanner
import Testing

/// `mlx doctor`: `--kernels` names every level, and those of this machine are right; `--platform`
/// writes what the scheduling lab reads.
@Suite struct DoctorTests {
    @Test func kernelsAreRightAtEveryLevel() throws {
        let command = try Command("doctor", "--kernels")
        #expect(command.status == 0, "\(command.output)\(command.errors)")
        let lines = command.output.split(separator: "\n")
        for level in ["baseline", "avx2", "avx512", "avx512bf16", "amx"] {
            let line = lines.first { $0.contains(" \(level): ") }
            #expect(line.map { $0.hasSuffix("ok") || $0.hasSuffix("has it not") } == true)
        }
        #expect(lines.first { $0.contains(" baseline: ") }?.hasSuffix("ok") == true)
    }

    @Test func theMachineAsAPlatform() throws {
        let command = try Command("doctor", "--platform", "--name", "here")
        #expect(command.status == 0, "\(command.output)\(command.errors)")
        let platform = try JSONDecoder().decode(Platform.self, from: Data(command.output.utf8))
        #expect(platform.problem == nil && platform.name == "here")
        #expect(platform.devices.map(\.device) == DeviceType.allCases)
        #expect(try Command("doctor", "--name", "here").status != 0)
    }
}
