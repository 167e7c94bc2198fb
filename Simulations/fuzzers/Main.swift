import ArgumentParser
import Foundation
import MLXBase

// Hostile input of one kind after the other. With `-DLIBFUZZER`, as `Scripts/fuzz` builds it,
// LLVM's libFuzzer chooses the input by the code that runs; otherwise a loop here damages the
// corpus blindly. Either way an input is handled without a crash, or the process ends and leaves it
// behind.

#if LIBFUZZER
    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<Int32>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
    ) -> Int32
#endif

@main enum Main {
    static func main() {
        FuzzTarget.prepare()
        #if LIBFUZZER
            var count = CommandLine.argc
            var arguments = CommandLine.unsafeArgv
            guard FuzzTarget.chosen != nil else {
                FuzzCommand.exit(withError: ValidationError("MLX_FUZZ_TARGET names no target"))
            }
            exit(
                runDriver(&count, &arguments) { bytes, count in
                    FuzzTarget.chosen!.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
                    return 0
                })
        #else
            FuzzCommand.main()
        #endif
    }
}

/// Damages a corpus without watching what runs: for machines whose toolchain lacks libFuzzer, and
/// to look at one input again.
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzzers", abstract: "Handle hostile input of one kind.")

    @Argument(help: "What is read: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")).")
    var target: FuzzTarget
    @Argument(help: "Files, or folders of files, to begin with.") var inputs: [String] = []
    @Option(help: "How many inputs are tried; 0 only reads those that are given.") var runs = 0
    @Option(help: "Where the generator begins.") var seed: UInt64 = 1
    @Option(help: "Where the input is kept while it is handled.") var artifact = "fuzz-input"

    func run() throws {
        var corpus = try inputs.flatMap(FuzzCommand.files)
        for input in corpus { target.run(input) }
        if corpus.isEmpty { corpus = [[]] }
        var generator = SplitMix64(seed: seed)
        for _ in 0..<runs {
            var input = corpus[generator.below(corpus.count)]
            let other = corpus[generator.below(corpus.count)]
            for _ in 0...generator.below(4) { Damage.apply(&input, other, &generator) }
            try Data(input).write(to: URL(fileURLWithPath: artifact))
            target.run(input)
        }
        try? FileManager.default.removeItem(atPath: artifact)
        print("Done \(runs) runs")
    }

    private static func files(_ path: String) throws -> [[UInt8]] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw ValidationError("there is no '\(path)'")
        }
        let paths =
            isFolder.boolValue
            ? try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .map { path + "/" + $0 } : [path]
        return try paths.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
    }
}

extension FuzzTarget: ExpressibleByArgument {}
