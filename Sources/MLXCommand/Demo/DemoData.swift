import Foundation
import MLX
import MLXBase
import MLXData

/// The demo's digits: batches in an order drawn from a seed, each image shifted by up to one
/// pixel. All randomness comes from the seed, none from the machine.
struct DemoData {
    let training: Digits
    let test: Digits
    private let padded: MLXArray
    private let labels: MLXArray
    private var random: SplitMix64
    let batchSize = 64

    /// - Parameter permutesLabels: train on labels in random order, from which nothing can be
    ///   learned.
    init(_ digits: Digits, seed: UInt64, permutesLabels: Bool) throws {
        training = digits.training
        test = digits.test
        random = SplitMix64(seed: seed)
        padded = MLX.padded(training.images, widths: [0, 1, 1, 0])
        var labels = training.labels.asArray(Int32.self)
        if permutesLabels { labels.shuffle(using: &random) }
        self.labels = MLXArray(labels)
        try checkedEval(padded, self.labels)
    }

    var batchCount: Int { (training.count + batchSize - 1) / batchSize }

    /// One epoch: every image once, the last batch with what is left.
    mutating func epoch() -> [(images: MLXArray, labels: MLXArray)] {
        let order = (0..<training.count).map(Int32.init).shuffled(using: &random)
        return stride(from: 0, to: order.count, by: batchSize).map { start in
            let members = MLXArray(Array(order[start..<min(start + batchSize, order.count)]))
            return (shifted(members), labels[members])
        }
    }

    /// Images moved by up to one pixel, each on its own.
    private mutating func shifted(_ members: MLXArray) -> MLXArray {
        let count = members.dim(0)
        func offsets() -> MLXArray {
            MLXArray((0..<count).map { _ in Int32(random.next() % 3) }, [count, 1, 1])
        }
        let rows = offsets() + MLXArray(0..<8, [1, 8, 1])
        let columns = offsets() + MLXArray(0..<8, [1, 1, 8])
        return padded[members.reshaped(count, 1, 1), rows, columns]
    }
}
