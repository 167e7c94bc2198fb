import CMLXKernels
import MLXBase
import Testing

@testable import MLXKernels

/// Results must not depend on the order or thread that chunks run on: the same bits come out of a
/// serial walk, a shuffled one and one with stale memory in the thread's scratch.
@Suite struct DeterminismTests {
    private func expectSame(
        _ kernel: Kernel, _ dims: [Int], _ inputs: [TestArray], _ attributes: [Int],
        _ name: Comment, device: DeviceTraits
    ) throws {
        let serial = try run(
            kernel, dims, .float32, inputs, attributes, device: device, on: SerialFanOut())
        let shuffled = try run(kernel, dims, .float32, inputs, attributes, device: device)
        // Compared outside the macro, which would look for the shortest difference.
        let areSame = bits(serial) == bits(shuffled)
        #expect(areSame, name)
    }

    @Test(arguments: generalDevices)
    func orderOfChunksDoesNotMatter(device: DeviceTraits) throws {
        func noise(_ index: Int) -> Double { Double((index &* 2_654_435_761) % 1013) / 311 - 1.6 }
        let long = TestArray([300_000], .float32, noise)
        try expectSame(Kernels.reduction(MLX_SUM), [], [long], [1], "long sum", device: device)
        let tall = TestArray([5000, 40], .float32, noise)
        try expectSame(Kernels.reduction(MLX_SUM), [40], [tall], [1], "column sum", device: device)
        try expectSame(Kernels.softmax, [5000, 40], [tall], [2], "softmax", device: device)
        try expectSame(Kernels.softmax, [5000, 40], [tall], [1], "column softmax", device: device)
        let wide = TestArray([40, 300], .float32, noise)
        let left = TestArray([700, 40], .float32, noise)
        try expectSame(
            device.products.matmul, [700, 300], [left, wide], [], "matmul", device: device)
        let image = TestArray([2, 17, 19, 5], .float32, noise)
        let gradient = TestArray([2, 17, 19, 7], .float32, noise)
        let words = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
        try expectSame(
            Kernels.convWeightGradient, [7, 3, 3, 5], [image, gradient], words, "weight gradient",
            device: device)
    }
}
