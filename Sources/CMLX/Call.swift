import CMLXInterface
import Glibc
import MLX
import MLXBase
import MLXGraph
import Synchronization

/// The arguments of a call, read by position. What has another kind than the function expects is
/// an error of the call, never a trap.
struct Call {
    let name: String
    private let arguments: UnsafePointer<cmlx_argument>?
    let count: Int

    init(_ name: String, _ arguments: UnsafePointer<cmlx_argument>?, _ count: Int32) {
        self.name = name
        self.arguments = arguments
        self.count = arguments == nil ? 0 : Int(count)
    }

    private subscript(position: Int) -> cmlx_argument? {
        position < count ? arguments![position] : nil
    }

    private func kind(_ position: Int) -> Int { Int(self[position]?.kind ?? 0) }

    private func wrong(_ position: Int, _ wanted: String) -> ArrayError {
        ArrayError(.argument, name, "argument \(position) must be \(wanted)")
    }

    func isGiven(_ position: Int) -> Bool { kind(position) != Int(CMLX_NONE) }

    func array(_ position: Int) throws -> MLXArray {
        guard let array = try arrayIfGiven(position) else { throw wrong(position, "an array") }
        return array
    }

    func arrayIfGiven(_ position: Int) throws -> MLXArray? {
        guard isGiven(position) else { return nil }
        guard kind(position) == Int(CMLX_ARRAY) else { throw wrong(position, "an array") }
        return MLXArray(borrowing: self[position]!.value.array)
    }

    func arrays(_ position: Int) throws -> [MLXArray] {
        guard kind(position) == Int(CMLX_ARRAYS) else { throw wrong(position, "arrays") }
        return self[position]!.value.arrays.objects(self[position]!.count)
    }

    func intIfGiven(_ position: Int) throws -> Int? {
        guard isGiven(position) else { return nil }
        guard kind(position) == Int(CMLX_INTEGER) || kind(position) == Int(CMLX_BOOLEAN) else {
            throw wrong(position, "an integer")
        }
        return Int(self[position]!.value.integer)
    }

    func int(_ position: Int) throws -> Int {
        guard let value = try intIfGiven(position) else { throw wrong(position, "an integer") }
        return value
    }

    /// An integer that callees keep in 32 bits.
    func small(_ position: Int) throws -> Int {
        let value = try int(position)
        guard Int32(exactly: value) != nil else { throw wrong(position, "of 32 bits") }
        return value
    }

    func bool(_ position: Int) throws -> Bool { try int(position) != 0 }

    func double(_ position: Int) throws -> Double {
        guard let value = try doubleIfGiven(position) else { throw wrong(position, "a number") }
        return value
    }

    func doubleIfGiven(_ position: Int) throws -> Double? {
        switch kind(position) {
        case Int(CMLX_NONE): nil
        case Int(CMLX_REAL): self[position]!.value.real
        case Int(CMLX_INTEGER), Int(CMLX_BOOLEAN): Double(self[position]!.value.integer)
        default: throw wrong(position, "a number")
        }
    }

    func floatIfGiven(_ position: Int) throws -> Float? {
        try doubleIfGiven(position).map { Float($0) }
    }

    func float(_ position: Int) throws -> Float { Float(try double(position)) }

    func dtypeIfGiven(_ position: Int) throws -> DType? {
        guard isGiven(position) else { return nil }
        guard kind(position) == Int(CMLX_DTYPE) else { throw wrong(position, "a dtype") }
        return try dtype(Int32(truncatingIfNeeded: self[position]!.value.integer))
    }

    func type(_ position: Int, else fallback: DType = .float32) throws -> DType {
        try dtypeIfGiven(position) ?? fallback
    }

    func textIfGiven(_ position: Int) throws -> String? {
        guard isGiven(position) else { return nil }
        guard kind(position) == Int(CMLX_TEXT), let text = self[position]!.value.text else {
            throw wrong(position, "a text")
        }
        return String(cString: text)
    }

    func text(_ position: Int) throws -> String {
        guard let text = try textIfGiven(position) else { throw wrong(position, "a text") }
        return text
    }

