import Glibc

/// What the control groups of this process allow: a share of processor time and an amount of
/// memory. Both versions of the interface are read, on the whole path from the root to the
/// process's own group, and the smallest limit counts. Files that are missing or make no sense
/// limit nothing.
package enum ControlGroup {
    /// Processor time in whole cores; nil without a quota.
    package static func cpuCount() -> Int? {
        folders(controller: "cpu").compactMap { folder, isUnified in
            if isUnified { return readText(folder + "/cpu.max").flatMap(parseCPUMax) }
            guard let quota = readText(folder + "/cpu.cfs_quota_us"),
                let period = readText(folder + "/cpu.cfs_period_us")
            else { return nil }
            return parseCPUQuota(quota, period: period)
        }.min()
    }

    /// Bytes of memory; nil without a limit.
    package static func memoryByteCount() -> Int? {
        folders(controller: "memory").compactMap { folder, isUnified in
            let name = isUnified ? "/memory.max" : "/memory.limit_in_bytes"
            return readText(folder + name).flatMap(parseMemory)
        }.min()
    }

    /// `cpu.max` of version 2: "150000 100000" or "max 100000".
    static func parseCPUMax(_ text: String) -> Int? {
        let fields = text.split { $0 == " " || $0 == "\n" }
        guard fields.count == 2 else { return nil }
        return parseCPUQuota(String(fields[0]), period: String(fields[1]))
    }

    /// The two files of version 1; a quota of -1 means none. A part of a core counts as one.
    static func parseCPUQuota(_ quota: String, period: String) -> Int? {
        guard let quota = number(quota), let period = number(period), quota > 0, period > 0
        else { return nil }
        return max(1, quota / period + (quota % period == 0 ? 0 : 1))
    }

    /// "max", or bytes; version 1 says a number near 2^63 for no limit.
    static func parseMemory(_ text: String) -> Int? {
        guard let count = number(text), count > 0, count < 1 << 60 else { return nil }
        return count
    }

    private static func number(_ text: String) -> Int? {
        text.split { $0 == " " || $0 == "\n" }.first.flatMap { Int($0) }
    }

    /// The groups that bear on this process, with whether each is of version 2.
    private static func folders(controller: String) -> [(path: String, isUnified: Bool)] {
        var folders: [(path: String, isUnified: Bool)] = []
        for line in (readText("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains(Substring(controller))
            else { continue }
            var path = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controller
            folders.append((path, isUnified))
            for part in fields[2].split(separator: "/") where part != ".." {
                path += "/" + part
                folders.append((path, isUnified))
            }
        }
        return folders
    }

    private static func readText(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        // Files of a few lines; what is longer is not one of them.
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[0..<count], as: UTF8.self)
    }
}
