import MLX
import Testing

/// Replays what MLX computed: every case of the manifest must give the same shapes, dtypes and
/// values, within the case's bound. Where we differ on purpose the case stands in
/// `GoldenDifferences`, and must differ.
@Suite("Goldens from MLX") struct GoldenTests {
    @Test("values, shapes and dtypes are MLX's") func replay() throws {
        let goldens = try Goldens()
        let replay = GoldenReplay(goldens)
        #expect(goldens.cases.count > 1500)
        var differing: [String] = []
        for golden in goldens.cases where golden.op != "description" {
            let difference = try difference(golden, replay)
            if GoldenDifferences.reason(golden.name) != nil {
                if difference != nil { differing.append(golden.name) }
                // The prefix covers dtypes where both agree.
            } else if let difference {
                Issue.record("\(golden.name): \(difference)")
            }
        }
        for (prefix, _) in GoldenDifferences.reasons {
            #expect(differing.contains { $0.hasPrefix(prefix) }, "\(prefix) differs no more")
        }
    }

    private func difference(_ golden: GoldenCase, _ replay: GoldenReplay) throws -> String? {
        guard let results = replay.results(golden) else { return "the replay lacks \(golden.op)" }
        do { try checkedEval(results) } catch { return "\(error)" }
        guard results.count == golden.outputs.count else {
            return "\(results.count) results, not \(golden.outputs.count)"
        }
        let bound = GoldenBound(ulp: golden.ulp, isScaled: golden.scaled)
        for (result, name) in zip(results, golden.outputs) {
            let expected = try #require(replay.goldens.tensors[name])
            if let difference = bound.difference(result, expected) { return difference }
        }
        return nil
    }

    @Test("arrays print as in MLX") func printing() throws {
        let goldens = try Goldens()
        for golden in goldens.cases where golden.op == "description" {
            let text = a(goldens.operands(golden)[0]).description
            #expect(text == golden.outputs[0])
        }
    }
}
