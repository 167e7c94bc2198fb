import ArgumentParser
import Foundation
import MLXBase
import MLXMemory

/// The command line: what a user runs before writing any Swift.
struct MLXCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mlx",
        abstract: "MLX for Linux: lazy arrays on three device actors.",
        version: Version.number,
        subcommands: [
            DemoCommand.self, DoctorCommand.self, OpsCommand.self, OpCommand.self,
            InspectCommand.self, ConvertCommand.self, TokenizeCommand.self, EmbedCommand.self,
            PerplexityCommand.self,
            LogitsCommand.self, GenerateCommand.self, TrainCommand.self,
            FuzzCommand.self, BenchCommand.self, ReloadCommand.self, DirectSGEMMCommand.self,
            ProcessCommand.self,
        ])
}

/// Runs the command and ends with status 0, 1 for bad input, or 2 for bad usage.
@main
enum Main {
    static func main() async {
        // A reader that has seen enough closes the pipe; writing then fails, and does not kill.
        signal(SIGPIPE, SIG_IGN)
        ThreadStacks.ensure()
        do {
            var command = try MLXCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        let code = MLXCommand.exitCode(for: error)
        let message = MLXCommand.fullMessage(for: error)
        if code == .success {
            print(message)
        } else if !message.isEmpty {
            FileHandle.standardError.write(Data((message + "\n").utf8))
        }
        exit(code == .validationFailure ? 2 : code.rawValue)
    }
}
