import CMLXKernels

/// Where something was called: up to 24 return addresses, taken by `backtrace(3)` in about two
/// microseconds and turned into a file and line only when somebody asks.
public struct CallSite: Sendable, Hashable {
    package let addresses: [UInt]
    /// The place itself, where the compiler could pass it.
    private let named: String?

    package init(addresses: [UInt]) {
        self.addresses = addresses
        named = nil
    }

    /// A place from `#fileID` and `#line`: callers of an async function are not on the stack.
    package init(file: StaticString, line: UInt) {
        addresses = []
        named = "\(file):\(line)"
    }

    package static let maximumDepth = 24

    /// The return addresses of the caller and its callers.
    package static func capture() -> CallSite {
        withUnsafeTemporaryAllocation(of: UInt.self, capacity: maximumDepth) { frames in
            let count = Int(mlx_backtrace(frames.baseAddress!, Int32(maximumDepth)))
            return CallSite(addresses: Array(frames[0..<count]))
        }
    }
}

extension CallSite {
    /// The first frame outside the library: `file:line` where there is debug information, the
    /// function's name otherwise, nil when there is no such frame.
    public var place: String? { named ?? Symbolicator.shared.place(of: addresses) }
}
