import Testing

/// `mlx doctor --kernels`: every level is named, and those of this machine are right.
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
}
