import MLXBase

/// What the engine's actors live on: one serial executor with a token, and threads to fan out
/// over. `Team` is the one on real threads; the simulator puts a seeded single-threaded one in
/// its place, so nothing in the runtime may ask for more than this.
/// Invariant: at any moment at most one thread holds the token, and only its holder touches the
/// state of the team's actors. The turn is another matter: who has it fans out over the team.
package protocol EngineTeam: SerialExecutor, TaskExecutor, FanOut {
    /// Runs `body` with the token, waiting for it unless the calling thread already has it.
    /// Never runs executor jobs while it waits. A thread that holds one team's token and asks
    /// for another's must ask in ascending order of the teams.
    func withToken<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R

    /// True on the thread that holds the token.
    var holdsToken: Bool { get }

    /// Runs `work` soon, with the token, after what was posted or enqueued before.
    func post(_ work: @escaping @Sendable () -> Void)

    /// Runs `work` soon and without the token, on the thread that drives wide runs which no
    /// blocked caller drives.
    func postDriving(_ work: @escaping @Sendable () -> Void)

    /// The calling thread has the turn: until `endTurn` fan-outs of this thread, and of no other,
    /// spread over the team, whose threads stay awake. Who has the turn is decided by the engine;
    /// turns of one team never overlap.
    func beginTurn()
    func endTurn()
}
