import ArgumentParser

/// The command line: what a user runs before writing any Swift.
@main
struct MLXCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mlx",
        abstract: "MLX for Linux: lazy arrays on three device actors.",
        subcommands: [
            DemoCommand.self, DoctorCommand.self, BenchCommand.self, ReloadCommand.self,
            DirectSGEMMCommand.self, FuzzCommand.self,
        ])
}
