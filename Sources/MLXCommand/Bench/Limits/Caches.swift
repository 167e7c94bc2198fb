import Foundation

/// How much the caches hold, as the system says.
struct Caches {
    /// Bytes by level of one core's, in order: first-level data, second, third.
    private let byteCounts: [Int]
    private let coreCount: Int

    static func ofThisMachine(coreCount: Int) -> Caches {
        var byteCounts = [32 << 10, 1 << 20, 32 << 20]
        for index in 0..<8 {
            let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
            guard let level = text(folder + "level").flatMap({ Int($0) }), 1...3 ~= level,
                text(folder + "type") != "Instruction",
                let size = text(folder + "size").flatMap(byteCount)
            else { continue }
            byteCounts[level - 1] = size
        }
        return Caches(byteCounts: byteCounts, coreCount: coreCount)
    }

    private static func text(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmed
    }

    /// 48K, 2M.
    private static func byteCount(_ text: String) -> Int? {
        let units = ["K": 10, "M": 20, "G": 30]
        guard let shift = text.last.flatMap({ units[String($0)] }) else { return Int(text) }
        return Int(text.dropLast()).map { $0 << shift }
    }

    /// What all cores together walk through to be served by one level, smallest first: half of the
    /// first and of the second level, an eighth of the third unless the second holds that, and
    /// more than all of it.
    var footprints: [(name: String, byteCount: Int)] {
        let second = byteCounts[1] * coreCount
        let third = Swift.min(Swift.max(4 * second, byteCounts[2] / 8), byteCounts[2] / 2)
        let shared = third > second ? [("L3", third)] : []
        return [("L1", byteCounts[0] * coreCount / 2), ("L2", second / 2)] + shared
            + [("cold", coldByteCount)]
    }

    /// Twice what the last level holds, and half a gigabyte at least.
    var coldByteCount: Int { Swift.max(512 << 20, 2 * byteCounts[2]) }
}
