/// Integer and letter arguments of LAPACK, which takes everything by address. They live in the
/// call's scratch, so that a batch of small matrices makes them once.
struct LAPACKNumbers {
    private let storage: UnsafeMutablePointer<Int32>

    init(_ call: borrowing KernelCall, _ values: Int...) {
        storage = call.scratch(byteCount: 4 * values.count)
            .assumingMemoryBound(to: Int32.self)
        for (place, value) in values.enumerated() {
            storage[place] = Int32(truncatingIfNeeded: value)
        }
    }

    subscript(place: Int) -> UnsafePointer<Int32> { UnsafePointer(storage + place) }
}

/// The letters that choose a variant.
enum LAPACKLetter {
    // SAFETY: the bytes of static strings, which nobody writes.
    nonisolated(unsafe) static let all = letter("A")
    nonisolated(unsafe) static let none = letter("N")
    nonisolated(unsafe) static let thin = letter("S")
    nonisolated(unsafe) static let vectors = letter("V")
    nonisolated(unsafe) static let upper = letter("U")
    nonisolated(unsafe) static let lower = letter("L")
    nonisolated(unsafe) static let identity = letter("I")
    nonisolated(unsafe) static let left = letter("L")
    nonisolated(unsafe) static let right = letter("R")
    nonisolated(unsafe) static let transposed = letter("T")
    nonisolated(unsafe) static let reflectionsQ = letter("Q")
    nonisolated(unsafe) static let reflectionsP = letter("P")

    private static func letter(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
