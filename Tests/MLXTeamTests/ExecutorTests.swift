import Glibc
import MLXMemory
import Testing

@testable import MLXRuntime

/// The main actor as one of the many that want a team's actor.
@MainActor private func incrementFromMain(_ counter: Counter, times: Int) async {
    for _ in 0..<times { await counter.increment() }
}

private func enterWithoutToken(_ counter: Counter) {
    counter.assumeIsolated { $0.increment() }
}

@Suite(.serialized, .timeLimit(.minutes(2))) struct ExecutorTests {
    @Test func actorsOfATeamShareItsToken() async {
        await withTeam { team in
            let (a, b) = (Counter(team), Counter(team))
            for _ in 0..<200 {
                await a.increment()
                await a.incrementThrough(b)
                await b.incrementBlocking()
            }
            let values = (await a.value, await b.value)
            #expect(values == (400, 400))
        }
    }

    @Test func preferringTasksRunOnTheTeam() async {
        await withTeam { team in
            let counter = Counter(team)
            let inside = await Task(executorPreference: team) {
                var inside = team.holdsToken
                for _ in 0..<100 {
                    await counter.increment()
                    await Task.yield()
                    inside = inside && team.holdsToken
                }
                await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<10 { group.addTask { team.holdsToken } }
                    for await child in group { inside = inside && child }
                }
                return inside
            }.value
            #expect(inside)
            #expect(await counter.value == 100)
        }
    }

    /// A continuation resumed by a thread of nobody's comes back to where it was awaited.
    @Test func foreignThreadsResumeOntoTheTeam() async {
        await withTeam { team in
            let back = await Task(executorPreference: team) {
                var back = 0
                for _ in 0..<300 {
                    await withCheckedContinuation { continuation in
                        plainThread { continuation.resume() }.detach()
                    }
                    if team.holdsToken { back += 1 }
                }
                return back
            }.value
            #expect(back == 300)
        }
    }

    @Test func aPlainThreadWithTheTokenEntersActors() async {
        await withTeam { team in
            let counter = Counter(team)
            let outside = team.isIsolatingCurrentContext()
            #expect(outside == false)
            plainThread {
                team.withToken {
                    counter.preconditionIsolated()
                    for _ in 0..<1_000 { counter.assumeIsolated { $0.increment() } }
                    team.withToken { counter.assumeIsolated { $0.increment() } }
                }
            }.join()
            #expect(await counter.value == 1_001)
            team.withToken { counter.assumeIsolated { $0.increment() } }
            #expect(await counter.value == 1_002)
            #expect(!team.holdsToken)
        }
    }

    @Test func withoutTheTokenEntryTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = setenv("SWIFT_BACKTRACE", "enable=no", 1)
            let team = Team(
                name: "t", cpus: [0], threadCount: 1,
                system: LinuxSystem(topology: .fake(nodes: 1)))
            enterWithoutToken(Counter(team))
        }
    }

    /// Blocked threads, jobs, messages and the main actor at once: all of them get on.
    @Test func everybodyMakesProgress() async {
        await withTeam { team in
            let counter = Counter(team)
            let posted = Tally()
            let threads = (0..<64).map { _ in
                plainThread {
                    for _ in 0..<50 {
                        team.withToken { counter.assumeIsolated { $0.increment() } }
                    }
                }
            }
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<50 {
                            await counter.increment()
                            team.post { posted.add() }
                        }
                    }
                    group.addTask(executorPreference: team) {
                        for _ in 0..<50 { await counter.incrementBlocking() }
                    }
                    group.addTask { await incrementFromMain(counter, times: 50) }
                    group.addTask {
                        for _ in 0..<50 {
                            team.withToken { counter.assumeIsolated { $0.increment() } }
                        }
                    }
                }
            }
            for thread in threads { thread.join() }
            #expect(await counter.value == 64 * 50 + 8 * 200)
            // The last message was posted before the last job was enqueued.
            #expect(posted.value == 8 * 50)
        }
    }

    @Test func tokenIsExclusiveAndErrorsPass() async {
        struct Stop: Error {}
        await withTeam { team in
            nonisolated(unsafe) var plain = 0
            let threads = (0..<4).map { _ in
                plainThread { for _ in 0..<5_000 { team.withToken { plain += 1 } } }
            }
            for thread in threads { thread.join() }
            #expect(plain == 20_000)
            #expect(throws: Stop.self) { try team.withToken { () throws(Stop) in throw Stop() } }
            #expect(!team.holdsToken)
        }
    }

    @Test func messagesRunInOrderWithTheToken() async {
        await withTeam { team in
            nonisolated(unsafe) var seen: [Int] = []
            let held = Tally()
            for number in 0..<1_000 {
                team.post {
                    if team.holdsToken { held.add() }
                    seen.append(number)
                }
            }
            while held.value < 1_000 { await Task.yield() }
            team.withToken { #expect(seen == Array(0..<1_000)) }
        }
    }

    /// While a caller blocks the token no job runs, whatever is queued.
    @Test func holdersNeverRunJobs() async {
        await withTeam { team in
            let ran = Tally()
            team.withToken {
                for _ in 0..<100 { team.post { ran.add() } }
                usleep(20_000)
                #expect(ran.value == 0)
            }
            while ran.value < 100 { await Task.yield() }
        }
    }

    @Test func manyTeamsComeAndGo() async {
        for number in 0..<60 {
            await withTeam(threads: 1 + number % 4) { team in
                let counter = Counter(team)
                await counter.increment()
                let sum = Tally()
                team.withToken {
                    team.run(chunks: 9, nanoseconds: 1_000_000) { sum.add($0) }
                }
                #expect(sum.value == 36)
            }
        }
    }

    @Test func workAfterShutdownRunsWhereItIsBrought() async {
        let team = Team(
            name: "late", cpus: [0], threadCount: 2,
            system: LinuxSystem(topology: .fake(nodes: 1)))
        let counter = Counter(team)
        let queued = Tally()
        for _ in 0..<10 { team.post { queued.add() } }
        team.shutdown()
        #expect(queued.value == 10)
        await counter.increment()
        #expect(await counter.value == 1)
        team.withToken {
            team.post { queued.add() }
            #expect(queued.value == 10)
        }
        #expect(queued.value == 11)
    }

    @Test func shutdownFromAJob() async {
        let team = Team(
            name: "self", cpus: [0], threadCount: 2,
            system: LinuxSystem(topology: .fake(nodes: 1)))
        let done = Tally()
        team.post {
            team.shutdown()
            done.add()
        }
        while done.value == 0 { await Task.yield() }
    }

    @Test(arguments: 0...3) func refusedThreadsAreDoneWithout(allowed: Int) async {
        let system = RecordedSystem()
        system.limitThreads(allowed)
        await withTeam(threads: 4, system: system) { team in
            // The workers come first: what is missing at the end is the runner.
            #expect(team.width == 1 + min(3, allowed))
            let counter = Counter(team)
            await counter.increment()
            await counter.incrementBlocking()
            #expect(await counter.value == 2)
            #expect(!system.refusals.all.isEmpty)
        }
    }

    @Test func everyThreadIsPinnedToTheTeamsCores() async {
        let system = RecordedSystem()
        let topology = Topology.fake(nodes: 3, cpusPerNode: 2)
        let teams = topology.placement(deviceCount: 3).teams.map { placement in
            Team(
                name: "n\(placement.node)", cpus: placement.cpus,
                threadCount: placement.threadCount, system: system)
        }
        for team in teams { team.shutdown() }
        // Of each team the runner, the driver and one worker.
        #expect(system.pinnings.count == 9)
        for pinning in system.pinnings {
            let node = Int(pinning.name.dropFirst().prefix(1))
            #expect(node.map { topology.nodes[$0].cpus } == pinning.cpus)
        }
    }

    @Test func anIdleTeamUsesNoProcessor() async throws {
        try await withTeam(threads: 3) { team in
            team.withToken { team.run(chunks: 30, nanoseconds: 1_000_000) { _ in } }
            // Other suites may run beside this one, so only this team's threads are looked at.
            usleep(50_000)
            let before = try threadTicks("test")
            usleep(300_000)
            #expect(try threadTicks("test") - before <= 1)
        }
    }

    /// Processor time of the threads with a name, in ticks of 10 ms.
    private func threadTicks(_ name: String) throws -> Int {
        var ticks = 0
        guard let folder = opendir("/proc/self/task") else { return 0 }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let id = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let file = fopen("/proc/self/task/\(id)/stat", "r") else { continue }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1024)
            let count = fread(&bytes, 1, bytes.count, file)
            let text = String(decoding: bytes[0..<count], as: UTF8.self)
            guard text.contains("(\(name)"), let end = text.lastIndex(of: ")") else { continue }
            let fields = text[end...].split(separator: " ")
            ticks += (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
        }
        return ticks
    }
}
