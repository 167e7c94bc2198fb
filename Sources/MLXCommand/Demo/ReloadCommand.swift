import ArgumentParser
import Foundation
import MLX
import MLXData
import MLXNN

/// What the demo's second process does: loads the weights and says what they are and what they
/// predict.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-reload", abstract: "Load the demo's weights and predict.",
        shouldDisplay: false)

    @Argument(help: "A safetensors file.") var weights: String
    @Option(help: "An npz file with digits.") var data: String?

    struct Answer: Codable, Equatable {
        var digest: String
        var predictions: [Int]
    }

    func run() async throws {
        let parameters = try loadArrays(url: URL(fileURLWithPath: weights))
        let model = DigitsNet()
        try model.update(
            parameters: ModuleParameters.unflattened(parameters), verify: .all)
        model.train(false)
        let digits =
            try data.map { try Digits(contentsOf: URL(fileURLWithPath: $0)) }
            ?? Digits.bundled()
        let answer = Answer(
            digest: try WeightDigest.of(parameters),
            predictions: try await DemoTraining.predictions(model, digits.test.images))
        print(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
    }

    static func inSecondProcess(_ weights: URL, data: String?) throws -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["demo-reload", weights.path] + (data.map { ["--data", $0] } ?? [])
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(Answer.self, from: output)
    }
}

/// The SHA-256 of named weights: names in order, each followed by the bytes.
enum WeightDigest {
    static func of(_ parameters: [String: MLXArray]) throws -> String {
        try checkedEval(Array(parameters.values))
        var hash = SHA256()
        for (name, array) in parameters.sorted(by: { $0.key < $1.key }) {
            hash.update(name.utf8)
            hash.update(array.asData(access: .copy).data)
        }
        return hash.finish()
    }
}
