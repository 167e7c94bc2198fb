import CNUMA
import Glibc

/// What the allocator asks of the kernel. The allocator decides, this only carries out, so a
/// recording stand-in (`RecordedSystem`) can check every decision on any machine.
/// Invariant: a request that cannot be honoured and is not vital is recorded, never thrown.
package protocol SystemMemory: AnyObject, Sendable {
    /// Fresh zeroed memory at a multiple of 2 MiB, or nil when the system has none.
    func map(byteCount: Int) -> UnsafeMutableRawPointer?
    func unmap(_ pointer: UnsafeMutableRawPointer, byteCount: Int)
    /// Asks for huge pages.
    func adviseHugePages(_ pointer: UnsafeMutableRawPointer, byteCount: Int)
    /// Gives the pages back; the addresses stay ours and read as zero.
    func discard(_ pointer: UnsafeMutableRawPointer, byteCount: Int)
    /// Asks for pages of one node.
    func bind(_ pointer: UnsafeMutableRawPointer, byteCount: Int, node: Int)
}

/// What a team asks of the kernel.
package protocol SystemThreads: AnyObject, Sendable {
    /// Starts a thread; nil when the system refuses.
    func start(name: String, _ body: @escaping @Sendable () -> Void) -> SystemThread?
    /// Keeps the calling thread on a set of cores.
    func pinCurrentThread(name: String, cpus: [Int])
    /// What was refused so far.
    var refusals: Refusals { get }
}

/// A started thread, to be joined or let go exactly once.
package struct SystemThread: @unchecked Sendable {
    // SAFETY: a pthread_t is a name; any thread may join it, and the owner does so once.
    let handle: pthread_t
    package func join() { pthread_join(handle, nil) }
    package func detach() { pthread_detach(handle) }
    package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }
}

/// Linux itself.
package final class LinuxSystem: SystemMemory, SystemThreads {
    package static let hugePageByteCount = 2 << 20

    package let refusals: Refusals
    /// Binding is skipped on one node, where there is nothing to choose and containers refuse it.
    private let bindsNodes: Bool
    /// Cores that were made up cannot be pinned to.
    private let pinsThreads: Bool

    package init(topology: Topology, refusals: Refusals = Refusals()) {
        self.refusals = refusals
        self.bindsNodes = topology.isPhysical && topology.nodes.count > 1
        self.pinsThreads = topology.isPhysical
    }

    package func map(byteCount: Int) -> UnsafeMutableRawPointer? {
        let alignment = LinuxSystem.hugePageByteCount
        let (length, overflow) = byteCount.addingReportingOverflow(alignment)
        guard byteCount > 0, !overflow else { return nil }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let start = mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0),
            start != MAP_FAILED
        else {
            refusals.record("mmap", "\(byteCount) bytes", errorNumber: errno)
            return nil
        }
        // The kernel aligns to 4 KiB: map 2 MiB too much and give both ends back.
        let lead = (alignment - Int(bitPattern: start) % alignment) % alignment
        let base = start + lead
        if lead > 0 { munmap(start, lead) }
        let tail = length - lead - byteCount
        if tail > 0 { munmap(base + byteCount, tail) }
        return base
    }

    package func unmap(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        if munmap(pointer, byteCount) != 0 {
            refusals.record("munmap", "slab", errorNumber: errno)
        }
    }

    package func adviseHugePages(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        if madvise(pointer, byteCount, MADV_HUGEPAGE) != 0 {
            refusals.record("madvise", "MADV_HUGEPAGE", errorNumber: errno)
        }
    }

    package func discard(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        if madvise(pointer, byteCount, MADV_DONTNEED) != 0 {
            refusals.record("madvise", "MADV_DONTNEED", errorNumber: errno)
        }
    }

    package func bind(_ pointer: UnsafeMutableRawPointer, byteCount: Int, node: Int) {
        guard bindsNodes else { return }
        var mask = [UInt](repeating: 0, count: node / UInt.bitWidth + 1)
        mask[node / UInt.bitWidth] |= 1 << UInt(node % UInt.bitWidth)
        // Preferred, not strict: when the node is full the next one serves, instead of the
        // process being killed. The kernel reads one bit less than it is told.
        let bits = UInt(mask.count * UInt.bitWidth + 1)
        if mbind(pointer, UInt(byteCount), MPOL_PREFERRED, &mask, bits, 0) != 0 {
            refusals.record("mbind", "node \(node)", errorNumber: errno)
        }
    }

    package func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) -> SystemThread? {
        let box = Unmanaged.passRetained(ThreadBody(name: name, body: body))
        var handle = pthread_t()
        let status = pthread_create(&handle, nil, runThreadBody, box.toOpaque())
        guard status == 0 else {
            box.release()
            refusals.record("pthread_create", name, errorNumber: status)
            return nil
        }
        return SystemThread(handle: handle)
    }

    package func pinCurrentThread(name: String, cpus: [Int]) {
        // libnuma's mask has room for every core the kernel knows, a fixed cpu_set_t has not.
        guard pinsThreads, let mask = numa_allocate_cpumask() else { return }
        defer { numa_bitmask_free(mask) }
        for cpu in cpus where cpu >= 0 && UInt(cpu) < mask.pointee.size {
            numa_bitmask_setbit(mask, UInt32(cpu))
        }
        // Zero names the calling thread.
        if numa_sched_setaffinity(0, mask) < 0 {
            refusals.record("sched_setaffinity", "cpus \(cpus)", errorNumber: errno)
        }
    }
}

private final class ThreadBody {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // SAFETY: `argument` is the retained box that `start` passed, consumed exactly here.
    let box = Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue()
    if let file = fopen("/proc/thread-self/comm", "w") {
        // The kernel keeps 15 characters of a thread's name.
        fputs(String(box.name.prefix(15)), file)
        fclose(file)
    }
    box.body()
    return nil
}
