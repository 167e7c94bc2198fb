import ArgumentParser

@main
struct MLXCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mlx", abstract: "MLX for Linux, in Swift.")
}
