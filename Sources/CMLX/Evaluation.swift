import CMLXInterface
import CMLXKernels
import Glibc
import MLX
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXRuntime

// Computing arrays, where they are computed, and the memory that it takes.

@c @implementation
public func cmlx_evaluate(_ arrays: UnsafePointer<cmlx_array>?, _ count: Int32) -> Int32 {
    guarded { try checkedEval(arrays.objects(count)) }
}

@c @implementation
public func cmlx_evaluate_watched(
    _ arrays: UnsafePointer<cmlx_array>?, _ count: Int32,
    _ watch: (@convention(c) (UnsafeMutableRawPointer?) -> Int32)?,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guarded {
        guard let watch else { return try checkedEval(arrays.objects(count)) }
        try checkedEval(arrays.objects(count)) { watch(context) != 0 }
    }
}

@c @implementation
public func cmlx_evaluate_async(_ arrays: UnsafePointer<cmlx_array>?, _ count: Int32) -> Int32 {
    asyncEval(arrays.objects(count))
    return 0
}

@c @implementation
public func cmlx_synchronize() -> Int32 {
    Runtime.engine.synchronize()
    return guarded { if let error = Runtime.engine.takeBackgroundError() { throw error } }
}

@c @implementation
public func cmlx_explain(
    _ arrays: UnsafePointer<cmlx_array>?, _ count: Int32
) -> UnsafeMutablePointer<CChar>? {
    do {
        return strdup(try explain(arrays.objects(count)))
    } catch {
        Failure.note(error)
        return nil
    }
}

@c @implementation
public func cmlx_draw(
    _ arrays: UnsafePointer<cmlx_array>?, _ names: UnsafePointer<UnsafePointer<CChar>?>?,
    _ count: Int32
) -> UnsafeMutablePointer<CChar>? {
    let labels = (0..<Int(count)).map { names?[$0].map { String(cString: $0) } ?? "" }
    return strdup(exportToDOT(arrays.objects(count), names: labels))
}

@c @implementation
public func cmlx_enter_device(_ device: Int32) -> Int32 {
    guarded {
        guard device >= 0, let raw = UInt8(exactly: device), raw <= 3 else {
            throw ArrayError(.argument, "device", "there is no device \(device)")
        }
        let stream = DeviceKind(rawValue: raw).map { StreamID($0, lane: 0) } ?? .unpinned
        Defaults.enter { $0.stream = stream }
    }
}

@c @implementation
public func cmlx_exit_device() -> Int32 { Defaults.exit() ? 0 : -1 }

@c @implementation
public func cmlx_enter_precision(_ tolerance: Double) -> Int32 {
    guarded {
        let word = Tolerance.word(tolerance)
        guard word >= 0 else {
            throw ArrayError(
                .argument, "precision", "a tolerance is a number of at least 0, not \(tolerance)")
        }
        Defaults.enter { $0.productTolerance = word }
    }
}

@c @implementation
public func cmlx_exit_precision() -> Int32 { Defaults.exit() ? 0 : -1 }

// MARK: - Memory

@c @implementation
public func cmlx_memory(_ what: Int32) -> Int64 {
    switch Int(what) {
    case CMLX_MEMORY_ACTIVE: Int64(Memory.activeMemory)
    case CMLX_MEMORY_CACHE: Int64(Memory.cacheMemory)
    case CMLX_MEMORY_PEAK: Int64(Memory.peakMemory)
    case CMLX_MEMORY_LIMIT: Int64(Memory.memoryLimit)
    case CMLX_MEMORY_CACHE_LIMIT: Int64(Memory.cacheLimit)
    case CMLX_MEMORY_SYSTEM: Int64(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
    default: -1
    }
}

@c @implementation
public func cmlx_set_memory(_ what: Int32, _ bytes: Int64) -> Int32 {
    guarded {
        let bytes = Int(Swift.max(bytes, 0))
        switch Int(what) {
        case CMLX_MEMORY_PEAK: Memory.peakMemory = 0
        case CMLX_MEMORY_LIMIT: Memory.memoryLimit = bytes
        case CMLX_MEMORY_CACHE_LIMIT: Memory.cacheLimit = bytes
        default: throw ArrayError(.argument, "memory", "there is no such limit")
        }
    }
}

@c @implementation
public func cmlx_clear_cache() { Memory.clearCache() }

@c @implementation
public func cmlx_node_count() -> Int64 { Int64(GraphStore.shared.liveCount) }

@c @implementation
public func cmlx_thread_count() -> Int32 {
    Int32(Runtime.engine.topology.threadCount)
}

@c @implementation
public func cmlx_instruction_set() -> UnsafePointer<CChar>? {
    switch Int(mlx_level()) {
    case Int(MLX_LEVEL_AVX512.rawValue): constant("avx512")
    case Int(MLX_LEVEL_AVX2.rawValue): constant("avx2")
    default: constant("baseline")
    }
}

private func constant(_ text: StaticString) -> UnsafePointer<CChar> {
    // SAFETY: a static string of ASCII lives as long as the process, with a 0 at its end.
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func cmlx_trace(_ path: UnsafePointer<CChar>?) -> Int32 {
    guarded {
        guard let path else { return Runtime.engine.trace.setOn(true) }
        try Runtime.writeTrace(to: String(cString: path))
    }
}
