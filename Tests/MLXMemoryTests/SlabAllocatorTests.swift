import MLXBase
import Testing

@testable import MLXMemory

/// A slab allocator on a system that records what it is asked for, so that tests can count mappings
/// and make them fail. No memory limit unless a test sets one.
struct Bench {
    let system = RecordedSystem()
    let account: MemoryAccount
    let allocator: SlabAllocator

    init(memoryLimit: Int = .max, cacheLimit: Int = .max, slabByteCount: Int = 8 << 20) {
        account = MemoryAccount(memoryLimit: memoryLimit, cacheLimit: cacheLimit)
        allocator = SlabAllocator(
            node: 0, account: account, system: system, slabByteCount: slabByteCount)
    }

    func expectSound(_ location: SourceLocation = #_sourceLocation) {
        #expect(allocator.checkInvariants() == [], sourceLocation: location)
        #expect(system.faults == [], sourceLocation: location)
    }
}

@Suite struct SizeClassTests {
    @Test func everySizeFitsItsClassWithLittleWaste() {
        for size in 0...SizeClass.largestMedium where size < 70_000 || size % 61 == 0 {
            let isSmall = size <= SizeClass.largestSmall
            let block =
                isSmall
                ? SizeClass.smallByteCount(SizeClass.small(size))
                : SizeClass.mediumByteCount(SizeClass.medium(size))
            #expect(block >= size && block % 64 == 0)
            #expect(block <= max(64, size + size / (isSmall ? 4 : 8) + 256))
            if block >= 2048 { #expect(block % 4096 != 0) }
        }
        #expect(SizeClass.small(SizeClass.largestSmall) == SizeClass.smallCount - 1)
        #expect(SizeClass.medium(SizeClass.largestMedium) == SizeClass.mediumCount - 1)
        #expect(SizeClass.medium(SizeClass.largestSmall + 1) == 0)
    }

    @Test func binsAreMonotone() {
        var before = 0
        for shift in 6..<47 {
            for step in 0..<8 {
                let bin = BlockBins.bin((1 << shift) + step * (1 << shift) / 8)
                #expect(bin >= before && bin < 384)
                before = bin
            }
        }
    }
}

@Suite struct SlabAllocatorTests {
    @Test(arguments: [
        0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 8192, 8193, 65536, (1 << 20), (1 << 20) + 1,
        3 << 20, 8 << 20, 20 << 20,
    ])
    func oneBufferOfEachSize(size: Int) throws {
        let bench = Bench()
        do {
            let buffer = try bench.allocator.allocate(byteCount: size)
            #expect(buffer.byteCount == size && buffer.capacity >= size)
            #expect(Int(bitPattern: buffer.pointer) % 64 == 0)
            buffer.pointer.initializeMemory(as: UInt8.self, repeating: 7, count: buffer.capacity)
            bench.expectSound()
            #expect(bench.account.activeByteCount == buffer.capacity)
        }
        #expect(bench.account.activeByteCount == 0)
        bench.expectSound()
        bench.allocator.trim()
        bench.expectSound()
        #expect(bench.account.residentByteCount == 0)
        #expect(bench.system.mappings.isEmpty)
    }

    @Test func absurdSizesThrow() {
        let bench = Bench()
        for size in [-1, Int.min, 1 << 62, Int.max, 1 << 47] {
            #expect { try bench.allocator.allocate(byteCount: size) } throws: {
                ($0 as? ArrayError)?.kind == .limit
            }
        }
    }

