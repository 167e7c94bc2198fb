import MLXBase
import MLXGraph

/// Pass 6. Gives intermediate slots their places in each stream's scratch. A place is reused once
/// the last reader is done, which only holds in stream order: a slot that another stream reads
/// keeps its place to the end. Best fit over free ranges, in execution order.
extension Plan {
    private static let alignment = 64

    func layOutMemory() {
        var lastUse = [Int32](repeating: -1, count: slots.count)
        var crosses = [Bool](repeating: false, count: slots.count)
        for (index, step) in steps.enumerated() {
            for operand in step.operandStart..<(step.operandStart + step.operandCount) {
                let slot = Int(operands[Int(operand)].slot)
                lastUse[slot] = Int32(index)
                let producer = slots[slot].producer
                if producer >= 0 && steps[Int(producer)].stream != step.stream {
                    crosses[slot] = true
                }
            }
        }
        var arenas = streams.map { _ in FreeRanges() }
        for (index, step) in steps.enumerated() {
            let stream = Int(step.stream)
            placeOutputs(of: step, Int32(index), &arenas[stream], &lastUse, crosses)
            for operand in step.operandStart..<(step.operandStart + step.operandCount) {
                let slot = Int(operands[Int(operand)].slot)
                guard case .arena(let offset) = slots[slot].storage, lastUse[slot] == index,
                    !crosses[slot]
                else { continue }
                // Freed once: a step may read a slot through several operands.
                lastUse[slot] = -2
                arenas[stream].free(offset, Plan.rounded(slots[slot].byteCount))
            }
        }
        arenaBytes = arenas.map(\.highWater)
    }

    private func placeOutputs(
        of step: Step, _ index: Int32, _ arena: inout FreeRanges,
        _ lastUse: inout [Int32], _ crosses: [Bool]
    ) {
        for output in step.operandStart..<(step.operandStart + step.outputCount) {
            let slot = Int(operands[Int(output)].slot)
            guard case .arena = slots[slot].storage else { continue }
            let offset =
                output == step.operandStart
                ? inherited(step, slot, index, &lastUse, crosses) : nil
            slots[slot].storage = .arena(
                offset: offset ?? arena.take(Plan.rounded(slots[slot].byteCount)))
        }
    }

    /// The place of an input that dies here and that the tape may overwrite.
    private func inherited(
        _ step: Step, _ slot: Int, _ index: Int32, _ lastUse: inout [Int32], _ crosses: [Bool]
    ) -> Int? {
        guard case .tape(let tape) = step.kind else { return nil }
        for operand in tapes[Int(tape)].overwritable {
            let input = Int(operands[Int(operand)].slot)
            // Another window onto the same slot may still read what would be overwritten.
            guard case .arena(let offset) = slots[input].storage, lastUse[input] == index,
                !crosses[input],
                // Not the bytes alone: a wider element would overwrite the next narrow one. The
                // window says how it reads the slot, which may hold another dtype.
                operands[Int(operand)].dtype.size == slots[slot].dtype.size,
                operands[Int(operand)].elementOffset == 0, operands[Int(operand)].termCount == 0,
                Plan.rounded(slots[input].byteCount) == Plan.rounded(slots[slot].byteCount),
                reads(of: input, by: step) == 1
            else { continue }
            // Its place lives on: it is not freed with the step.
            lastUse[input] = -2
            return offset
        }
        return nil
    }

    private func reads(of slot: Int, by step: Step) -> Int {
        let first = Int(step.operandStart + step.outputCount)
        return operands[first..<Int(step.operandStart + step.operandCount)]
            .count { Int($0.slot) == slot }
    }

    private static func rounded(_ byteCount: Int) -> Int {
        (max(byteCount, 1) + alignment - 1) / alignment * alignment
    }
}

/// The free ranges of an arena that grows at its end.
struct FreeRanges {
    private var ranges: [(start: Int, count: Int)] = []
    private(set) var highWater = 0

    /// The smallest free range that fits, else new bytes at the end.
    mutating func take(_ count: Int) -> Int {
        var best = -1
        for index in ranges.indices
        where ranges[index].count >= count
            && (best < 0 || ranges[index].count < ranges[best].count)
        {
            best = index
        }
        if best >= 0 {
            let start = ranges[best].start
            if ranges[best].count == count {
                ranges.remove(at: best)
            } else {
                ranges[best].start += count
                ranges[best].count -= count
            }
            return start
        }
        if let last = ranges.last, last.start + last.count == highWater {
            ranges.removeLast()
            highWater = last.start + count
            return last.start
        }
        highWater += count
        return highWater - count
    }

    mutating func free(_ start: Int, _ count: Int) {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].start < start { low = middle + 1 } else { high = middle }
        }
        ranges.insert((start, count), at: low)
        if low + 1 < ranges.count,
            ranges[low].start + ranges[low].count == ranges[low + 1].start
        {
            ranges[low].count += ranges[low + 1].count
            ranges.remove(at: low + 1)
        }
        if low > 0, ranges[low - 1].start + ranges[low - 1].count == ranges[low].start {
            ranges[low - 1].count += ranges[low].count
            ranges.remove(at: low)
        }
    }
}
