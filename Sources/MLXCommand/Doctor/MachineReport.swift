import CMLXKernels
import COpenBLAS
import Foundation
import MLX
import MLXGraph
import MLXKernels
import MLXMemory
import MLXOps
import MLXRuntime

/// Everything `mlx doctor` prints, as one value.
struct MachineReport: Codable {
    struct Node: Codable {
        var id: Int
        var cpus: [Int]
        var memoryBytes: Int
    }

    struct Team: Codable {
        var number: Int
        var threads: Int
        var devices: [String]
    }

    struct Device: Codable {
        var name: String
        var team: Int
        var kernels: Int
        var does: String
    }

    struct Check: Codable {
        var device: String
        var what: String
        var largestError: Double
        var passed: Bool
    }

    var usableCPUs: [Int]
    var onlineCPUs: Int
    var cgroupThreads: Int
    var instructionSets: [String]
    var instructionSetInUse: String
    var nodes: [Node]
    var topology: String
    var teams: [Team]
    var devices: [Device]
    var blas: String
    var memoryLimitBytes: Int
    var cacheLimitBytes: Int
    var policy: String
    var calibration: String
    var refusals: [String]
    var checks: [Check]

    static func make(checks: [Check]) throws -> MachineReport {
        let engine = Runtime.engine
        prepareOpenBLAS()
        let topology = engine.topology
        let levels = (0..<Int32(MLX_LEVEL_COUNT.rawValue)).map {
            String(cString: mlx_level_name($0))
        }
        return MachineReport(
            usableCPUs: topology.usableCPUs, onlineCPUs: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
            cgroupThreads: topology.threadCount,
            instructionSets: Array(levels.prefix(Int(mlx_best_level()) + 1))
                + (mlx_has_vnni() ? ["avx512-vnni"] : [])
                + (mlx_has_int8_tiles() ? ["amx-int8"] : []),
            instructionSetInUse: levels[Int(mlx_level())],
            nodes: topology.nodes.map {
                Node(id: $0.id, cpus: $0.cpus, memoryBytes: $0.memoryByteCount)
            },
            topology: topology.kind.rawValue, teams: teams(engine), devices: devices(engine),
            blas: String(cString: openblas_get_config()).trimmed,
            memoryLimitBytes: Memory.memoryLimit, cacheLimitBytes: Memory.cacheLimit,
            policy: engine.withScheduler { $0.policy.name },
            calibration: calibration(engine),
            refusals: engine.refusals.all.map { "\($0)" }, checks: checks)
    }

    private static func calibration(_ engine: Engine) -> String {
        let environment = Runtime.Environment()
        return switch Calibration.source(environment, for: engine) {
        case .file(let file): file.path
        case .model: "\(environment.calibration ?? "typical") (a made-up machine)"
        }
    }

    private static func teams(_ engine: Engine) -> [Team] {
        engine.teams.enumerated().map { number, team in
            Team(
                number: number, threads: team.width,
                devices: DeviceKind.allCases.filter {
                    engine.devices[$0.index].team === team
                }.map(\.name))
        }
    }

    private static func devices(_ engine: Engine) -> [Device] {
        return DeviceKind.allCases.map { kind in
            Device(
                name: kind.name,
                team: engine.teams.firstIndex { $0 === engine.devices[kind.index].team } ?? 0,
                kernels: OpTable.rows.count { $0.runs(on: kind) },
                does: "\(kind.traits.summary)")
        }
    }

    var text: String {
        var lines = [
            "cores       usable \(usableCPUs) of \(onlineCPUs) online, "
                + "\(cgroupThreads) threads (affinity, cgroup quota, MLX_THREADS)",
            "isa         \(instructionSets.joined(separator: " ")), in use: \(instructionSetInUse)",
        ]
        for node in nodes {
            lines.append(
                "node \(node.id)      cpus \(node.cpus), \(node.memoryBytes >> 20) MiB")
        }
        lines.append("topology    \(topology)")
        for team in teams {
            lines.append(
                "team \(team.number)      \(team.threads) threads: "
                    + team.devices.joined(separator: ", "))
        }
        for device in devices {
            lines.append(
                "device \(device.name)  team \(device.team), \(device.kernels) kernels: "
                    + device.does)
        }
        lines += [
            "blas        \(blas)",
            "memory      limit \(memoryLimitBytes >> 20) MiB, cache \(cacheLimitBytes >> 20) MiB",
            "policy      \(policy), calibration \(calibration)",
            "refused     " + (refusals.isEmpty ? "nothing" : refusals.joined(separator: "; ")),
        ]
        for check in checks {
            lines.append(
                "check       \(check.device) \(check.what): "
                    + "\(check.passed ? "ok" : "WRONG"), largest error \(check.largestError)")
        }
        return lines.joined(separator: "\n")
    }
}
