/// One thing a team does with its token held.
enum WorkItem {
    /// A job of Swift concurrency.
    case job(UnownedJob)
    /// A message of the engine.
    case work(@Sendable () -> Void)
}

/// A growing ring of work items, first in, first out. It holds no lock of its own.
/// Invariant: items at `head ..< head + count` (modulo the capacity, a power of two) are
/// initialized, no others.
struct WorkQueue {
    private var items: UnsafeMutablePointer<WorkItem>
    private var capacity: Int
    private var head = 0
    private(set) var count = 0

    init() {
        capacity = 64
        items = .allocate(capacity: capacity)
    }

    var isEmpty: Bool { count == 0 }

    mutating func push(_ item: WorkItem) {
        if count == capacity { grow() }
        (items + ((head + count) & (capacity - 1))).initialize(to: item)
        count += 1
    }

    mutating func pop() -> WorkItem? {
        guard count > 0 else { return nil }
        let item = (items + head).move()
        head = (head + 1) & (capacity - 1)
        count -= 1
        return item
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<WorkItem>.allocate(capacity: capacity * 2)
        let untilEnd = capacity - head
        larger.moveInitialize(from: items + head, count: untilEnd)
        (larger + untilEnd).moveInitialize(from: items, count: head)
        items.deallocate()
        items = larger
        head = 0
        capacity *= 2
    }

    mutating func destroy() {
        while pop() != nil {}
        items.deallocate()
    }
}
