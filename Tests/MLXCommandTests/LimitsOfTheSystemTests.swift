import Foundation
import MLX
import Testing

/// What `ulimit` leaves a process with: an error or less speed, never a signal.
@Suite("Limits of the system") struct SystemLimitTests {
    @Test(
        "few files and short stacks are errors at worst",
        arguments: ["-n 8", "-n 32", "-s 64", "-s 256", "-v 4000000"])
    func limits(limit: String) throws {
        try withFolder { folder in
            let input = folder.appendingPathComponent("x.npy")
            try save(array: MLXArray.ones([64, 64]), url: input)
            for operation in ["matmul", "sort", "svdvals"] {
                let out = folder.appendingPathComponent("y.npy").path
                let inputs = operation == "matmul" ? [input.path, input.path] : [input.path]
                let result = try Command(
                    limit: limit,
                    ["op", operation, "--in"] + inputs + ["--out", out])
                #expect([0, 1].contains(result.status), "\(limit), \(operation): \(result.errors)")
            }
        }
    }
}
