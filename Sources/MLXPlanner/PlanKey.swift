import MLXBase
import MLXGraph

/// The structure of a subgraph as a list of words: equal lists mean that one plan serves both.
/// Everything a plan depends on is in it (ops, dtypes, shapes, edges, attributes, layouts of the
/// inputs, which nodes are wanted, pinned streams); values are not (scalars, where slices start,
/// the contents of arrays). The words' memory is kept for the next subgraph.
package struct PlanKey: ~Copyable {
    private var memory: UnsafeMutablePointer<UInt64>
    private var capacity = 512
    private var count = 0
    package private(set) var hash: UInt64 = 0

    package init() { memory = .allocate(capacity: capacity) }

    /// - Parameter context: what else the plan depends on: the policy, the costs and the
    ///   instruction set.
    package init(_ graph: borrowing Subgraph, context: UInt64) {
        self.init()
        make(graph, context: context)
    }

    deinit { memory.deallocate() }

    @inline(__always) package var words: UnsafeBufferPointer<UInt64> {
        UnsafeBufferPointer(start: memory, count: count)
    }

    /// Describes another subgraph.
    package mutating func make(_ graph: borrowing Subgraph, context: UInt64) {
        count = 0
        reserve(1)
        append(context)
        for node in 0..<graph.count { append(node, of: graph) }
        hash = PlanKey.hash(words)
    }

    /// Whether the plan is for the structure that was described last.
    @inline(__always) package func matches(_ plan: Plan) -> Bool {
        guard plan.hash == hash, plan.key.count == count else { return false }
        for index in 0..<count where plan.key.base[index] != memory[index] { return false }
        return true
    }

    @inline(__always) private mutating func append(_ word: UInt64) {
        memory[count] = word
        count += 1
    }

    @inline(__always) private mutating func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    @inline(never) private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
        larger.update(from: memory, count: count)
        memory.deallocate()
        memory = larger
    }

    @inline(__always) private mutating func append(_ node: Int, of graph: borrowing Subgraph) {
        let op = graph.ops.base[node]
        let value = graph.values.base[node]
        let isLeaf = value != nil || op == .scalar
        let inputStart = Int(graph.inputStart.base[node])
        let inputEnd = Int(graph.inputStart.base[node + 1])
        let word = isLeaf ? 0 : graph.words.base[node]
        reserve(3 + Shape.maximumRank + (inputEnd - inputStart + 1) / 2)
        var head = UInt64(isLeaf && op != .scalar ? OpCode.data.raw : op.raw)
        head |= UInt64(graph.dtypes.base[node].rawValue) << 16
        head |= (isLeaf ? 1 : 0) << 24
        head |=
            (!isLeaf && graph.userCounts.base[node] > UInt32(graph.edgeCounts.base[node])
                ? 1 : 0) << 25
        head |= (word != 0 ? 1 : 0) << 26
        head |= UInt64(isLeaf ? 0 : graph.streams.base[node].raw) << 32
        head |= UInt64(inputEnd - inputStart) << 48
        append(head)
        append(graph.shapes.base[node].word)
        if isLeaf {
            if let value, let strides = value._withUnsafeGuaranteedRef({ $0.customStrides }) {
                for stride in strides { append(UInt64(bitPattern: Int64(stride)) | 1 << 63) }
            }
            return
        }
        if word != 0 { append(word) }
        var input = inputStart
        while input < inputEnd {
            let second = input + 1 < inputEnd ? graph.inputs.base[input + 1] : -1
            append(
                UInt64(UInt32(bitPattern: graph.inputs.base[input]))
                    | UInt64(UInt32(bitPattern: second)) << 32)
            input += 2
        }
        if let payload = graph.payloads.base[node] {
            payload._withUnsafeGuaranteedRef { append($0) }
        }
    }

    private mutating func append(_ payload: Payload) {
        reserve(1 + payload.words.count)
        append(UInt64(payload.words.count) << 32 | UInt64(payload.dynamicCount))
        for index in payload.dynamicCount..<payload.words.count {
            append(UInt64(bitPattern: Int64(payload.words[index])))
        }
    }

    /// Which words of a subgraph's key are shapes.
    static func shapePlaces(_ graph: borrowing Subgraph) -> Set<Int> {
        var key = PlanKey()
        var places: Set<Int> = []
        key.append(0)
        for node in 0..<graph.count {
            places.insert(key.count + 1)
            key.append(node, of: graph)
        }
        return places
    }

    /// Four chains of multiplications side by side, because one is bound by their latency.
    static func hash(_ words: UnsafeBufferPointer<UInt64>) -> UInt64 {
        let seed: UInt64 = 0x243F_6A88_85A3_08D3
        var (a, b, c, d) = (seed, seed ^ 1, seed ^ 2, seed ^ 3)
        var index = 0
        while index + 4 <= words.count {
            a = mix(a, words[index])
            b = mix(b, words[index + 1])
            c = mix(c, words[index + 2])
            d = mix(d, words[index + 3])
            index += 4
        }
        while index < words.count {
            a = mix(a, words[index])
            index += 1
        }
        return mix(mix(mix(a, b), c), d)
    }

    @inline(__always) private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        return product ^ product >> 29
    }
}
