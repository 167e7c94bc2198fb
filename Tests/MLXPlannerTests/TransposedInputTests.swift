import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

/// Large transposed inputs of tapes are copied by the kernel that transposes.
@Suite("Transposed inputs") struct TransposedInputTests {
    @Test("The copy of a large transposed array is a kernel, that of a small one a tape")
    func loneCopy() throws {
        let large = try plan([contiguous(leaf([256, 512]).T)])
        try expectGolden(large.description, "transposed-copy")
        #expect(large.steps.map(\.kind) == [.kernel])
        let small = try plan([contiguous(leaf([64, 64]).T)])
        #expect(small.steps.map(\.kind) == [.tape(0)])
    }

    @Test("Tapes on one stream share the copy of what both read")
    func shared() throws {
        let turned = leaf([256, 512]).T
        let sums = sum(exp(turned) * 2, axis: 1)
        let plan = try plan([turned + leaf([512, 256]), sums])
        try expectGolden(plan.description, "transposed-inputs")
        #expect(plan.names.count { $0 == "broadcast_to" } == 1)
    }

    @Test("Each stream has a copy of its own")
    func streams() throws {
        let turned = leaf([256, 512]).T
        let plan = try plan([add(turned, 1, stream: .cpu), multiply(turned, 2, stream: .gpu)])
        #expect(plan.names.count { $0 == "broadcast_to" } == 2)
    }

    @Test("What is repeated, or lies side by side, is read as it is")
    func untouched() throws {
        let repeated = broadcast(leaf([1, 512]), to: [512, 512]).T
        #expect(try plan([repeated + 1]).names == ["add"])
        let rows = leaf([512, 1024])[0..., ..<512]
        #expect(try plan([rows + 1]).names == ["add"])
        let swapped = leaf([16, 128, 8, 64]).transposed(0, 2, 1, 3)
        #expect(try plan([swapped + 1]).names == ["add"])
    }

    @Test("The gradient of a layer's weights is one product, which lies as the weights do")
    func weightGradient() throws {
        let (x, weights) = (leaf([16, 128, 256]), leaf([512, 256]))
        let gradient = grad { (w: MLXArray) in sum(exp(matmul(x, w.T))) }(weights)
        let names = try plan([weights - 0.1 * gradient]).names
        #expect(names.count { $0 == "matmul" } == 2)
        #expect(!names.contains("broadcast_to") && !names.contains("sum"), "\(names)")
    }
}
