/// What one text may cost. A `tokenizer.json` is a program that comes from anywhere: its
/// expressions, and chains of what it does to a text, must not make more of a text than its length
/// can answer for.
final class TokenizerBudget {
    /// How many times as long a text may become, beside a start that short texts have.
    static let mostGrowth = 64
    static let freeLength = 1 << 12
    /// How many steps a character may cost, beside a start. A step takes some 10 ns.
    static let stepsPerCharacter = 256
    static let freeSteps = 1 << 23

    let mostSteps: Int
    let mostLength: Int
    private(set) var steps = 0

    /// - Parameter length: the characters of the text.
    init(
        length: Int, stepsPerCharacter: Int = stepsPerCharacter, freeSteps: Int = freeSteps
    ) {
        mostSteps = freeSteps + stepsPerCharacter * length
        mostLength = TokenizerBudget.freeLength + TokenizerBudget.mostGrowth * length
    }

    /// Charges work.
    func step(_ count: Int = 1) throws(TokenizerError) {
        steps += max(0, min(count, mostSteps + 1))
        if steps > mostSteps {
            steps = mostSteps
            throw TokenizerError("the file takes too many steps for such a text", limit: .steps)
        }
    }

    /// Charges going over a text that has become so long.
    func check(length: Int) throws(TokenizerError) {
        if length > mostLength {
            throw TokenizerError(
                "the file makes a text more than \(TokenizerBudget.mostGrowth) times as long",
                limit: .length)
        }
        try step(length)
    }
}
