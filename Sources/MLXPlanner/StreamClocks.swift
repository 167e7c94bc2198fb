/// What each stream knows of the others while the plan's steps are gone through in order: how many
/// of their steps must have ended before the stream's next batch begins (vector clocks, Mattern
/// 1989). It follows from what steps wait for, so it holds however streams are interleaved.
struct StreamClocks {
    private let count: Int
    /// `known[s * count + t]`: of stream t, before the batch of stream s that was entered last.
    private var known: [Int32]
    /// `ended[step * count + t]`: of stream t, once a step has ended.
    private var ended: [Int32]
    /// How many steps of each stream were entered.
    private var entered: [Int32]

    init(streams: Int, steps: Int) {
        count = streams
        known = Array(repeating: 0, count: streams * streams)
        ended = Array(repeating: 0, count: streams * steps)
        entered = Array(repeating: 0, count: streams)
    }

    /// Goes on to the next step.
    /// - Returns: whether the step begins a batch, before which the stream knows more.
    mutating func enter(_ index: Int, _ plan: PlanDraft) -> Bool {
        let step = plan.steps[index]
        let stream = Int(step.stream)
        let begins = step.batchCount != 0
        if begins {
            // The stream's batches follow one another.
            known[stream * count + stream] = entered[stream]
            for wait in step.waitStart..<(step.waitStart + step.waitCount) {
                let wait = plan.waits[Int(wait)]
                let other = Int(wait.stream)
                join(stream, Int(plan.streamSteps[other][Int(wait.count) - 1]))
            }
        }
        entered[stream] += 1
        for other in 0..<count { ended[index * count + other] = known[stream * count + other] }
        ended[index * count + stream] = entered[stream]
        return begins
    }

    private mutating func join(_ stream: Int, _ step: Int) {
        for other in 0..<count {
            let place = stream * count + other
            known[place] = max(known[place], ended[step * count + other])
        }
    }

    /// Of a stream, how many steps were entered: the position of the last one.
    func position(_ stream: Int) -> Int32 { entered[stream] }

    /// Whether the stream's batch begins after so many steps of each stream have ended.
    func follows(_ stream: Int, _ positions: [Int32]) -> Bool {
        (0..<count).allSatisfy { positions[$0] <= known[stream * count + $0] }
    }
}
