import CMLXKernels

/// Where something was called: up to 16 return addresses, taken by `backtrace(3)` in about two
/// microseconds and turned into a file and line only when somebody asks.
public struct CallSite: Sendable, Hashable {
    package let addresses: [UInt]

    package init(addresses: [UInt]) { self.addresses = addresses }

    package static let maximumDepth = 16

    /// The return addresses of the caller and its callers.
    package static func capture() -> CallSite {
        withUnsafeTemporaryAllocation(of: UInt.self, capacity: maximumDepth) { frames in
            let count = Int(mlx_backtrace(frames.baseAddress!, Int32(maximumDepth)))
            return CallSite(addresses: Array(frames[0..<count]))
        }
    }
}

extension CallSite {
    /// The first frame outside the library, as `symbol + offset`; nil when there is none.
    public var place: String? {
        addresses.lazy.compactMap(Symbol.init(address:)).first { !$0.isInternal }?.description
    }
}

/// What the dynamic linker knows of an address.
private struct Symbol {
    let name: String
    let offset: UInt

    init?(address: UInt) {
        var base: UInt = 0
        guard let name = mlx_symbol(address, &base) else { return nil }
        self.name = String(cString: name)
        self.offset = address &- base
    }

    /// Frames of our own modules: their mangled names carry the module's name first.
    var isInternal: Bool {
        CallSite.modulePrefixes.contains { name.hasPrefix($0) } || name.hasPrefix("mlx_")
    }
}

extension Symbol: CustomStringConvertible {
    var description: String { "\(name) + \(offset)" }
}

extension CallSite {
    /// Mangled prefixes (`$s`, length, name) of the library's modules.
    fileprivate static let modulePrefixes: [String] = [
        "MLXBase", "MLXGraph", "MLXMemory", "MLXKernels", "MLXFormats", "MLXOps", "MLXPlanner",
        "MLXTransforms", "MLXRuntime", "MLX", "MLXNN", "MLXOptimizers", "MLXData", "MLXTrain",
    ].map { "$s\($0.utf8.count)\($0)" }
}