    @Test func hugeButAddressableSizesThrowOrSucceed() throws {
        // The kernel decides: address space is not memory.
        let bench = Bench(memoryLimit: 1 << 40)
        #expect { try bench.allocator.allocate(byteCount: 1 << 45) } throws: {
            ($0 as? ArrayError)?.kind == .memory
        }
        bench.expectSound()
    }

    /// All orders of freeing five neighbours of three kinds.
    @Test(arguments: [100, 20_000, 2 << 20]) func everyOrderOfFreeing(size: Int) throws {
        func permutations(_ items: [Int]) -> [[Int]] {
            guard items.count > 1 else { return [items] }
            return items.flatMap { first in
                permutations(items.filter { $0 != first }).map { [first] + $0 }
            }
        }
        for order in permutations([0, 1, 2, 3, 4]) {
            let bench = Bench(slabByteCount: 16 << 20)
            var buffers: [Buffer?] = try (0..<5).map { _ in
                try bench.allocator.allocate(byteCount: size)
            }
            for index in order {
                buffers[index] = nil
                bench.expectSound()
            }
            bench.allocator.trim()
            #expect(bench.system.mappings.isEmpty)
        }
    }

    @Test(arguments: 0..<6) func randomTraffic(seed: Int) throws {
        let bench = Bench(slabByteCount: seed % 2 == 0 ? 2 << 20 : 16 << 20)
        var generator = SplitMix64(seed: UInt64(seed))
        var live: [(Buffer, UInt8)] = []
        for step in 0..<4_000 {
            if live.isEmpty || Int.random(in: 0..<100, using: &generator) < 52 {
                let size = Int.random(
                    in: 0...(1 << Int.random(in: 0...22, using: &generator)), using: &generator)
                let buffer = try bench.allocator.allocate(byteCount: size)
                let mark = UInt8.random(in: 0...255, using: &generator)
                let capacity = buffer.capacity
                buffer.pointer.storeBytes(of: mark, as: UInt8.self)
                buffer.pointer.storeBytes(of: mark, toByteOffset: capacity - 1, as: UInt8.self)
                live.append((buffer, mark))
            } else {
                let index = Int.random(in: 0..<live.count, using: &generator)
                let (buffer, mark) = live.remove(at: index)
                #expect(buffer.pointer.load(as: UInt8.self) == mark)
                let last = buffer.capacity - 1
                #expect(buffer.pointer.load(fromByteOffset: last, as: UInt8.self) == mark)
            }
            if step % 97 == 0 { bench.allocator.decay(now: UInt64(step) * 1_000_000) }
            if step % 501 == 0 { bench.allocator.trim() }
            if step % 50 == 0 { bench.expectSound() }
        }
        for index in live.indices {
            for other in live.indices where other > index && other < index + 40 {
                let (a, b) = (live[index].0, live[other].0)
                #expect(a.pointer + a.capacity <= b.pointer || b.pointer + b.capacity <= a.pointer)
            }
        }
        live.removeAll()
        bench.allocator.trim()
        bench.expectSound()
        #expect(bench.system.mappings.isEmpty)
        #expect(bench.account.residentByteCount == 0)
    }

    @Test func steadyTrafficReusesEverything() throws {
        let bench = Bench()
        let sizes = [256, 40_000, 300_000, 2 << 20, 1000, 64]
        func step() throws { _ = try sizes.map { try bench.allocator.allocate(byteCount: $0) } }
        try step()
        let before = bench.system.mapCount
        let resident = bench.account.residentByteCount
        for _ in 0..<500 { try step() }
        #expect(bench.system.mapCount == before)
        #expect(bench.account.residentByteCount == resident)
        let statistics = bench.allocator.statistics
        #expect(statistics.allocationCount == 501 * 6)
        #expect(statistics.allocationCount - statistics.reuseCount <= 6)
        #expect(statistics.liveCount == 0 && statistics.activeByteCount == 0)
    }

    /// Steps whose shapes change all the time must not pile up a cache per shape.
    @Test func changingShapesStayNearThePeak() throws {
        let bench = Bench(slabByteCount: 64 << 20)
        var generator = SplitMix64(seed: 11)
        var live: [Buffer] = []
        for step in 0..<300 {
            for _ in 0..<30 {
                let size = Int.random(in: 10_000...(20_000 + step * 5_000), using: &generator)
                live.append(try bench.allocator.allocate(byteCount: size))
            }
            while live.count > 40 {
                live.remove(at: Int.random(in: 0..<live.count, using: &generator))
            }
            if step % 50 == 0 { bench.expectSound() }
        }
        let ratio =
            Double(bench.account.peakResidentByteCount) / Double(bench.account.peakActiveByteCount)
        #expect(ratio < 1.25)
        let statistics = bench.allocator.statistics
        #expect(statistics.reuseCount * 100 > statistics.allocationCount * 95)
    }

    @Test func neighboursDoNotAlias() throws {
        let bench = Bench(slabByteCount: 64 << 20)
        for size in [4096, 65536, 1 << 20, 4 << 20] {
            let buffers = try (0..<5).map { _ in try bench.allocator.allocate(byteCount: size) }
            let offsets = Set(buffers.map { Int(bitPattern: $0.pointer) % 4096 })
            #expect(offsets.count == buffers.count)
        }
    }

    @Test func buffersOutliveTheAllocatorsOwner() throws {
        let system = RecordedSystem()
        let account = MemoryAccount()
        weak var seen: SlabAllocator?
        var buffer: Buffer?
        do {
            let allocator = SlabAllocator(node: 0, account: account, system: system)
            seen = allocator
            buffer = try allocator.allocate(byteCount: 5 << 20)
        }
        #expect(seen != nil)
        buffer?.pointer.storeBytes(of: 1, as: UInt8.self)
        buffer = nil
        #expect(seen == nil)
        #expect(system.mappings.isEmpty && account.residentByteCount == 0)
    }

    @Test func adoptedMemoryIsFinalizedOnce() {
        nonisolated(unsafe) var count = 0
        let pointer = UnsafeMutableRawPointer.allocate(byteCount: 12, alignment: 4)
        do {
            let buffer = Buffer(adopting: pointer, byteCount: 12) { count += 1 }
            #expect(buffer.isAdopted && buffer.capacity == 12)
            #expect(count == 0)
        }
        #expect(count == 1)
        pointer.deallocate()
    }

    @Test func otherThreadsFree() async throws {
        let bench = Bench()
        for _ in 0..<20 {
            let buffers = try (0..<400).map {
                try bench.allocator.allocate(byteCount: ($0 * 7919) % 100_000)
            }
            await withTaskGroup(of: Void.self) { group in
                for part in 0..<4 {
                    let own = Array(buffers[part * 100..<(part + 1) * 100])
                    group.addTask {
                        for buffer in own { buffer.pointer.storeBytes(of: 1, as: UInt8.self) }
                    }
                }
            }
        }
        #expect(bench.account.activeByteCount == 0)
        bench.expectSound()
    }

    @Test func manyThreadsAllocateAndFree() async throws {
        let bench = Bench(cacheLimit: 4 << 20)
        await withTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask {
                    var generator = SplitMix64(seed: UInt64(part))
                    var live: [Buffer] = []
                    for _ in 0..<2_000 {
                        let size = Int.random(in: 0..<300_000, using: &generator)
                        if let buffer = try? bench.allocator.allocate(byteCount: size) {
                            live.append(buffer)
                        }
                        if live.count > 20 {
                            live.remove(at: Int.random(in: 0..<20, using: &generator))
                        }
                    }
                }
            }
        }
        bench.expectSound()
        #expect(bench.account.activeByteCount == 0)
    }
}
