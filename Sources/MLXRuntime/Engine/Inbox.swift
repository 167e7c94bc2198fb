import MLXMemory
import Synchronization

/// Where the scheduler leaves command lists for a device, whichever thread the device's team has
/// at the moment. The scheduler hands out the lists of one run after those of the run before, so
/// all devices have the runs in the same order and none waits for one that is behind it.
package final class Inbox: Sendable {
    private let lists = Locked<[CommandList]>([])
    /// Lists handed over and not ended.
    private let openCount = Atomic<Int>(0)
    private let arrivedCount = Atomic<Int>(0)

    func push(_ list: CommandList) {
        lists.withLock { $0.append(list) }
        openCount.wrappingAdd(1, ordering: .acquiringAndReleasing)
        arrivedCount.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    /// What has arrived since the last call, in order. Called by the device only.
    func take() -> [CommandList] {
        guard arrivedCount.load(ordering: .acquiring) > 0 else { return [] }
        return lists.withLock { lists in
            arrivedCount.wrappingSubtract(lists.count, ordering: .relaxed)
            defer { lists = [] }
            return lists
        }
    }

    func noteEnd() { openCount.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

    /// Whether the device has anything to do or to wait for. Written as a read-modify-write, as
    /// `push` is: of a device that completes a step and a scheduler that hands over a list which
    /// waits for that step, one sees what the other did.
    var isOpen: Bool {
        openCount.wrappingAdd(0, ordering: .acquiringAndReleasing).oldValue > 0
    }
}
