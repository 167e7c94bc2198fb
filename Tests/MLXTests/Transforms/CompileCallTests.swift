import Foundation
import MLX
import MLXBase
import MLXMemory
import Testing

/// Compiled functions that call each other, themselves and wait for other threads: no lock is held
/// while a user's function runs. Each runs with a limit, because a mistake here is a deadlock.
@Suite("Calls of compiled functions", .timeLimit(.minutes(2))) struct CompileCallTests {
    private final class Reference: @unchecked Sendable {
        // SAFETY: set before the threads that read it start.
        var function: (@Sendable (MLXArray) -> MLXArray)!
    }

    private func number(_ value: Float) -> MLXArray { MLXArray(value) }

    @Test("one compiled function calls another, and both see its state") func calls() {
        let total = number(0)
        let inner = compile(inputs: [total], outputs: [total]) { (x: MLXArray) -> MLXArray in
            total._updateInternal(total + x)
            return total * 2
        }
        let outer = compile(inputs: [total], outputs: [total]) { (x: MLXArray) -> MLXArray in
            inner(x) + inner(x * 10)
        }
        #expect(outer(number(1)).item(Float.self) == 2 + 22)
        #expect(outer(number(1)).item(Float.self) == 24 + 44)
        #expect(total.item(Float.self) == 22)
    }

    @Test("a compiled function calls itself, with state and without") func recursive() {
        for state in [[], [number(1)]] {
            let reference = Reference()
            reference.function = compile(inputs: state) { (x: MLXArray) -> MLXArray in
                // The shape says when to stop: each length is a recording of its own.
                let scale = state.first ?? MLXArray(1 as Float)
                return x.size == 1 ? x * scale : x[0] * scale + reference.function(x[1...])
            }
            let x = MLXArray([1, 2, 3, 4, 5] as [Float])
            #expect(reference.function(x).sum().item(Float.self) == 15)
            #expect(reference.function(x * 2).sum().item(Float.self) == 30)
        }
    }

    @Test("two functions call each other from two threads at once") func crossing() async {
        for round in 1...20 {
            let (first, second) = (Reference(), Reference())
            first.function = compile { (x: MLXArray) -> MLXArray in
                x.size == 1 ? x : second.function(x[1...]) + 1
            }
            second.function = compile { (x: MLXArray) -> MLXArray in
                x.size == 1 ? x * 2 : first.function(x[1...]) + 3
            }
            let length = 2 + round % 3
            async let left = Task.detached {
                first.function(MLXArray.ones([length])).item(Float.self)
            }.value
            async let right = Task.detached {
                second.function(MLXArray.ones([length])).item(Float.self)
            }.value
            let wanted: [Int: (Float, Float)] = [2: (3, 4), 3: (5, 6), 4: (7, 8)]
            let (a, b) = await (left, right)
            #expect((a, b) == wanted[length]!)
        }
    }

    @Test("a function waits for another thread that calls it") func waiting() {
        let reference = Reference()
        let results = Locked<[Float]>([])
        reference.function = compile { (x: MLXArray) -> MLXArray in
            if x.size > 1 {
                let done = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    let value = reference.function(MLXArray([7] as [Float])).item(Float.self)
                    results.withLock { $0.append(value) }
                    done.signal()
                }
                done.wait()
            }
            return x.sum() + 1
        }
        #expect(reference.function(MLXArray.ones([3])).item(Float.self) == 4)
        #expect(results.withLock { $0 } == [8])
    }

    @Test("calls from many threads have the state one after the other") func state() async {
        let total = number(0)
        let add = compile(inputs: [total], outputs: [total]) { (x: MLXArray) -> MLXArray in
            total._updateInternal(total + x.sum())
            return total * 1
        }
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    // Several lengths, so that some calls record while others replay.
                    for call in 0..<25 { _ = add(MLXArray.ones([1 + (task + call) % 4])) }
                }
            }
        }
        let wanted = (0..<8).flatMap { task in (0..<25).map { 1 + (task + $0) % 4 } }.reduce(0, +)
        #expect(total.item(Float.self) == Float(wanted))
    }

    @Test("who waits for itself in a circle goes on, after a while") func circle() {
        let lease = StateLease()
        #expect(lease.take(waiting: 1) && lease.take(waiting: 1))
        let outcome = Locked<Bool?>(nil)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            outcome.withLock { $0 = lease.take(waiting: 1) }
            done.signal()
        }
        done.wait()
        #expect(outcome.withLock { $0 } == false)
        lease.end()
        lease.end()
        Thread.detachNewThread {
            outcome.withLock { $0 = lease.take(waiting: 1) }
            lease.end()
            done.signal()
        }
        done.wait()
        #expect(outcome.withLock { $0 } == true)
    }
}
