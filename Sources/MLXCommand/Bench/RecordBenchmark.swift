import MLX

/// What the most used functions cost before anything is computed: each is recorded on one element
/// and dropped, a thousand times in a row.
enum RecordBenchmark {
    static func run() -> [Figure] {
        let one = MLXArray([0.5] as [Float])
        eval(one)
        return [
            measure("general_record_sum") { _ = sum(one) },
            measure("general_record_softmax") { _ = softmax(one, axis: -1) },
            measure("general_record_reshape") { _ = one.reshaped([1, 1]) },
            measure("general_record_matmul_1d") { _ = matmul(one, one) },
        ]
    }

    private static func measure(_ name: String, _ record: () -> Void) -> Figure {
        let (rounds, length) = (401, 1000)
        let time = Timing.median(rounds) {
            for _ in 0..<length { record() }
        }
        return Figure(workload: name, value: time / Double(length), unit: "ns", count: rounds)
    }
}
