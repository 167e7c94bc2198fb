import Foundation
import MLX
import Testing

/// What a program may do to an evaluation while it runs, and what the system may do to the
/// program: rows 24 and 25 of the catalogue of bad input. What concerns the whole process happens
/// in processes of their own.
@Suite("Hostile runtimes") struct HostileRuntimeTests {
    /// A chain of additions long enough that others can interfere.
    private static func chain(_ x: MLXArray, _ count: Int) -> MLXArray {
        (0..<count).reduce(x) { sum, step in sum + Float(step % 2) }
    }

    /// Pages of address space in use.
    private static func addressPages() throws -> UInt {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return UInt(text.split(separator: " ")[0])!
    }

    /// Sanitizers map terabytes of shadow, and end a process that forks threads or has no memory.
    private static func isUnderSanitizer() -> Bool {
        ((try? addressPages()) ?? 0) > (1 << 40) / UInt(getpagesize())
    }

    // MARK: - Row 24

    @Test("a compiled function whose first recording failed is recorded again")
    func failedFirstTrace() async throws {
        let plus = compile { (a: MLXArray, b: MLXArray) in a + b }
        for _ in 0..<3 {
            let error = await #expect(throws: ArrayError.self) {
                try await evaluate(plus(ones([2]), ones([3])))
            }
            #expect(error?.operation == "broadcast_shapes")
        }
        #expect(try await plus(ones([2]), ones([2])).values(Float.self) == [2, 2])
        let calls = Counter()
        let second = compile { (x: MLXArray) in calls.next() == 1 ? x + ones([3]) : x * 2 }
        await #expect(throws: ArrayError.self) { try await evaluate(second(ones([2]))) }
        #expect(try await second(ones([2])).values(Float.self) == [2, 2])
        #expect(try await second(ones([2])).values(Float.self) == [2, 2])
    }

    @Test("more than 100 fused operations, first and from the cache", arguments: [101, 1000])
    func longFusion(count: Int) async throws {
        let long = compile { (x: MLXArray) in HostileRuntimeTests.chain(x, count) }
        let many = compile { (arrays: [MLXArray]) -> [MLXArray] in
            let sum = arrays.reduce(MLXArray(0 as Float), +)
            return arrays.map { HostileRuntimeTests.chain($0 * sum, count / 10) }
        }
        for _ in 0..<3 {
            let values = try await long(zeros([5])).values(Float.self)
            #expect(values == [Float](repeating: Float(count / 2), count: 5))
            let results = many((0..<40).map { _ in ones([3]) })
            try await evaluate(results)
            let expected = 40 + Float(count / 10 / 2)
            #expect(try await results[39].values(Float.self) == [expected, expected, expected])
        }
    }

    // MARK: - Row 25

    @Test("a cancelled evaluation stops or finishes, and what follows is right")
    func cancelled() async throws {
        for round in 0..<30 {
            let x = HostileRuntimeTests.chain(zeros([1000 * round + 1]), 400)
            let task = Task { try await evaluate(x) }
            if round % 3 > 0 { await Task.yield() }
            task.cancel()
            if case .failure(let error) = await task.result {
                #expect(error is CancellationError)
            }
            #expect(try await x.max().value(Float.self) == 200)
        }
    }

    @Test("the last reference goes while the evaluation runs") func dropped() async throws {
        for round in 0..<50 {
            var x: MLXArray? = HostileRuntimeTests.chain(zeros([1000 * round + 1]), 100)
            asyncEval(x!)
            x = nil
            let task = Task {
                try await evaluate(HostileRuntimeTests.chain(zeros([1000 * round + 1]), 100))
            }
            if round % 2 == 0 { try await task.value }
        }
        #expect(try await (ones([2]) + 1).values(Float.self) == [2, 2])
    }

    @Test("two tasks evaluate graphs that overlap") func overlapping() async throws {
        for _ in 0..<50 {
            let shared = HostileRuntimeTests.chain(zeros([2000]), 50)
            try await withThrowingTaskGroup(of: Float.self) { group in
                for task in 1...2 {
                    group.addTask { try await (shared * Float(task)).max().value(Float.self) }
                }
                let sum = try await group.reduce(0, +)
                #expect(sum == 25 + 50)
            }
        }
    }

    @Test("many tasks draw from the global state, and no draw comes twice")
    func draws() async throws {
        let all = try await withThrowingTaskGroup(of: [UInt32].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var mine: [UInt32] = []
                    for _ in 0..<100 {
                        let bits = MLXRandom.randInt(low: 0, high: Int32.max, [2])
                        let pair = try await bits.asType(.uint32).values(UInt32.self)
                        mine.append(pair[0] ^ (pair[1] << 1))
                    }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(all.count == 800 && Set(all).count > 795)
    }

    @Test("a forked child ends, and its parent goes on") func fork() async {
        await #expect(processExitsWith: .success) {
            let x = HostileRuntimeTests.chain(zeros([100_000]), 20)
            try await evaluate(x)
            if HostileRuntimeTests.isUnderSanitizer() { return }
            typealias Fork = @convention(c) () -> pid_t
            let fork = unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)
            for way in 0..<2 {
                let child = fork()
                if child == 0 {
                    // What the parent computed is the child's too; its threads are not.
                    alarm(20)
                    if x.size != 100_000 { _exit(1) }
                    way == 0 ? _exit(7) : exit(7)
                }
                var status: Int32 = 0
                while waitpid(child, &status, 0) < 0, errno == EINTR {}
                if status != 7 << 8 { exit(2) }
                if try await (x + 1).max().value(Float.self) != 11 { exit(3) }
            }
        }
    }

    @Test("signals interrupt system calls, and nothing else") func signals() async {
        await #expect(processExitsWith: .success) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in }
            if sigaction(SIGALRM, &action, nil) != 0 { exit(1) }
            var timer = itimerval(
                it_interval: timeval(tv_sec: 0, tv_usec: 500),
                it_value: timeval(tv_sec: 0, tv_usec: 500))
            if setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil) != 0 { exit(2) }
            let url = FileManager.default.temporaryDirectory
                .appendingPathComponent(UUID().uuidString + ".safetensors")
            for round in 0..<60 {
                let x = HostileRuntimeTests.chain(zeros([20_000]), 40)
                try save(arrays: ["x": x], url: url)
                let back = try loadArrays(url: url)["x"]!
                if try await back.max().value(Float.self) != 20 { exit(3) }
                eval(HostileRuntimeTests.chain(zeros([round + 1]), 10))
            }
            timer = itimerval()
            setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
            try? FileManager.default.removeItem(at: url)
        }
    }

    @Test("the system refuses memory") func noMemory() async {
        await #expect(processExitsWith: .success) {
            eval(ones([1000]) + 1)
            if HostileRuntimeTests.isUnderSanitizer() { return }
            let pages = try HostileRuntimeTests.addressPages()
            var old = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &old)
            var small = old
            small.rlim_cur = rlim_t(pages * UInt(getpagesize()) + (256 << 20))
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &small)
            do {
                try await evaluate(ones([1 << 28]) + arange(1 << 28, dtype: .float32))
                exit(1)
            } catch let error as ArrayError where error.kind == .memory {}
            do {
                try withError { eval(arange(1 << 28, dtype: .float32)) }
                exit(2)
            } catch {}
            if try await (arange(1000, dtype: .float32) + 1).max().value(Float.self) != 1000 {
                exit(3)
            }
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &old)
            if try await (ones([1 << 26]) + 1).max().value(Float.self) != 2 { exit(4) }
        }
    }

    @Test("one processor is enough") func oneProcessor() async {
        await #expect(processExitsWith: .success) {
            typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32
            let get = unsafeBitCast(dlsym(nil, "sched_getaffinity"), to: Affinity.self)
            let set = unsafeBitCast(dlsym(nil, "sched_setaffinity"), to: Affinity.self)
            var cores = [UInt64](repeating: 0, count: 16)
            if get(0, 128, &cores) < 0 { exit(1) }
            let word = cores.firstIndex { $0 != 0 }!
            let first = cores[word] & (~cores[word] + 1)
            cores = cores.indices.map { $0 == word ? first : 0 }
            if set(0, 128, &cores) != 0 { exit(1) }
            let x = HostileRuntimeTests.chain(zeros([500_000]), 30)
            let product = matmul(ones([128, 128]), ones([128, 128]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await evaluate(x, product) } }
                try await group.waitForAll()
            }
            if try await x.max().value(Float.self) != 15 { exit(2) }
            if try await product.min().value(Float.self) != 128 { exit(3) }
        }
    }

    private final class Counter: @unchecked Sendable {
        // SAFETY: the count is only touched under the lock.
        private let lock = NSLock()
        private var count = 0
        func next() -> Int {
            lock.withLock {
                count += 1
                return count
            }
        }
    }
}
