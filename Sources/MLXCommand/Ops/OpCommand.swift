import ArgumentParser
import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps

/// `mlx op`: runs one row of the op table on arrays from files, so that anyone can hold it against
/// NumPy or MLX.
struct OpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "op", abstract: "Run one operation of the op table on .npy files.",
        discussion: """
            mlx op sum --in x.npy --attributes '{"axes": [0], "keepDims": true}' --out y.npy
            'mlx ops' lists the operations and their attributes.
            """)

    @Argument(help: "The operation's name.") var name: String
    @Option(name: .customLong("in"), parsing: .upToNextOption, help: "Arrays, in order.")
    var inputs: [String] = []
    @Option(help: "A JSON object of attributes by name.") var attributes = "{}"
    @Option(help: "cpu, gpu or npu; the scheduling policy chooses otherwise.")
    var device: String?
    @Option(help: "Where the result goes.") var out: String

    func validate() throws {
        if OpTable.find(name: name) == nil {
            throw ValidationError("there is no operation '\(name)'; 'mlx ops' lists them")
        }
        if let device, DeviceType(rawValue: device) == nil {
            throw ValidationError("there is no device '\(device)': cpu, gpu or npu")
        }
    }

    func run() async throws {
        let row = OpTable.find(name: name)!
        let arrays = try inputs.map { try loadArray(url: URL(fileURLWithPath: $0)) }
        let attributes = try AttributeText.attributes(self.attributes, of: row)
        let record = { Ops.record(row.code, arrays, attributes) }
        let result =
            device.flatMap(DeviceType.init).map { type in
                Device.withDefaultDevice(Device(type), record)
            } ?? record()
        try await evaluate(result)
        try save(array: result, url: URL(fileURLWithPath: out))
        print("\(row.name): \(result.dtype) \(Shape.describe(result.shape)) -> \(out)")
    }
}
