import CMLXKernels
import Foundation
import MLX
import MLXMemory

/// Forks the process again and again while its workers evaluate. Each child evaluates what its
/// parent had recorded, small and large, blocking and in the background, and says by its status
/// what went wrong.
enum Forks {
    private static let patienceSeconds = 30.0

    /// Forks until the deadline, so many times a second.
    /// - Returns: how many children there were.
    static func run(perSecond: Double, until deadline: Date, _ ledger: Ledger) async -> Int {
        var count = 0
        while Date() < deadline {
            // Recorded before, evaluated after the fork.
            let small = MLXArray([1, 2, 3] as [Float]) + 1
            let large = matmul(MLXArray.ones([512, 512]), MLXArray.ones([512, 512]))
            let child = mlx_fork()
            if child == 0 { _exit(status(small, large)) }
            guard child > 0 else {
                ledger.violate("fork failed: \(errno)")
                return count
            }
            count += 1
            if let problem = await wait(for: child) {
                ledger.violate("child \(count) of a fork: \(problem)")
            }
            try? await Task.sleep(for: .seconds(1 / perSecond))
        }
        return count
    }

    /// What the child finds: 0 when all is right.
    private static func status(_ small: MLXArray, _ large: MLXArray) -> Int32 {
        if small.asArray(Float.self) != [2, 3, 4] { return 1 }
        if large[511, 511].item(Float.self) != 512 { return 2 }
        let background = MLXArray.ones([300, 300]) * 2
        asyncEval([background])
        if background.sum().item(Float.self) != 180_000 { return 3 }
        let random = MLXRandom.uniform(low: 0, high: 1, [1000])
        return random.max().item(Float.self) < 1 ? 0 : 4
    }

    private static func wait(for child: pid_t) async -> String? {
        let deadline = Date() + patienceSeconds
        var status: Int32 = 0
        while waitpid(child, &status, WNOHANG) == 0 {
            if Date() > deadline {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                return "did not end within \(patienceSeconds) s"
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
        if status == 0 { return nil }
        return status & 0x7F == 0 ? "found problem \(status >> 8)" : "signal \(status & 0x7F)"
    }
}
