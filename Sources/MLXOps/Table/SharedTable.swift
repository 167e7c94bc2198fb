/// A constant table that lives as long as the process. Reading it counts no references, so
/// threads do not meet at a counter, as they would at an array's.
struct SharedTable<Element>: @unchecked Sendable {
    // SAFETY: written once by init, never freed.
    private let elements: UnsafePointer<Element>

    init(_ values: [Element]) {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: values.count)
        memory.initialize(from: values, count: values.count)
        elements = UnsafePointer(memory)
    }

    @inline(__always) subscript(index: Int) -> Element { elements[index] }

    /// Where an element lies, for those that are not to be copied.
    @inline(__always) func pointer(_ index: Int) -> UnsafePointer<Element> { elements + index }
}
