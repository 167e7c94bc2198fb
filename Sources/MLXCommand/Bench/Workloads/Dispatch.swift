import MLX

/// Many small operations: what recording, planning and starting them costs.
extension PeerWorkloads {
    static let dispatch: [PeerWorkload] = [chain(1), chain(16), independent, derivative]

    private static func chain(_ count: Int) -> PeerWorkload {
        PeerWorkload(
            name: "chain1000_\(count)", metric: .microsecondsPerOperation, work: 1000,
            flops: 1000 * Double(count), bytes: 8 * Double(count)
        ) { _ in
            let start = MLXArray.zeros([count])
            try checkedEval(start)
            return {
                var x = start
                for _ in 0..<1000 { x = x + 1 }
                try checkedEval(x)
            }
        }
    }

    private static let independent = PeerWorkload(
        name: "indep1000_add_64x64", metric: .microsecondsPerOperation, work: 1000,
        flops: 1000 * 4096, bytes: 1000 * 2 * 4 * 4096
    ) { _ in
        let xs = try (0..<1000).map { _ in try Inputs.normal(64, 64) }
        let y = try Inputs.normal(64, 64)
        return { try checkedEval(xs.map { $0 + y }) }
    }

    /// The derivative of a chain of a hundred operations on one number.
    private static let derivative = PeerWorkload(
        name: "autograd_100ops", metric: .microseconds, work: 1, flops: 25 * 8, bytes: 8
    ) { _ in
        let gradient = grad { (x: MLXArray) -> MLXArray in
            var y = x
            for _ in 0..<25 { y = sin(y) * 1.01 + 0.1 * y }
            return y
        }
        let x = MLXArray(0.5 as Float)
        return { try checkedEval(gradient(x)) }
    }
}
