import ArgumentParser
import Foundation
import MLX

/// `mlx doctor`: what the library found on this machine, what the system refused, and whether
/// each device computes correctly.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show the machine, the devices, and a self-check.")

    @Flag(help: "One JSON object.") var json = false
    @Flag(help: "Measure the devices anew and keep the figures that operations are placed by.")
    var calibrate = false
    @Flag(help: "Check the products at every instruction-set level that the machine has.")
    var kernels = false

    @Flag(help: "Write the machine as a platform of the scheduling lab, in JSON.")
    var platform = false
    @Option(help: "What --platform calls it; else it has the host's name.") var name: String?

    func validate() throws {
        if name != nil && !platform { throw ValidationError("--name belongs to --platform") }
    }

    func run() async throws {
        if kernels { return try checkKernels() }
        if platform {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let machine = PlatformReport.platform(named: name)
            return print(String(decoding: try encoder.encode(machine), as: UTF8.self))
        }
        if calibrate {
            let file = try Calibration.renew(Runtime.Environment(), for: Runtime.engine)
            FileHandle.standardError.write(Data("measured; kept in \(file.path)\n".utf8))
        }
        let report = try MachineReport.make(checks: SelfCheck.run())
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            print(report.text)
        }
        if !report.checks.allSatisfy(\.passed) { throw ExitCode(1) }
    }

    private func checkKernels() throws {
        let checks = try KernelCheck.all()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(checks), as: UTF8.self))
        } else {
            print(checks.map(\.line).joined(separator: "\n"))
        }
        if !checks.allSatisfy(\.wrong.isEmpty) { throw ExitCode(1) }
    }
}
