import Foundation
import MLX
import MLXGraph
import MLXOps

/// Compares each device with arithmetic done here, in double precision and one element at a time.
enum SelfCheck {
    private static let size = 48

    static func run() throws -> [MachineReport.Check] {
        try [Device.cpu, .gpu].flatMap { device in
            [try product(on: device), try elementwise(on: device), try sum(on: device)]
        } + [try int8Product()]
    }

    private static func inputs() -> (a: [Float], b: [Float]) {
        let count = size * size
        return (
            (0..<count).map { Float(sin(Double($0) * 0.37)) },
            (0..<count).map { Float(cos(Double($0) * 0.11)) }
        )
    }

    private static func matrix(_ values: [Float]) -> MLXArray { MLXArray(values, [size, size]) }

    private static func check(
        _ device: String, _ what: String, _ got: [Float], _ wanted: [Double], _ bound: Double
    ) -> MachineReport.Check {
        var largest = got.count == wanted.count ? 0.0 : Double.infinity
        for (x, y) in zip(got, wanted) { largest = Swift.max(largest, Swift.abs(Double(x) - y)) }
        return .init(
            device: device, what: what, largestError: largest, passed: largest <= bound)
    }

    private static func reference(_ a: [Float], _ b: [Float]) -> [Double] {
        var result = [Double](repeating: 0, count: size * size)
        for i in 0..<size {
            for k in 0..<size {
                for j in 0..<size {
                    result[i * size + j] += Double(a[i * size + k]) * Double(b[k * size + j])
                }
            }
        }
        return result
    }

    private static func product(on device: Device) throws -> MachineReport.Check {
        let (a, b) = inputs()
        let c = matmul(matrix(a), matrix(b), stream: .device(device))
        try checkedEval(c)
        return check(
            device.deviceType!.rawValue, "matrix product", c.asArray(Float.self),
            reference(a, b), 1e-4)
    }

    private static func elementwise(on device: Device) throws -> MachineReport.Check {
        let (a, b) = inputs()
        let y = Device.withDefaultDevice(device) {
            exp(matrix(a)) * matrix(b) + tanh(matrix(a))
        }
        try checkedEval(y)
        let wanted = zip(a, b).map { exp(Double($0)) * Double($1) + tanh(Double($0)) }
        return check(
            device.deviceType!.rawValue, "fused elementwise", y.asArray(Float.self), wanted, 1e-5)
    }

    private static func sum(on device: Device) throws -> MachineReport.Check {
        let (a, _) = inputs()
        let y = matrix(a).sum(stream: .device(device))
        try checkedEval(y)
        return check(
            device.deviceType!.rawValue, "sum", y.asArray(Float.self),
            [a.reduce(0.0) { $0 + Double($1) }], 1e-3)
    }

    /// The bound is the rounding of activations and weights to 8 bits.
    private static func int8Product() throws -> MachineReport.Check {
        let (a, b) = inputs()
        let scale = Float(1.0 / 127)
        let weights = b.map { Int8(($0 / scale).rounded()) }
        let y = Ops.record(
            .int8Matmul,
            [
                matrix(a), MLXArray(weights, [size, size]),
                MLXArray([Float](repeating: scale, count: size)),
            ], stream: StreamID(.npu, lane: 0))
        try checkedEval(y)
        var transposed = [Float](repeating: 0, count: size * size)
        for i in 0..<size {
            for j in 0..<size { transposed[i * size + j] = Float(weights[j * size + i]) * scale }
        }
        return check(
            "npu", "int8 product", y.asArray(Float.self), reference(a, transposed),
            Double(size) / 254 * 1.1)
    }
}
