import Glibc
import MLXMemory
import Synchronization
import Testing

@testable import MLXRuntime

/// Chunks over a team's threads: each runs once, on whoever claims it, or on the caller alone.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FanOutTests {
    @Test(arguments: 1...4) func everyChunkRunsOnce(threads: Int) async {
        await withTeam(threads: threads) { team in
            #expect(team.width == threads)
            team.withToken {
                team.beginTurn()
                defer { team.endTurn() }
                for chunks in [0, 1, 2, 3, 8, 64, 1000] {
                    for round in 0..<20 {
                        let counts = UnsafeMutablePointer<Int>.allocate(capacity: chunks + 1)
                        counts.initialize(repeating: 0, count: chunks + 1)
                        defer { counts.deallocate() }
                        nonisolated(unsafe) let cells = counts
                        team.run(chunks: chunks, nanoseconds: round * 20_000) { cells[$0] += 1 }
                        for chunk in 0..<chunks { #expect(counts[chunk] == 1) }
                        #expect(counts[chunks] == 0)
                    }
                }
            }
        }
    }

    @Test func workersTakePart() async {
        await withTeam(threads: 2) { team in
            let others = Tally()
            team.withToken {
                let caller = pthread_self()
                team.beginTurn()
                for _ in 0..<50 {
                    team.run(chunks: 8, nanoseconds: 10_000_000) { _ in
                        if pthread_self() != caller { others.add() }
                        usleep(200)
                    }
                }
                team.endTurn()
            }
            // How many depends on what else the machine does.
            #expect(others.value > 0)
        }
    }

    @Test func littleWorkWakesNobody() async {
        await withTeam(threads: 2) { team in
            while team.sleepingWorkerCount < 1 { usleep(1_000) }
            let others = Tally()
            team.withToken {
                let caller = pthread_self()
                team.beginTurn()
                for _ in 0..<20 {
                    team.run(chunks: 4, nanoseconds: 1_000) { _ in
                        if pthread_self() != caller { others.add() }
                        usleep(50)
                    }
                }
                team.endTurn()
            }
            #expect(others.value == 0)
        }
    }

    @Test func nestedFanOutsAreSerial() async {
        await withTeam(threads: 3) { team in
            let sum = Tally()
            team.withToken {
                team.beginTurn()
                defer { team.endTurn() }
                team.run(chunks: 12, nanoseconds: 1_000_000) { outer in
                    let thread = pthread_self()
                    team.run(chunks: 5, nanoseconds: 1_000_000) { inner in
                        #expect(pthread_self() == thread)
                        sum.add(outer * 5 + inner)
                    }
                }
            }
            #expect(sum.value == 60 * 59 / 2)
        }
    }

    @Test func withoutTheTurnTheCallerDoesItAll() async {
        await withTeam(threads: 2) { team in
            let thread = pthread_self()
            team.run(chunks: 10, nanoseconds: 1_000_000) { _ in
                #expect(pthread_self() == thread)
            }
        }
    }

    /// Fan-outs from jobs, messages and blocked callers, one after the other on one team.
    @Test func manyCallersFanOut() async {
        await withTeam(threads: 3) { team in
            let sum = Tally()
            let work: @Sendable () -> Void = {
                team.beginTurn()
                team.run(chunks: 16, nanoseconds: 100_000) { sum.add($0) }
                team.run(chunks: 3, nanoseconds: 0) { sum.add($0) }
                team.endTurn()
            }
            let threads = (0..<8).map { _ in
                plainThread { for _ in 0..<100 { team.withToken(work) } }
            }
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask(executorPreference: team) { for _ in 0..<100 { work() } }
                }
            }
            for _ in 0..<100 { team.post(work) }
            for thread in threads { thread.join() }
            while sum.value < 1_700 * 123 { await Task.yield() }
            #expect(sum.value == 1_700 * 123)
        }
    }

    @Test func theThresholdCanBeCalibrated() async {
        await withTeam(threads: 2) { team in
            while team.sleepingWorkerCount < 1 { usleep(1_000) }
            team.withToken {
                team.beginTurn()
                defer { team.endTurn() }
                team.setWakeThreshold(nanoseconds: 0)
                let others = Tally()
                let caller = pthread_self()
                team.run(chunks: 40, nanoseconds: 1) { _ in
                    if pthread_self() != caller { others.add() }
                    usleep(1_000)
                }
                #expect(others.value > 0)
            }
        }
    }
}
