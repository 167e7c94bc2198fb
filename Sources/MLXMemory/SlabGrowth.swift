import MLXBase

/// The slow paths of the allocator: carving blocks and runs, asking the system for more, and
/// refusing. Each step that needs memory first tries what is free, then what is kept for other
/// classes, then other allocators' caches, then the system.
extension SlabAllocator {
    private enum Outcome {
        case block(BlockPointer)
        case overLimit
        case systemRefused
    }

    @inline(never)
    func allocateSlowly(_ byteCount: Int) throws(ArrayError) -> Buffer {
        lock.lock()
        let injected = consumeInjectedFailure()
        lock.unlock()
        if injected { throw refusal(byteCount, "the allocation was made to fail") }
        if let buffer = attempt(byteCount, ignoringFailures: true) { return buffer }
        let isSmall = byteCount <= SizeClass.largestSmall
        let size = blockByteCount(byteCount)
        var attempt = 0
        while true {
            lock.lock()
            let outcome =
                account.memoryLimit - account.activeByteCount < size
                ? .overLimit : carve(byteCount, size)
            if case .block(let block) = outcome {
                let buffer = handOut(block, byteCount, isSmall: isSmall)
                lock.unlock()
                if let buffer { return buffer }
            } else {
                lock.unlock()
            }
            attempt += 1
            // What the others keep may be just what is missing. Their locks are taken in turn,
            // ours is not held.
            let reclaimed = attempt <= 2 ? account.reclaim(byteCount: max(size, Run.byteCount)) : 0
            if reclaimed == 0 {
                if case .systemRefused = outcome {
                    throw refusal(byteCount, "the system has no memory")
                }
                throw refusal(byteCount, "the memory limit of \(account.memoryLimit) is reached")
            }
        }
    }

    /// The bytes that the request takes out of the active ones.
    private func blockByteCount(_ byteCount: Int) -> Int {
        if byteCount <= SizeClass.largestSmall {
            return SizeClass.smallByteCount(SizeClass.small(byteCount))
        }
        if byteCount <= SizeClass.largestMedium {
            return SizeClass.mediumByteCount(SizeClass.medium(byteCount))
        }
        return SizeClass.largeByteCount(byteCount)
    }

    /// Turns a fresh block into a buffer, by way of a new run when it is small. Gives the block
    /// back when the active bytes hit the limit. Called with the lock held.
    private func handOut(_ block: BlockPointer, _ byteCount: Int, isSmall: Bool) -> Buffer? {
        if isSmall {
            let run = makeRun(block, sizeClass: SizeClass.small(byteCount))
            let size = run.pointee.blockByteCount
            guard account.activate(size) else { return nil }
            let slot = pop(run)
            countAllocation(size, reused: false)
            let address = block.pointee.address + Int(slot) * size
            return buffer(address, byteCount, size, slot: UInt32(slot), place: .run(run))
        }
        let size = block.pointee.byteCount
        guard account.activate(size) else {
            heap.free(block, now: hot.pointee.now)
            return nil
        }
        countAllocation(size, reused: false)
        return buffer(block.pointee.address, byteCount, size, slot: 0, place: .heap(block))
    }

    /// Cuts a block for the request out of what is free or new. Called with the lock held.
    private func carve(_ byteCount: Int, _ size: Int) -> Outcome {
        let isSmall = byteCount <= SizeClass.largestSmall
        let isMedium = !isSmall && byteCount <= SizeClass.largestMedium
        let needed = isSmall ? Run.byteCount + SizeClass.colour : size
        let state: Block.State = isSmall ? .run : .used
        let sizeClass: Int16 = isMedium ? Int16(SizeClass.medium(byteCount)) : -1
        // What fits may be untouched memory: not while as much lies idle in other classes.
        if let block = heap.bestFit(needed),
            hot.pointee.keptByteCount < needed
                || heap.residentCost(of: block, byteCount: needed) == 0
        {
            return claim(block, needed, state, sizeClass)
        }
        releaseKept(olderThan: nil)
        if let block = heap.bestFit(needed) {
            return claim(block, needed, state, sizeClass)
        }
        guard account.memoryLimit - account.residentByteCount >= needed else { return .overLimit }
        guard let block = heap.grow(byteCount: needed) else { return .systemRefused }
        return claim(block, needed, state, sizeClass)
    }

    private func claim(
        _ block: BlockPointer, _ byteCount: Int, _ state: Block.State, _ sizeClass: Int16
    ) -> Outcome {
        let cost = heap.residentCost(of: block, byteCount: byteCount)
        guard account.reserve(cost) else { return .overLimit }
        hot.pointee.residentByteCount += cost
        // All of it was resident already: as good as a block at hand.
        if cost == 0, state == .used { hot.pointee.reuseCount += 1 }
        heap.cut(block, byteCount: byteCount, state: state, sizeClass: sizeClass)
        return .block(block)
    }

    private func makeRun(_ block: BlockPointer, sizeClass: Int) -> RunPointer {
        let size = SizeClass.smallByteCount(sizeClass)
        let capacity = block.pointee.byteCount / size
        let run = RunPointer.allocate(capacity: 1)
        let stack = UnsafeMutablePointer<UInt16>.allocate(capacity: capacity)
        // The lowest address goes out first, so a run fills from its start.
        for index in 0..<capacity { stack[index] = UInt16(capacity - 1 - index) }
        run.initialize(
            to: Run(
                block: block, blockByteCount: size, capacity: capacity, freeCount: capacity,
                stack: stack, sizeClass: sizeClass, freedAt: hot.pointee.now))
        list(run)
        hot.pointee.runCount += 1
        return run
    }

    /// Gives an empty run's block back to the heap. Called with the lock held.
    func retire(_ run: RunPointer) {
        assert(run.pointee.isEmpty)
        unlist(run)
        heap.free(run.pointee.block, now: run.pointee.freedAt)
        run.pointee.stack.deallocate()
        run.deallocate()
        hot.pointee.runCount -= 1
    }

    private func refusal(_ byteCount: Int, _ reason: String) -> ArrayError {
        ArrayError(
            .memory, "allocate",
            "\(byteCount) bytes on node \(node): \(reason) (\(account.activeByteCount) active, "
                + "\(account.cacheByteCount) cached)")
    }
}