    /// One of the cases that have texts.
    func choice<C: RawRepresentable>(_ position: Int, _: C.Type = C.self) throws -> C
    where C.RawValue == String {
        let text = try text(position)
        guard let value = C(rawValue: text) else {
            throw ArrayError(.argument, name, "does not know '\(text)'")
        }
        return value
    }

    /// One integer or several.
    func intsIfGiven(_ position: Int) throws -> [Int]? {
        switch kind(position) {
        case Int(CMLX_NONE): return nil
        case Int(CMLX_INTEGER), Int(CMLX_BOOLEAN): return [Int(self[position]!.value.integer)]
        case Int(CMLX_INTEGERS):
            let argument = self[position]!
            return (0..<Int(argument.count)).map { Int(argument.value.integers[$0]) }
        default: throw wrong(position, "integers")
        }
    }

    func ints(_ position: Int) throws -> [Int] {
        guard let values = try intsIfGiven(position) else { throw wrong(position, "integers") }
        return values
    }

    /// Whether the argument is one integer, not a list of them.
    func isInteger(_ position: Int) -> Bool { kind(position) == Int(CMLX_INTEGER) }

    func error(_ kind: ArrayError.Kind, _ message: String) -> ArrayError {
        ArrayError(kind, name, message)
    }
}

/// The functions of `cmlx_call`: a name and a closure each, in the families' lists.
struct FunctionTable {
    /// Most functions have one result, for which no list is made.
    enum Body {
        case one((Call) throws -> MLXArray)
        case many((Call) throws -> [MLXArray])
    }

    private(set) var names: [String] = []
    private(set) var bodies: [Body] = []
    private(set) var cNames: [UnsafePointer<CChar>] = []
    private(set) var numbers: [String: Int] = [:]

    /// Adds a function with one result.
    mutating func one(_ name: String, _ body: @escaping (Call) throws -> MLXArray) {
        add(name, .one(body))
    }

    mutating func many(_ name: String, _ body: @escaping (Call) throws -> [MLXArray]) {
        add(name, .many(body))
    }

    private mutating func add(_ name: String, _ body: Body) {
        precondition(numbers[name] == nil, "\(name) is there twice")
        numbers[name] = names.count
        names.append(name)
        bodies.append(body)
        cNames.append(UnsafePointer(strdup(name)))
    }

    // SAFETY: built once, constant afterwards; the closures capture nothing.
    nonisolated(unsafe) static let shared: FunctionTable = {
        var table = FunctionTable()
        table.addReductions()
        table.addScans()
        table.addShapes()
        table.addJoining()
        table.addFactories()
        table.addIndexing()
        table.addSorting()
        table.addProducts()
        table.addConvolutions()
        table.addQuantization()
        table.addElementwise()
        table.addFourier()
        table.addLinearAlgebra()
        table.addRandom()
        table.addFast()
        return table
    }()
}

@c @implementation
public func cmlx_function(_ name: UnsafePointer<CChar>?) -> Int32 {
    guard let name, let number = FunctionTable.shared.numbers[String(cString: name)] else {
        return -1
    }
    return Int32(number)
}

@c @implementation
public func cmlx_function_count() -> Int32 { Int32(FunctionTable.shared.names.count) }

@c @implementation
public func cmlx_function_name(_ function: Int32) -> UnsafePointer<CChar>? {
    let names = FunctionTable.shared.cNames
    return names.indices.contains(Int(function)) ? names[Int(function)] : nil
}

@c @implementation
public func cmlx_call(
    _ function: Int32, _ arguments: UnsafePointer<cmlx_argument>?, _ count: Int32,
    _ results: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    guarded {
        // Read in place: a copy of the table would count references to all of its lists.
        guard FunctionTable.shared.names.indices.contains(Int(function)), let results else {
            throw ArrayError(.argument, "call", "there is no function \(function)")
        }
        let call = Call(FunctionTable.shared.names[Int(function)], arguments, count)
        switch FunctionTable.shared.bodies[Int(function)] {
        case .one(let body): try results.append(body(call).checked())
        case .many(let body): try results.append(try body(call))
        }
    }
}
