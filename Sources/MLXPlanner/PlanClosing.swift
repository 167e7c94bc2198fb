import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps
import Synchronization

/// Copies the lists of a draft into constant memory and counts it.
struct PlanClosing {
    private let draft: PlanDraft
    private(set) var byteCount = 0

    init(_ draft: PlanDraft) { self.draft = draft }

    private static let serials = Atomic<UInt64>(0)
    static func nextSerial() -> UInt64 { serials.wrappingAdd(1, ordering: .relaxed).newValue }

    mutating func column<Element: BitwiseCopyable>(_ list: [Element]) -> Column<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(list.count, 1))
        memory.initialize(from: list, count: list.count)
        byteCount += list.count * MemoryLayout<Element>.stride
        return Column(base: memory, count: list.count)
    }

    /// Gives each kernel step its attributes: the words of its node's payload, or its one word.
    func attributes(_ graph: borrowing Subgraph) -> (steps: [Step], words: [Int]) {
        var steps = draft.steps
        var words: [Int] = []
        for index in steps.indices where steps[index].kind == .kernel {
            let node = Int(steps[index].node)
            steps[index].attributeStart = Int32(words.count)
            let payload = graph.payload(node)
            if let own = payload?.words, !own.isEmpty {
                words += own
                steps[index].dynamicCount = Int32(payload?.dynamicCount ?? 0)
            } else {
                words.append(Int(bitPattern: UInt(graph.words[node])))
            }
            steps[index].attributeCount = Int32(words.count) - steps[index].attributeStart
            steps[index].takesObject = payload?.object != nil
        }
        return (steps, words)
    }

    /// What each batch of steps is expected to take. A batch lies within one stream's list.
    static func sumBatches(_ steps: Column<Step>, _ streamSteps: Column<Int32>) {
        for place in 0..<streamSteps.count {
            let step = Int(streamSteps.base[place])
            var total = 0.0
            for member in place..<(place + Int(steps.base[step].batchCount)) {
                total += steps.base[Int(streamSteps.base[member])].estimatedNanoseconds
            }
            steps.base[step].batchNanoseconds = total
        }
    }

    /// Where each stream's scratch starts when all of it lies in one piece.
    /// - Returns: the bytes of the piece.
    static func startArenas(_ byteCounts: Column<Int>, _ starts: Column<Int>) -> Int {
        var total = 0
        for stream in 0..<byteCounts.count {
            starts.base[stream] = total
            total += (byteCounts.base[stream] + 63) & ~63
        }
        return total
    }

    func kernels() -> UnsafeMutablePointer<Unmanaged<KernelFunction>?> {
        let kernels = UnsafeMutablePointer<Unmanaged<KernelFunction>?>.allocate(
            capacity: max(draft.steps.count, 1))
        for (index, step) in draft.steps.enumerated() {
            let kind = draft.streams[Int(step.stream)].kind!
            (kernels + index).initialize(
                to: step.kind == .kernel ? OpTable.function(step.op, on: kind) : nil)
        }
        return kernels
    }

    /// Strided operands of tapes point at their shapes and strides from now on.
    mutating func tapes(_ strides: Column<Int>) -> Column<ClosedTape> {
        let closed = draft.tapes.map { tape in
            var operands = tape.operands
            for index in operands.indices
            where operands[index].kind == UInt8(MLX_TAPE_STRIDED.rawValue) {
                let shape = Int(bitPattern: operands[index].shape) - 1
                let steps = Int(bitPattern: operands[index].strides) - 1
                operands[index].shape = UnsafePointer(strides.base + shape)
                operands[index].strides = UnsafePointer(strides.base + steps)
            }
            return ClosedTape(
                steps: column(tape.steps), operands: column(operands),
                memory: column(tape.memory), slotCount: tape.slotCount,
                elementCount: tape.elementCount, ops: column(tape.ops))
        }
        return column(closed)
    }

    mutating func results() -> Column<Plan.Result> {
        column(
            draft.results.map { result in
                let operand = draft.operands[Int(result.operand)]
                let strides = (0..<operand.shape.ndim).map {
                    draft.strides[Int(operand.strideStart) + $0]
                }
                var closed = result
                closed.isRowMajor = Value.isRowMajor(strides: strides, shape: operand.shape)
                return closed
            })
    }
}
