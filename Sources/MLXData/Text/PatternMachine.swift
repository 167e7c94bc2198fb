/// Runs a regular expression over a text, one counted step after the other: nothing is done by
/// calls of functions, so that a long text needs no deep stack.
struct PatternMachine {
    private let program: PatternProgram
    private let text: ArraySlice<Unicode.Scalar>
    private let budget: TokenizerBudget
    private var stack: [Frame] = []
    private var slots: [Int]

    /// A place to go back to: an instruction, and the places of the text it may go on from, the
    /// last one first. With a negative instruction, a slot's value before.
    private struct Frame {
        let instruction: Int32
        let first: Int
        var last: Int
    }

    private static let mostFrames = 1 << 19

    init(
        _ program: PatternProgram, _ text: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) {
        self.program = program
        self.text = text
        self.budget = budget
        slots = [Int](repeating: -1, count: program.slots)
    }

    /// Where it matches, from left to right, without overlaps and empty matches.
    mutating func matches() throws(TokenizerError) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var place = text.startIndex
        while place < text.endIndex {
            if let end = try end(0, place), end > place {
                result.append(place..<end)
                place = end
            } else {
                place += 1
            }
        }
        return result
    }

    /// Where a match ends that begins at a place.
    private mutating func end(_ start: Int, _ from: Int) throws(TokenizerError) -> Int? {
        let base = stack.count
        defer { stack.removeLast(stack.count - base) }
        var next = start
        var place = from
        var steps = 0
        while true {
            steps += 1
            if steps == 64 {
                try budget.step(steps)
                steps = 0
            }
            if case .match = program.code[next] {
                try budget.step(steps)
                return place
            }
            if try advance(&next, &place) { continue }
            guard goBack(&next, &place, base) else {
                try budget.step(steps)
                return nil
            }
        }
    }

    /// One instruction; false when it does not match.
    private mutating func advance(
        _ next: inout Int, _ place: inout Int
    ) throws(TokenizerError) -> Bool {
        switch program.code[next] {
        case .one(let index):
            guard place < text.endIndex, try contains(index, place) else { return false }
            place += 1
        case .run(let index, let least, let most, let isPossessive):
            let start = place
            while place < text.endIndex, place - start < most, try contains(index, place) {
                place += 1
            }
            try budget.step((place - start) / 4)
            guard place - start >= least else { return false }
            if !isPossessive, place - start > least {
                try push(Frame(instruction: Int32(next + 1), first: start + least, last: place - 1))
            }
        case .jump(let target):
            next = target
            return true
        case .either(let first, let second):
            try push(Frame(instruction: Int32(second), first: place, last: place))
            next = first
            return true
        case .mark(let slot):
            try push(Frame(instruction: Int32(-1 - slot), first: slots[slot], last: 0))
            slots[slot] = place
        case .moved(let slot):
            if slots[slot] == place { return false }
        case .look(let after, let behind, let isNegative):
            let start = place - behind
            let found = start < text.startIndex ? nil : try end(next + 1, start)
            guard (found != nil) != isNegative else { return false }
            next = after
            return true
        case .atomic(let after):
            guard let found = try end(next + 1, place) else { return false }
            place = found
            next = after
            return true
        case .assertion(let kind):
            guard holds(kind, place) else { return false }
        case .match: break
        }
        next += 1
        return true
    }

    private func contains(_ index: Int, _ place: Int) throws(TokenizerError) -> Bool {
        let scalar = text[place]
        let own = program.classes[index]
        if own.weight > 8, scalar.value > 127 { try budget.step(own.weight / 8) }
        return own.contains(scalar)
    }

    private mutating func push(_ frame: Frame) throws(TokenizerError) {
        guard stack.count < PatternMachine.mostFrames else {
            throw TokenizerError("a regular expression keeps too many places", limit: .memory)
        }
        stack.append(frame)
    }

    /// Back to the last place that is left; false when there is none.
    private mutating func goBack(_ next: inout Int, _ place: inout Int, _ base: Int) -> Bool {
        while stack.count > base {
            let top = stack.count - 1
            let frame = stack[top]
            if frame.instruction < 0 {
                slots[Int(-1 - frame.instruction)] = frame.first
                stack.removeLast()
                continue
            }
            (next, place) = (Int(frame.instruction), frame.last)
            if frame.last > frame.first {
                stack[top].last -= 1
            } else {
                stack.removeLast()
            }
            return true
        }
        return false
    }

    private func holds(_ kind: PatternNode.Assertion, _ place: Int) -> Bool {
        switch kind {
        case .start: return place == text.startIndex
        case .end: return place == text.endIndex
        case .endOrNewline:
            return place == text.endIndex || place == text.endIndex - 1 && text[place] == "\n"
        // As Oniguruma: a line begins behind each newline but the one that ends the text.
        case .lineStart:
            return place == text.startIndex || place < text.endIndex && text[place - 1] == "\n"
        case .lineEnd: return place == text.endIndex || text[place] == "\n"
        case .boundary, .noBoundary:
            let word = ScalarClass.Part.word
            let before = place > text.startIndex && word.contains(text[place - 1])
            let after = place < text.endIndex && word.contains(text[place])
            return (before != after) == (kind == .boundary)
        }
    }
}
