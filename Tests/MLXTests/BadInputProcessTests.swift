import Foundation
import MLX
import MLXGraph
import Testing

/// What can only be seen in a process of its own: that one ends with the message, that bad input
/// leaves no graph nodes and no memory behind, and limits that hold for the whole process.
@Suite("Bad input, in processes") struct BadInputProcessTests {
    private static func readInvalid() {
        let bad = MLXArray([1, 2] as [Float]) + MLXArray([1, 2, 3] as [Float])
        _ = bad.item(Float.self)
    }

    @Test("outside withError a blocking read of an invalid array ends the process")
    func ends() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            BadInputProcessTests.readInvalid()
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("Shapes (2) and (3) cannot be broadcast"))
        #expect(text.contains("BadInputProcessTests.swift"))
    }

    @Test("bad input leaves no nodes and no memory behind") func leaks() async {
        // Draws have keys: the implicit random state grows until somebody evaluates a draw.
        await #expect(processExitsWith: .success) {
            // The first round fills what is kept for good: plans and streams.
            await BadInputProcessTests.round(BadInput.all)
            var grown: [String] = []
            for bad in BadInput.all {
                let (nodes, bytes) = (GraphStore.shared.liveCount, Memory.activeMemory)
                await BadInputProcessTests.round([bad, bad, bad])
                let more = (GraphStore.shared.liveCount - nodes, Memory.activeMemory - bytes)
                if more != (0, 0) { grown.append("\(bad.testDescription): \(more)") }
            }
            #expect(grown == [])
        }
    }

    /// Every call once by the async and once by the blocking API; both must throw.
    private static func round(_ calls: [BadInput]) async {
        for bad in calls {
            do {
                try await evaluate(bad.call())
                exit(EXIT_FAILURE)
            } catch {}
            do {
                try withError { eval(bad.call()) }
                exit(EXIT_FAILURE)
            } catch {}
        }
    }

    @Test("D.2 25: an allocation beyond the memory limit is an error") func limit() async {
        await #expect(processExitsWith: .success) {
            eval(zeros([16]))
            Memory.memoryLimit = Memory.activeMemory + (64 << 20)
            do {
                try await evaluate(arange(64 << 20, dtype: .float32) + 1)
                exit(1)
            } catch let error as ArrayError where error.kind == .memory {
            } catch {
                exit(2)
            }
            do {
                try withError { eval(exp(arange(64 << 20, dtype: .float32))) }
                exit(3)
            } catch {}
            let sum = try await (arange(1 << 20, dtype: .float32) * 0 + 1).sum().value(Float.self)
            if sum != Float(1 << 20) { exit(4) }
        }
    }
}
