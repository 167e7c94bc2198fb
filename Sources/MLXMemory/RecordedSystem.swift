import Glibc
import MLXBase

/// A system that writes down what it was asked, for tests and simulation on topologies that the
/// machine does not have. Memory and threads are real, binding and pinning are only noted, and
/// any mapping can be made to fail.
package final class RecordedSystem: SystemMemory, SystemThreads {
    package struct Mapping: Sendable, Equatable {
        package var address: Int
        package var byteCount: Int
        package var node: Int?
        package var hasHugePages = false
    }

    package struct Pinning: Sendable, Equatable {
        package var name: String
        package var cpus: [Int]
    }

    private struct State {
        var mappings: [Mapping] = []
        var pinnings: [Pinning] = []
        var mapCount = 0
        var discardedByteCount = 0
        var failingMaps: Set<Int> = []
        var threadsLeft = Int.max
        var refusesBinding = false
        var faults: [String] = []
    }

    package let refusals = Refusals()
    private let state = Locked(State())
    private let linux: LinuxSystem

    package init() {
        linux = LinuxSystem(topology: .fake(nodes: 1))
    }

    package var mappings: [Mapping] { state.withLock { $0.mappings } }
    package var pinnings: [Pinning] { state.withLock { $0.pinnings } }
    /// How many mappings were asked for, failed ones too.
    package var mapCount: Int { state.withLock { $0.mapCount } }
    package var discardedByteCount: Int { state.withLock { $0.discardedByteCount } }
    /// Requests that make no sense, such as discarding memory that is not mapped.
    package var faults: [String] { state.withLock { $0.faults } }

    /// Makes the mappings with these numbers, counted from zero, fail.
    package func failMaps(_ numbers: some Sequence<Int>) {
        state.withLock { $0.failingMaps.formUnion(numbers) }
    }

    /// Allows so many threads more.
    package func limitThreads(_ count: Int) { state.withLock { $0.threadsLeft = count } }

    package func refuseBinding() { state.withLock { $0.refusesBinding = true } }

    /// The node that the page of `pointer` was bound to.
    package func node(of pointer: UnsafeRawPointer) -> Int? {
        let address = Int(bitPattern: pointer)
        return state.withLock { state in
            state.mappings.first {
                $0.address <= address && address < $0.address + $0.byteCount
            }?.node
        }
    }

    package func map(byteCount: Int) -> UnsafeMutableRawPointer? {
        let fails = state.withLock { state in
            defer { state.mapCount += 1 }
            return state.failingMaps.contains(state.mapCount)
        }
        guard !fails, let pointer = linux.map(byteCount: byteCount) else {
            refusals.record("mmap", "\(byteCount) bytes", errorNumber: ENOMEM)
            return nil
        }
        let mapping = Mapping(address: Int(bitPattern: pointer), byteCount: byteCount)
        state.withLock { $0.mappings.append(mapping) }
        return pointer
    }

    package func unmap(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        let address = Int(bitPattern: pointer)
        state.withLock { state in
            let before = state.mappings.count
            state.mappings.removeAll { $0.address == address && $0.byteCount == byteCount }
            if state.mappings.count != before - 1 { state.faults.append("unmap of no mapping") }
        }
        linux.unmap(pointer, byteCount: byteCount)
    }

    package func adviseHugePages(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        note(pointer, byteCount, "huge pages") { $0.hasHugePages = true }
    }

    package func discard(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        note(pointer, byteCount, "discard") { _ in }
        state.withLock { $0.discardedByteCount += byteCount }
        linux.discard(pointer, byteCount: byteCount)
    }

    package func bind(_ pointer: UnsafeMutableRawPointer, byteCount: Int, node: Int) {
        if state.withLock({ $0.refusesBinding }) {
            refusals.record("mbind", "node \(node)", errorNumber: EPERM)
        } else {
            note(pointer, byteCount, "bind") { $0.node = node }
        }
    }

    private func note(
        _ pointer: UnsafeMutableRawPointer, _ byteCount: Int, _ call: String,
        _ change: (inout Mapping) -> Void
    ) {
        let address = Int(bitPattern: pointer)
        state.withLock { state in
            let index = state.mappings.firstIndex {
                $0.address <= address && address + byteCount <= $0.address + $0.byteCount
            }
            if let index {
                change(&state.mappings[index])
            } else {
                state.faults.append("\(call) outside of any mapping")
            }
        }
    }

    package func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) -> SystemThread? {
        let isAllowed = state.withLock { state in
            guard state.threadsLeft > 0 else { return false }
            if state.threadsLeft != .max { state.threadsLeft -= 1 }
            return true
        }
        guard isAllowed else {
            refusals.record("pthread_create", name, errorNumber: EAGAIN)
            return nil
        }
        return linux.start(name: name, body)
    }

    package func pinCurrentThread(name: String, cpus: [Int]) {
        state.withLock { $0.pinnings.append(Pinning(name: name, cpus: cpus)) }
    }
}
