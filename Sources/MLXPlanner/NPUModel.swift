import MLXOps

/// An accelerator that nobody has to own: what its data sheet says, for experiments. A platform
/// file gives a device a `model` in place of `rates`, and the simulator takes both alike.
///
/// A step is cut into tiles that fit the local memory, half of which is filled while the other half
/// is computed from. With square tiles of side b of two int8 operands and int32 sums, b² + b² + 4b²
/// bytes lie there, and a product of so many operations moves operations / b bytes at least (Hong
/// and Kung, 1981), if that is more than its operands. It takes
/// launch + fill + max(operations / peak, bytes / bandwidth + transfers × latency), with tiles of
/// the size, the whole half of the memory or less, for which that is least.
package struct NPUModel: Codable, Hashable, Sendable {
    /// Nanoseconds from the command to the first transfer.
    package var launchNanoseconds: Double
    /// Integer operations per nanosecond; a multiplication and an addition are two.
    package var int8OperationsPerNanosecond: Double
    /// Local memory of the tiles, in bytes.
    package var sramBytes: Int
    /// Bytes per nanosecond between local and main memory.
    package var dmaBytesPerNanosecond: Double
    /// What each transfer takes besides its bytes.
    package var dmaNanoseconds: Double
    /// What it runs: operations by name (`int8_matmul`), or all of a class of work (`int8`).
    package var operations: [String]

    /// Tiles in a local memory.
    package struct Tiles: Codable, Hashable, Sendable {
        /// Bytes that one transfer fills at most.
        package var byteCount: Int
        /// What each transfer takes besides its bytes.
        package var transferNanoseconds: Double

        var isUsable: Bool {
            byteCount >= 6 && transferNanoseconds >= 0 && transferNanoseconds.isFinite
        }

        /// The best of tiles that fill the memory and of halves of them: large ones move less and
        /// leave more to wait for at first.
        func nanoseconds(
            flops: Double, bytes: Double, rate: Double, bandwidth: Double
        ) -> Double {
            var best = Double.infinity
            var size = byteCount
            repeat {
                best = min(best, nanoseconds(Double(size), flops, bytes, rate, bandwidth))
                size /= 2
            } while size >= Tiles.least
            return best
        }

        private static let least = 4096

        /// Filling the first tile, then computing while the next ones come.
        private func nanoseconds(
            _ size: Double, _ flops: Double, _ bytes: Double, _ rate: Double, _ bandwidth: Double
        ) -> Double {
            let side = (size / 6).squareRoot()
            let moved = max(bytes, flops / side)
            let first = min(moved, size)
            let transfers = (moved / size).rounded(.up)
            let fill = first / bandwidth + (transfers > 0 ? transferNanoseconds : 0)
            let rest = (moved - first) / bandwidth + max(transfers - 1, 0) * transferNanoseconds
            return fill + max(flops / rate, rest)
        }
    }

    package init(
        launchNanoseconds: Double, int8OperationsPerNanosecond: Double, sramBytes: Int,
        dmaBytesPerNanosecond: Double, dmaNanoseconds: Double, operations: [String]
    ) {
        self.launchNanoseconds = launchNanoseconds
        self.int8OperationsPerNanosecond = int8OperationsPerNanosecond
        self.sramBytes = sramBytes
        self.dmaBytesPerNanosecond = dmaBytesPerNanosecond
        self.dmaNanoseconds = dmaNanoseconds
        self.operations = operations
    }

    /// Whether it has an operation.
    package func runs(_ operation: String, _ work: WorkClass) -> Bool {
        operations.contains(operation) || operations.contains(work.rawValue)
    }

    /// What policies and the simulator reckon with.
    package var rates: CostModel.Rates {
        var rates = CostModel.Rates(
            startNanoseconds: launchNanoseconds, bandwidth: dmaBytesPerNanosecond,
            other: int8OperationsPerNanosecond, work: [.memory: dmaBytesPerNanosecond])
        rates.tiles = Tiles(byteCount: sramBytes / 2, transferNanoseconds: dmaNanoseconds)
        return rates
    }

    /// What makes no sense, by field.
    var problem: String? {
        for (name, value) in [
            ("launchNanoseconds", launchNanoseconds), ("dmaNanoseconds", dmaNanoseconds),
        ] where !(value >= 0 && value.isFinite) {
            return "\(name): is negative"
        }
        for (name, value) in [
            ("int8OperationsPerNanosecond", int8OperationsPerNanosecond),
            ("dmaBytesPerNanosecond", dmaBytesPerNanosecond),
        ] where !(value > 0 && value.isFinite) {
            return "\(name): is not above zero"
        }
        if sramBytes < 1024 { return "sramBytes: is below 1024" }
        if operations.isEmpty { return "operations: is empty" }
        for name in operations
        where OpTable.find(name: name) == nil && WorkClass(rawValue: name) == nil {
            return "operations: '\(name)' is no operation and no class of work"
        }
        return nil
    }
}
