import MLXBase
import MLXGraph

/// Pass 6. Gives intermediate slots their places in each stream's scratch. A place is reused once
/// the last reader is done, which only holds in stream order: a slot that another stream reads
/// keeps its place to the end, and what a batch of steps reads keeps it to the batch's end. Best
/// fit over free ranges, in execution order.
extension PlanDraft {
    private static let alignment = 64

    mutating func layOutMemory() {
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
        var batches = streams.map { _ in Batch() }
        for index in steps.indices {
            let step = steps[index]
            let stream = Int(step.stream)
            if step.batchCount != 0 { batches[stream].end(&arenas[stream]) }
            placeOutputs(
                of: step, Int32(index), &arenas[stream], batches[stream], &lastUse, crosses)
            for operand in step.operandStart..<(step.operandStart + step.operandCount) {
                let slot = Int(operands[Int(operand)].slot)
                batches[stream].used.insert(slot)
                guard case .arena(let offset) = slots[slot].storage, lastUse[slot] == index,
                    !crosses[slot]
                else { continue }
                // Freed once: a step may read a slot through several operands.
                lastUse[slot] = -2
                batches[stream].dying.append((offset, PlanDraft.rounded(slots[slot].byteCount)))
            }
        }
        arenaBytes = arenas.map(\.highWater)
    }

    private mutating func placeOutputs(
        of step: Step, _ index: Int32, _ arena: inout FreeRanges, _ batch: Batch,
        _ lastUse: inout [Int32], _ crosses: [Bool]
    ) {
        for output in step.operandStart..<(step.operandStart + step.outputCount) {
            let slot = Int(operands[Int(output)].slot)
            guard case .arena = slots[slot].storage else { continue }
            let offset =
                output == step.operandStart
                ? inherited(step, slot, index, batch, &lastUse, crosses) : nil
            slots[slot].storage = .arena(
                offset: offset ?? arena.take(PlanDraft.rounded(slots[slot].byteCount)))
        }
    }

    /// The place of an input that dies here and that the step may overwrite.
    private func inherited(
        _ step: Step, _ slot: Int, _ index: Int32, _ batch: Batch, _ lastUse: inout [Int32],
        _ crosses: [Bool]
    ) -> Int? {
        for operand in overwritable(step) {
            let input = Int(operands[Int(operand)].slot)
            guard case .arena(let offset) = slots[input].storage, lastUse[input] == index,
                !crosses[input],
                // A neighbour that may run at the same time reads it too.
                !batch.used.contains(input),
                PlanDraft.rounded(slots[input].byteCount)
                    == PlanDraft.rounded(slots[slot].byteCount)
            else { continue }
            // Its place lives on: it is not freed with the step.
            lastUse[input] = -2
            return offset
        }
        return nil
    }

    private static func rounded(_ byteCount: Int) -> Int {
        (max(byteCount, 1) + alignment - 1) / alignment * alignment
    }
}

/// What the steps of the current batch of a stream read and wrote, and which places are free
/// once all of them are done.
private struct Batch {
    var used: Set<Int> = []
    var dying: [(offset: Int, byteCount: Int)] = []

    mutating func end(_ arena: inout FreeRanges) {
        for place in dying { arena.free(place.offset, place.byteCount) }
        dying.removeAll(keepingCapacity: true)
        used.removeAll(keepingCapacity: true)
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
