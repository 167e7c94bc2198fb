import CMLXKernels
import Foundation

/// `mlx bench limits`: the arithmetic of each level that the machine has and walks through memory,
/// on one core and on all, as figures.
struct LimitFigures {
    let limits: MachineLimits

    private struct Row {
        var name: String
        var unit: String
        var rate: () -> Double
    }

    private var rows: [Row] { arithmetic + memory }

    private var coreCounts: [Int] {
        limits.cpus.count > 1 ? [1, limits.cpus.count] : [1]
    }

    private var arithmetic: [Row] {
        MachineLimits.peaks.flatMap { peak in
            coreCounts.map { cores in
                let dtype = String(cString: peak.dtype)
                return Row(
                    name: "peak_\(dtype)_\(String(cString: peak.means))_\(suffix(cores))",
                    unit: dtype == "i8" ? "GOP/s" : "GFLOP/s",
                    rate: { limits.rate(peak, cores: cores) / 1e9 })
            }
        }
    }

    private var memory: [Row] {
        limits.caches.footprints.flatMap { footprint in
            MachineLimits.streams.flatMap { stream in
                coreCounts.map { cores in
                    // One core walks through its share, so that the same cache serves it.
                    let bytes = footprint.byteCount * cores / limits.cpus.count
                    let name = String(cString: stream.name)
                    return Row(
                        name: "mem_\(name)_\(stream.streams)_\(footprint.name)_\(suffix(cores))",
                        unit: "GB/s",
                        rate: {
                            limits.rate(
                                stream, cores: cores,
                                byteCount: footprint.name == "cold" ? footprint.byteCount : bytes)
                                / 1e9
                        })
                }
            }
        }
    }

    private func suffix(_ cores: Int) -> String { cores == 1 ? "1core" : "\(cores)cores" }

    var names: [String] { rows.map(\.name) }

    func print(matching pattern: Regex<AnyRegexOutput>, json: Bool) {
        for row in rows where row.name.firstMatch(of: pattern) != nil {
            var figure = Figure(workload: row.name, value: row.rate(), unit: row.unit, count: 1)
            figure.peer = "limit"
            Swift.print(figure.line(json: json))
            fflush(nil)
        }
    }
}
