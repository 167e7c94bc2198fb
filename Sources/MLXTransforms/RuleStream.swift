import MLXGraph

/// Pins hold in what is derived: an operation's cotangents, tangents and batches are computed on
/// the stream that the operation was given. Without a pin, rules record under the defaults of the
/// task that runs the transform.
func onStream<R>(_ stream: StreamID, _ body: () -> R) -> R {
    stream == .unpinned ? body() : Defaults.with({ $0.stream = stream }, body)
}
