import MLXBase
import MLXGraph

/// Pass 5. Steps keep the topological order they were emitted in; this pass says what each has
/// to wait for on other streams. A wait that an earlier step of the same stream already made is
/// left out.
extension Plan {
    func order() {
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
            let first = steps[index].operandStart + steps[index].outputCount
            for operand in first..<(steps[index].operandStart + steps[index].operandCount) {
                let producer = Int(slots[Int(operands[Int(operand)].slot)].producer)
                guard producer >= 0 else { continue }
                let other = Int(steps[producer].stream)
                let known = stream * streams.count + other
                if other != stream && seen[known] < position[producer] {
                    seen[known] = position[producer]
                    waits.append(.init(stream: Int32(other), count: position[producer]))
                }
            }
            steps[index].waitCount = Int32(waits.count) - steps[index].waitStart
        }
    }
}
