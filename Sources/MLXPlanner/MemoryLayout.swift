import MLXBase
import MLXGraph

/// Pass 6. Gives intermediate slots their places in each stream's scratch. A place is reused once
/// the last reader is done. Within a stream that is the order of its batches; a slot that another
/// stream reads keeps its place until a step of its own stream waits, itself or through others,
/// for all who read it. Best fit over free ranges, in execution order.
extension PlanDraft {
    private static let alignment = 64

    /// - Parameter lends: whether intermediate values may lie where results will. Which do is part
    ///   of a plan's form, so a layout for another length does not ask again.
    mutating func layOutMemory(lends: Bool = false) {
        var (lastUse, crosses) = uses()
        if lends { lendResults(lastUse, crosses) }
        var arenas = streams.map { _ in FreeRanges() }
        var batches = streams.map { _ in Batch() }
        var shared = SharedPlaces(self)
        for index in steps.indices {
            let step = steps[index]
            let stream = Int(step.stream)
            if step.batchCount != 0 { batches[stream].end(&arenas[stream]) }
            shared.enter(index, self, &arenas[stream])
            placeOutputs(
                of: step, Int32(index), &arenas[stream], batches[stream], &lastUse, crosses)
            for operand in step.operandStart..<(step.operandStart + step.operandCount) {
                let slot = Int(operands[Int(operand)].slot)
                batches[stream].used.insert(slot)
                if crosses[slot] { shared.read(slot, stream) }
                guard case .arena(let offset) = slots[slot].storage, lastUse[slot] == index
                else { continue }
                // Freed once: a step may read a slot through several operands.
                lastUse[slot] = -2
                let byteCount = PlanDraft.rounded(slots[slot].byteCount)
                if crosses[slot] {
                    let owner = Int(steps[Int(slots[slot].producer)].stream)
                    shared.die(slot, owner, offset, byteCount)
                } else {
                    batches[stream].dying.append((offset, byteCount))
                }
            }
        }
        arenaBytes = arenas.map(\.highWater)
    }

    /// The last step that touches each slot, and whether another stream than its own does.
    private func uses() -> (lastUse: [Int32], crosses: [Bool]) {
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
        return (lastUse, crosses)
    }

    /// An intermediate value that a step writes a result over lies where the result will, and
    /// takes no scratch; so does what that is written over in turn.
    private mutating func lendResults(_ lastUse: [Int32], _ crosses: [Bool]) {
        let lastBefore = readersBeforeTheLast(lastUse)
        for index in steps.indices.reversed() {
            let output = Int(operands[Int(steps[index].operandStart)].slot)
            let result: Int32
            switch slots[output].storage {
            case .result: result = Int32(output)
            case .lent(let other): result = other
            default: continue
            }
            for operand in overwritable(steps[index]) {
                let input = Int(operands[Int(operand)].slot)
                // Readers on other streams may not be done; a step alone has waited for its input.
                guard case .arena = slots[input].storage, lastUse[input] == index,
                    slots[input].byteCount == slots[output].byteCount,
                    slots[input].byteCount > 0,
                    crosses[input]
                        ? lastBefore[input] == slots[input].producer
                        : !isOneBatch(lastBefore[input], index)
                else { continue }
                slots[input].storage = .lent(result)
                break
            }
        }
    }

    /// Of each slot the last step that reads it but for the last one, or writes it.
    private func readersBeforeTheLast(_ lastUse: [Int32]) -> [Int32] {
        var last = [Int32](repeating: -1, count: slots.count)
        for (index, step) in steps.enumerated() {
            for operand in step.operandStart..<(step.operandStart + step.operandCount) {
                let slot = Int(operands[Int(operand)].slot)
                if lastUse[slot] != index { last[slot] = Int32(index) }
            }
        }
        return last
    }

    /// Whether two steps of a stream may run at the same time.
    private func isOneBatch(_ earlier: Int32, _ later: Int) -> Bool {
        guard earlier >= 0 else { return false }
        let stream = steps[later].stream
        return !((Int(earlier) + 1)...later).contains {
            steps[$0].stream == stream && steps[$0].batchCount != 0
        }
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

/// Places that several streams use: who has read each, and those that nobody will read again.
private struct SharedPlaces {
    private struct Dead {
        let offset: Int
        let byteCount: Int
        /// Of each stream, how many steps must have ended before the place is free.
        let readers: [Int32]
    }

    private var clocks: StreamClocks
    private let streamCount: Int
    private var readers: [Int: [Int32]] = [:]
    private var dead: [[Dead]]
    /// How many dead places are looked at for a batch: those that died first are free first.
    private static let reach = 256

    init(_ plan: PlanDraft) {
        streamCount = plan.streams.count
        clocks = StreamClocks(
            streams: streamCount, steps: streamCount > 1 ? plan.steps.count : 0)
        dead = Array(repeating: [], count: streamCount)
    }

    /// Goes on to the next step, and frees what its batch finds free.
    mutating func enter(_ index: Int, _ plan: PlanDraft, _ arena: inout FreeRanges) {
        guard streamCount > 1, clocks.enter(index, plan) else { return }
        let stream = Int(plan.steps[index].stream)
        var kept: [Dead] = []
        let looked = dead[stream].prefix(SharedPlaces.reach)
        for place in looked {
            if clocks.follows(stream, place.readers) {
                arena.free(place.offset, place.byteCount)
            } else {
                kept.append(place)
            }
        }
        if kept.count < looked.count {
            dead[stream].replaceSubrange(..<looked.endIndex, with: kept)
        }
    }

    /// The step that was entered last reads or writes a slot.
    mutating func read(_ slot: Int, _ stream: Int) {
        readers[slot, default: Array(repeating: 0, count: streamCount)][stream] =
            clocks.position(stream)
    }

    /// Nobody reads the slot any more, after the step that was entered last.
    mutating func die(_ slot: Int, _ owner: Int, _ offset: Int, _ byteCount: Int) {
        guard let read = readers.removeValue(forKey: slot) else { return }
        dead[owner].append(Dead(offset: offset, byteCount: byteCount, readers: read))
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
