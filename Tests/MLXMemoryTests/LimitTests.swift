import Glibc
import MLXBase
import Testing

@testable import MLXMemory

/// What happens when memory runs out, by a limit, by decree or by the system, and how it is
/// given back before that.
@Suite struct LimitTests {
    private func isMemoryError(_ error: any Error) -> Bool {
        (error as? ArrayError)?.kind == .memory
    }

    @Test func memoryLimitThrowsAndRecovers() throws {
        let bench = Bench(memoryLimit: 10 << 20)
        let first = try bench.allocator.allocate(byteCount: 6 << 20)
        #expect { try bench.allocator.allocate(byteCount: 6 << 20) } throws: { isMemoryError($0) }
        #expect(bench.account.activeByteCount == first.capacity)
        bench.expectSound()
        var second: Buffer? = try bench.allocator.allocate(byteCount: 3 << 20)
        second = nil
        // What is cached must not stand in the way of what is needed.
        second = try bench.allocator.allocate(byteCount: 3 << 20 + 500)
        #expect(second != nil)
        bench.expectSound()
    }

    @Test func smallBlocksRespectTheLimitToo() throws {
        let bench = Bench(memoryLimit: 300_000)
        var live: [Buffer] = []
        #expect {
            while true { live.append(try bench.allocator.allocate(byteCount: 1000)) }
        } throws: { isMemoryError($0) }
        #expect(bench.account.peakResidentByteCount <= 300_000)
        #expect(live.count > 100)
        bench.expectSound()
    }

    @Test func loweringTheLimitStopsReuse() throws {
        let bench = Bench()
        let first = try bench.allocator.allocate(byteCount: 20_000)
        _ = try bench.allocator.allocate(byteCount: 20_000)
        #expect(bench.account.setMemoryLimit(21_000) == .max)
        #expect { try bench.allocator.allocate(byteCount: 20_000) } throws: { isMemoryError($0) }
        withExtendedLifetime(first) {}
        bench.expectSound()
    }

    @Test func oneAllocatorsCacheServesAnother() throws {
        let system = RecordedSystem()
        let account = MemoryAccount(memoryLimit: 10 << 20)
        let first = SlabAllocator(node: 0, account: account, system: system)
        let second = SlabAllocator(node: 1, account: account, system: system)
        _ = try first.allocate(byteCount: 8 << 20)
        #expect(account.cacheByteCount >= 8 << 20)
        let buffer = try second.allocate(byteCount: 8 << 20)
        #expect(buffer.node == 1 && account.residentByteCount <= 10 << 20)
        #expect(first.checkInvariants() == [] && second.checkInvariants() == [])
    }

    @Test(arguments: [0, 1 << 20]) func cacheLimitHolds(limit: Int) throws {
        let bench = Bench(cacheLimit: limit)
        for size in [100, 50_000, 900_000, 3 << 20, 70_000, 5 << 20] {
            _ = try bench.allocator.allocate(byteCount: size)
            #expect(bench.account.cacheByteCount <= limit)
        }
        bench.expectSound()
    }

    @Test func whatIsReclaimableIsWhatATrimGivesBack() throws {
        let bench = Bench()
        var live: [Buffer] = []
        var gone: [Buffer] = []
        for size in [10, 448, 3000, 50_000, 900_000, 3 << 20] {
            for _ in 0..<30 {
                live.append(try bench.allocator.allocate(byteCount: size))
                gone.append(try bench.allocator.allocate(byteCount: size))
            }
        }
        #expect(bench.allocator.reclaimableByteCount <= bench.account.cacheByteCount)
        gone = []
        let reclaimable = bench.allocator.reclaimableByteCount
        #expect(reclaimable > 90 << 20)
        #expect(bench.allocator.trim() == reclaimable)
        // Runs that hold one small buffer stay resident; nothing can be done about them.
        #expect(bench.allocator.reclaimableByteCount == 0 && bench.account.cacheByteCount > 0)
        live = []
        #expect(bench.allocator.reclaimableByteCount == bench.account.cacheByteCount)
        bench.allocator.trim()
        #expect(bench.account.cacheByteCount == 0)
        bench.expectSound()
    }

    @Test func thePeakStartsAgainWithTheNextBuffer() throws {
        let bench = Bench()
        let first = try bench.allocator.allocate(byteCount: 4 << 20)
        bench.account.resetPeaks()
        #expect(bench.account.peakActiveByteCount == 0)
        let second = try bench.allocator.allocate(byteCount: 1 << 20)
        #expect(bench.account.peakActiveByteCount == first.capacity + second.capacity)
    }

    @Test func peaksSeeTheCache() throws {
        let bench = Bench()
        _ = try bench.allocator.allocate(byteCount: 2 << 20)
        _ = try bench.allocator.allocate(byteCount: 4 << 20)
        #expect(bench.account.peakActiveByteCount < 5 << 20)
        #expect(bench.account.peakResidentByteCount >= 4 << 20)
        bench.allocator.trim()
        bench.account.resetPeaks()
        #expect(bench.account.peakResidentByteCount == 0)
    }

    @Test func decayGivesBackByAge() throws {
        let bench = Bench()
        let age: UInt64 = 1_000
        bench.allocator.decay(now: 10_000, age: age)
        _ = try bench.allocator.allocate(byteCount: 100_000)
        bench.allocator.decay(now: 10_500, age: age)
        #expect(bench.account.cacheByteCount > 0)
        _ = try bench.allocator.allocate(byteCount: 3 << 20)
        bench.allocator.decay(now: 11_100, age: age)
        let left = bench.account.cacheByteCount
        bench.expectSound()
        bench.allocator.decay(now: 20_000, age: age)
        #expect(left >= bench.account.cacheByteCount)
        #expect(bench.account.residentByteCount == 0)
        #expect(bench.system.mappings.isEmpty)
        bench.expectSound()
    }

    @Test func decaySparesWhatLives() throws {
        let bench = Bench()
        let buffer = try bench.allocator.allocate(byteCount: 64)
        buffer.pointer.storeBytes(of: 42, as: UInt8.self)
        do { _ = try bench.allocator.allocate(byteCount: 5 << 20) }
        bench.allocator.decay(now: 1 << 40)
        #expect(bench.system.discardedByteCount > 4 << 20)
        #expect(buffer.pointer.load(as: UInt8.self) == 42)
        #expect(bench.account.residentByteCount <= 128 << 10)
        bench.expectSound()
    }

    /// On the real system: what is given back leaves the process.
    @Test func residentMemoryFollows() throws {
        let allocator = SlabAllocator(
            node: 0, account: MemoryAccount(), system: LinuxSystem(topology: .system()))
        // Keeps the slab mapped, so that its pages can be asked about.
        let small = try allocator.allocate(byteCount: 1_000)
        var buffer: Buffer? = try allocator.allocate(byteCount: 40 << 20)
        let start = try #require(buffer).pointer
        let page = start + (4096 - Int(bitPattern: start) % 4096)
        let pageCount = (40 << 20) / 4096 - 1
        memset(start, 1, 40 << 20)
        func residentPageCount() -> Int {
            var flags = [UInt8](repeating: 0, count: pageCount)
            #expect(mincore(page, pageCount * 4096, &flags) == 0)
            return flags.count { $0 & 1 != 0 }
        }
        #expect(residentPageCount() == pageCount)
        buffer = nil
        allocator.decay(now: SlabAllocator.decayNanoseconds)
        #expect(residentPageCount() == 0)
        withExtendedLifetime(small) {}
    }

    @Test func injectedFailures() throws {
        let bench = Bench()
        for passing in 0..<5 {
            bench.allocator.failNext(2, after: passing)
            var failed: [Int] = []
            for number in 0..<8 {
                do { _ = try bench.allocator.allocate(byteCount: number * 9_000) } catch {
                    #expect(isMemoryError(error))
                    failed.append(number)
                }
            }
            #expect(failed == [passing, passing + 1])
        }
        bench.expectSound()
    }

    /// A fixed sequence with the nth mapping failing, for every n: whatever was refused, the
    /// allocator stays sound and the next request works.
    @Test func everyMappingFailsOnce() throws {
        func sequence(_ bench: Bench) -> Int {
            var failures = 0
            var live: [Buffer] = []
            for number in 0..<40 {
                let size = [50, 30_000, 1 << 20, 5 << 20, 20 << 20][number % 5]
                do { live.append(try bench.allocator.allocate(byteCount: size)) } catch {
                    #expect(error.kind == .memory)
                    failures += 1
                }
                if number % 3 == 2, !live.isEmpty { live.removeFirst() }
                bench.expectSound()
            }
            return failures
        }
        let plain = Bench(slabByteCount: 4 << 20)
        #expect(sequence(plain) == 0)
        for number in 0..<plain.system.mapCount {
            let bench = Bench(slabByteCount: 4 << 20)
            bench.system.failMaps([number])
            #expect(sequence(bench) <= 1)
            let all = Bench(slabByteCount: 4 << 20)
            all.system.failMaps(number...200)
            _ = sequence(all)
            all.allocator.trim()
            #expect(all.system.mappings.isEmpty)
            #expect(!all.system.refusals.all.isEmpty || number > 0)
        }
    }
}
