import MLXBase
import MLXGraph

/// Pass 5. Steps keep the topological order they were emitted in; this pass says what each has
/// to wait for on other streams, and which neighbours of one stream may run side by side. A wait
/// that an earlier step of the same stream already made is left out.
extension PlanDraft {
    mutating func order() {
        var position = [Int32](repeating: 0, count: steps.count)
        var length = [Int32](repeating: 0, count: streams.count)
        streamSteps = Array(repeating: [], count: streams.count)
        // seen[s * streams + t]: how many steps of t stream s has already waited for.
        var seen = [Int32](repeating: 0, count: streams.count * streams.count)
        for index in steps.indices {
            let stream = Int(steps[index].stream)
            length[stream] += 1
            streamSteps[stream].append(Int32(index))
            position[index] = length[stream]
            steps[index].waitStart = Int32(waits.count)
            for producer in producers(of: index) {
                let other = Int(steps[producer].stream)
                let known = stream * streams.count + other
                if other != stream && seen[known] < position[producer] {
                    seen[known] = position[producer]
                    waits.append(.init(stream: Int32(other), count: position[producer]))
                }
            }
            steps[index].waitCount = Int32(waits.count) - steps[index].waitStart
        }
        for stream in streams.indices { batch(stream) }
    }

    /// The steps that a step reads the results of.
    private func producers(of step: Int) -> [Int] {
        let first = steps[step].operandStart + steps[step].outputCount
        return (first..<(steps[step].operandStart + steps[step].operandCount)).compactMap {
            let producer = Int(slots[Int(operands[Int($0)].slot)].producer)
            return producer >= 0 ? producer : nil
        }
    }

    /// Groups neighbours of a stream that read nothing of each other's and are each too small to
    /// be spread over cores themselves. A step that waits for another stream starts a new group.
    private mutating func batch(_ stream: Int) {
        var first = -1
        var members: Set<Int> = []
        for index in streamSteps[stream].lazy.map(Int.init) {
            let joins =
                first >= 0 && steps[index].waitCount == 0
                && steps[index].weight < Plan.narrowNanoseconds
                && !producers(of: index).contains(where: members.contains)
            if joins {
                steps[first].batchCount += 1
                steps[index].batchCount = 0
                members.insert(index)
            } else if steps[index].weight < Plan.narrowNanoseconds {
                first = index
                members = [index]
            } else {
                first = -1
            }
        }
    }
}
