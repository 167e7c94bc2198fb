import Foundation
import MLX
import Testing

/// The memory that users see: counters, limits, and what happens when a program falls silent.
@Suite("Memory", .serialized) struct MemoryTests {
    @Test("kept memory goes back to the system when nothing is computed any more")
    func idleDecay() async throws {
        func compute() { for _ in 0..<4 { eval(MLXArray.ones([4 << 20]) + 1) } }
        compute()
        for _ in 0..<40 where Memory.cacheMemory > 8 << 20 {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(Memory.cacheMemory <= 8 << 20)
    }

    @Test("an allocation beyond the limit is an error, and later ones work") func limit()
        async throws
    {
        let huge = MLXArray.zeros([1 << 40])
        let error = await #expect(throws: ArrayError.self) { try await evaluate(huge) }
        #expect(error?.kind == .memory || error?.kind == .limit)
        #expect(try await (MLXArray([1, 2] as [Float]) + 1).values(Float.self) == [2, 3])
    }

    @Test("snapshots count active memory") func snapshots() {
        // Other tests allocate and free meanwhile: only what is held here is certain.
        let x = MLXArray.ones([1 << 20])
        eval(x)
        let now = Memory.snapshot()
        #expect(now.activeMemory >= 4 << 20)
        #expect(now.peakMemory >= now.activeMemory)
        #expect(now.delta(now).activeMemory == 0)
        withExtendedLifetime(x) {}
    }
}
