import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

/// Typical graphs and the plans they get, as text. A change of any pass shows here as a difference
/// to be read; `Planning.swift` says how to record the texts anew.
@Suite("Golden plans") struct GoldenPlanTests {
    private let x = leaf([4, 8])

    private func check(
        _ name: String, _ roots: [MLXArray], _ planner: Planner = Planner(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = try plan(roots, planner).description
        try expectGolden(text, name, sourceLocation: sourceLocation)
        // Equal graphs have equal plans.
        #expect(try plan(roots, planner).description == text)
    }

    @Test func chain() throws { try check("chain", [exp(-x * 2) + 1]) }

    @Test func branch() throws {
        let common = exp(x)
        try check("branch", [sum(common * 2), max(common + 1, axis: 1)])
    }

    @Test func keptInside() throws {
        let inner = exp(x)
        try withExtendedLifetime(inner) { try check("kept-inside", [inner * 2]) }
    }

    @Test func broadcasts() throws {
        try check(
            "broadcast", [x + leaf([8]) * leaf([4, 1]), broadcast(leaf([1, 8]), to: [4, 8])])
    }

    @Test func windows() throws {
        let turned = x.transposed()
        try check(
            "windows", [turned[1..., 0..<2] + 1, turned.reshaped([32]), x.reshaped([2, 16])])
    }

    @Test func linear() throws { try check("matmul-bias", [matmul(x, leaf([8, 3])) + leaf([3])]) }

    @Test func perceptron() throws {
        let hidden = maximum(matmul(x, leaf([8, 16])) + leaf([16]), 0)
        try check("perceptron", [softmax(matmul(hidden, leaf([16, 5])) + leaf([5]), axis: -1)])
    }

    @Test func halves() throws {
        try check("halves", [leaf([6], .float16) * leaf([6], .bfloat16) + 1])
    }

    @Test func repeatedExpressions() throws {
        try check("repeated", [exp(x) + 1, exp(x) + 2, x.reshaped([4, 8])])
    }

    @Test func scratchIsReused() throws {
        var y = x
        for _ in 0..<4 { y = cumsum(y + 1, axis: 0) }
        try check("scratch", [y])
    }

    @Test func pinnedStreams() throws {
        let side = StreamID(.gpu, lane: 3)
        let a = Ops.unary(.exp, x, stream: side)
        let b = Ops.unary(.negative, a, stream: StreamID(.cpu, lane: 0))
        // The npu computes no exponential: it goes to a device that does.
        let c = Ops.unary(.exp, b, stream: StreamID(.npu, lane: 0))
        try check("pinned", [matmul(a, b.transposed()), c])
    }

    @Test func twoConvolutions() throws {
        let image = leaf([2, 12, 12, 8])
        func graph() -> [MLXArray] {
            [conv2d(image, leaf([16, 3, 3, 8])), conv2d(image, leaf([16, 3, 3, 8]))]
        }
        try check("convolutions-shared", graph())
        try check("convolutions-split", graph(), Planner(coreSets: CoreSet.split))
        let shared = try plan(graph())
        #expect(Set(shared.devices).count == 1)
        let split = try plan(graph(), Planner(coreSets: CoreSet.split))
        #expect(Set(split.devices) == [.cpu, .gpu])
    }
}
