/// How a kernel spreads over the threads of the team it runs on. Chunk boundaries come from the
/// shape alone, so a result never depends on how many threads took part.
package protocol FanOut: AnyObject, Sendable {
    /// How many threads can work at once, the caller among them.
    var width: Int { get }

    /// Calls `body` once for each chunk in `0..<chunks`, from any of the team's threads, and
    /// returns when all are done. The caller works too.
    /// - Parameter nanoseconds: estimated total work; little work is not worth waking anybody.
    func run(chunks: Int, nanoseconds: Int, _ body: (Int) -> Void)
}

/// One thread: the reference, and what runs where there is no team.
package final class SerialFanOut: FanOut {
    package init() {}
    package var width: Int { 1 }
    package func run(chunks: Int, nanoseconds: Int, _ body: (Int) -> Void) {
        for chunk in 0..<chunks { body(chunk) }
    }
}
