import CMLXInterface
import FoundationEssentials
import MLX
import MLXBase
import MLXGraph
import MLXOps
import MLXTransforms

// Transforms of functions that live on the other side: they are called back.

/// A function on the other side, with what it was given along.
struct Callback {
    let function: cmlx_callback
    let context: UnsafeMutableRawPointer?

    init(_ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?) throws {
        guard let function else { throw ArrayError(.argument, "callback", "is missing") }
        self.function = function
        self.context = context
    }

    /// Calls it; inputs are handed over, outputs taken over.
    func callAsFunction(_ inputs: [MLXArray]) throws -> [MLXArray] {
        let handles = inputs.map { $0.given() }
        var list = cmlx_list()
        cmlx_list_init(&list)
        let status = handles.withUnsafeBufferPointer {
            function(context, $0.baseAddress, Int32($0.count), &list)
        }
        return try taken(&list, status)
    }

    /// Calls it where nothing can be thrown: no outputs if it fails, and `failed` is set.
    func outputs(_ inputs: [MLXArray], _ failed: inout Bool) -> [MLXArray] {
        do { return try self(inputs) } catch {
            failed = true
            return []
        }
    }
}

/// The arrays of a list that a callback filled; frees the list.
private func taken(
    _ list: UnsafeMutablePointer<cmlx_list>, _ status: Int32
) throws -> [MLXArray] {
    let arrays = (0..<Int(list.pointee.count)).map {
        MLXArray(owning: NodeHandle(raw: cmlx_list_arrays(list)![$0]))
    }
    cmlx_list_free(list)
    if status != 0 { throw CallbackFailed() }
    return arrays
}

/// Calls the release function of a callback that was kept, when nobody keeps it any more.
private final class Kept: @unchecked Sendable {
    // SAFETY: called by transforms only, on the thread that asked for them.
    let context: UnsafeMutableRawPointer?
    private let release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?

    init(
        _ context: UnsafeMutableRawPointer?,
        _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
    ) {
        self.context = context
        self.release = release
    }

    deinit { release?(context) }
}

private func results(
    _ outputs: UnsafeMutablePointer<cmlx_list>?, _ arrays: [MLXArray]
) throws {
    guard let outputs else { throw ArrayError(.argument, "transform", "has no list of results") }
    try outputs.append(arrays)
}

@c @implementation
public func cmlx_value_and_grad(
    _ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?,
    _ inputs: UnsafePointer<cmlx_array>?, _ count: Int32, _ wanted: UnsafePointer<Int32>?,
    _ wantedCount: Int32, _ outputs: UnsafeMutablePointer<cmlx_list>?,
    _ gradients: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    guarded {
        let callback = try Callback(function, context)
        let primals = inputs.objects(count)
        let numbers = (0..<Int(wantedCount)).map { Int(wanted![$0]) }
        guard numbers.allSatisfy(primals.indices.contains) else {
            throw ArrayError(.argument, "grad", "there are \(count) inputs")
        }
        let (values, derivatives) = try Gradient.vjp(
            { try callback($0) }, primals: primals, wanted: numbers, cotangents: seeds)
        try results(outputs, values)
        try results(gradients, derivatives)
    }
}

/// One for the first output, which must be a scalar, nothing for the others.
private func seeds(_ outputs: [MLXArray]) throws -> [MLXArray?] {
    guard let first = outputs.first else {
        throw ArrayError(.argument, "grad", "the function returns no array")
    }
    guard first.size == 1 else {
        throw ArrayError(
            .shape, "grad",
            "the function must return a scalar, not an array of shape \(first.shape)",
            shapes: [first.shape])
    }
    return [Ops.full(first.nodeShape, 1, first.dtype)]
        + [MLXArray?](repeating: nil, count: outputs.count - 1)
}

@c @implementation
public func cmlx_vjp(
    _ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?,
    _ inputs: UnsafePointer<cmlx_array>?, _ count: Int32,
    _ cotangents: UnsafePointer<cmlx_array>?, _ cotangentCount: Int32,
    _ outputs: UnsafeMutablePointer<cmlx_list>?, _ gradients: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    guarded {
        let callback = try Callback(function, context)
        let primals = inputs.objects(count)
        let given = cotangents.objects(cotangentCount)
        let (values, derivatives) = try Gradient.vjp(
            { try callback($0) }, primals: primals, wanted: Array(primals.indices)
        ) { outputs in
            try fit(given, outputs, "vjp", "output", "cotangent")
            return given
        }
        try results(outputs, values)
        try results(gradients, derivatives)
    }
}

private func fit(
    _ given: [MLXArray], _ arrays: [MLXArray], _ operation: String, _ side: String, _ name: String
) throws {
    guard given.count == arrays.count else {
        throw ArrayError(
            .argument, operation, "\(arrays.count) \(side)s, but \(given.count) \(name)s")
    }
    for (one, array) in zip(given, arrays) where one.shape != array.shape {
        throw ArrayError(
            .shape, operation,
            "\(side) of shape \(array.shape), but \(name) of shape \(one.shape)",
            shapes: [array.shape, one.shape])
    }
}

@c @implementation
public func cmlx_jvp(
    _ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?,
    _ inputs: UnsafePointer<cmlx_array>?, _ count: Int32, _ tangents: UnsafePointer<cmlx_array>?,
    _ outputs: UnsafeMutablePointer<cmlx_list>?, _ results: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    guarded {
        let callback = try Callback(function, context)
        let primals = inputs.objects(count)
        let given = tangents.objects(count)
        try fit(given, primals, "jvp", "input", "tangent")
        let cast = zip(primals, given).map { Ops.cast($1, to: $0.dtype) }
        let (values, derivatives) = try Tangent.jvp(
            { try callback($0) }, primals: primals, tangents: cast)
        try CMLX.results(outputs, values)
        try CMLX.results(results, derivatives)
    }
}

@c @implementation
public func cmlx_vmap(
    _ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?,
    _ inputs: UnsafePointer<cmlx_array>?, _ count: Int32, _ inAxes: UnsafePointer<Int64>?,
    _ outAxes: UnsafePointer<cmlx_axes>?, _ outputs: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    guarded {
        let callback = try Callback(function, context)
        let arguments = inputs.objects(count)
        let axes = (0..<Int(count)).map { axis(inAxes![$0]) }
        var failed = false
        let mapped = try vmapped(
            { callback.outputs($0, &failed) }, arguments, inAxes: axes,
            outAxes: { number in
                guard let out = outAxes?.pointee, out.count > 0 else { return 0 }
                return axis(out.axes[out.count == 1 ? 0 : min(number, Int(out.count) - 1)])
            })
        if failed { throw CallbackFailed() }
        try results(outputs, mapped)
    }
}

private func axis(_ number: Int64) -> Int? { number == CMLX_NO_AXIS_VALUE ? nil : Int(number) }
private let CMLX_NO_AXIS_VALUE = Int64.min

@c @implementation
public func cmlx_checkpoint(
    _ function: cmlx_callback?,
    _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
    _ context: UnsafeMutableRawPointer?, _ inputs: UnsafePointer<cmlx_array>?, _ count: Int32,
    _ outputs: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    let kept = Kept(context, release)
    return guarded {
        let callback = try Callback(function, context)
        var failed = false
        let arrays = Checkpoint.apply(
            { inputs in
                withExtendedLifetime(kept) {
                    do { return try callback(inputs) } catch {
                        failed = true
                        return []
                    }
                }
            }, inputs.objects(count))
        if failed { throw CallbackFailed() }
        try results(outputs, arrays)
    }
}

@c @implementation
public func cmlx_custom(
    _ outputs: UnsafePointer<cmlx_array>?, _ outputCount: Int32,
    _ inputs: UnsafePointer<cmlx_array>?, _ inputCount: Int32, _ vjp: cmlx_callback?,
    _ jvp: cmlx_callback?, _ vmap: cmlx_batch_callback?,
    _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
    _ context: UnsafeMutableRawPointer?, _ list: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    let kept = Kept(context, release)
    return guarded {
        // A rule that fails gives no arrays, which the transform that called it finds invalid.
        func plain(_ function: @escaping cmlx_callback, _ arrays: [MLXArray]) -> [MLXArray] {
            (try? Callback(function, kept.context)(arrays)) ?? []
        }
        let rules = CustomRules(
            vjp: vjp.map { rule in { plain(rule, $0 + $1 + $2) } },
            jvp: jvp.map { rule in
                { primals, tangents in
                    let filled = zip(primals, tangents).map {
                        $1 ?? Ops.full($0.nodeShape, 0, $0.dtype)
                    }
                    return plain(rule, primals + filled)
                }
            },
            vmap: vmap.map { rule in
                { arrays, axes in batched(rule, kept, arrays, axes) }
            })
        try results(
            list,
            Ops.custom(
                rules, outputs: outputs.objects(outputCount),
                primals: inputs.objects(inputCount)))
    }
}

private func batched(
    _ rule: cmlx_batch_callback, _ kept: Kept, _ arrays: [MLXArray], _ axes: [Int?]
) -> (outputs: [MLXArray], axes: [Int?]) {
    let handles = arrays.map { $0.given() }
    let numbers = axes.map { Int64($0 ?? Int(Int64.min)) }
    var found = [Int64](repeating: .min, count: 64)
    var list = cmlx_list()
    cmlx_list_init(&list)
    let status = rule(kept.context, handles, Int32(handles.count), numbers, &list, &found)
    let outputs = (try? taken(&list, status)) ?? []
    return (outputs, found.prefix(outputs.count).map(axis))
}

// MARK: - Compiled functions

/// Whether a recorded function has one of its arguments by another way than as an argument too, a
/// variable around it say: what it would be replayed with is the argument of the first call for
/// ever. Inside other transforms the function is recorded each time, and may.
private func reaches(
    _ arguments: [MLXArray], from outputs: [MLXArray], past placeholders: [MLXArray]
) -> Bool {
    guard arguments.allSatisfy({ NodeReference($0).trace == 0 }) else { return false }
    let all = (arguments + outputs + placeholders).map { $0.acquire() }
    defer { for handle in all { GraphStore.shared.release(handle.id) } }
    let rest = all[arguments.count...]
    let graph = Subgraph(
        roots: rest.prefix(outputs.count), stops: Set(rest.dropFirst(outputs.count)))
    let given = Set(all.prefix(arguments.count))
    return (0..<graph.count).contains { given.contains(graph.handles[$0]) }
}

/// What a compiled function keeps. Replaced when a recording failed, which must not be replayed.
private final class CompiledBox {
    let isShapeless: Bool
    var compiled: Compiled

    init(isShapeless: Bool) {
        self.isShapeless = isShapeless
        compiled = Compiled(isShapeless: isShapeless)
    }
}

@c @implementation
public func cmlx_compiled_make(_ shapeless: Int32) -> OpaquePointer? {
    OpaquePointer(
        Unmanaged.passRetained(CompiledBox(isShapeless: shapeless != 0)).toOpaque())
}

@c @implementation
public func cmlx_compiled_free(_ compiled: OpaquePointer?) {
    guard let compiled else { return }
    Unmanaged<CompiledBox>.fromOpaque(UnsafeRawPointer(compiled)).release()
}

@c @implementation
public func cmlx_compiled_call(
    _ compiled: OpaquePointer?, _ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?,
    _ inputs: UnsafePointer<cmlx_array>?, _ count: Int32,
    _ outputs: UnsafeMutablePointer<cmlx_list>?, _ recorded: UnsafeMutablePointer<Int32>?
) -> Int32 {
    guarded {
        guard let compiled else { throw ArrayError(.argument, "compile", "is missing") }
        let box = Unmanaged<CompiledBox>.fromOpaque(UnsafeRawPointer(compiled))
            .takeUnretainedValue()
        let callback = try Callback(function, context)
        let arguments = inputs.objects(count)
        recorded?.pointee = 0
        if let outcome = box.compiled.replay(arguments, stateCount: 0) {
            return try results(outputs, outcome.results)
        }
        recorded?.pointee = 1
        var (failed, isAround) = (false, false)
        let outcome = box.compiled.record(arguments) { placeholders in
            let outputs = callback.outputs(placeholders, &failed)
            isAround = !failed && reaches(arguments, from: outputs, past: placeholders)
            return (results: isAround ? [] : outputs, state: [])
        }
        if failed || isAround { box.compiled = Compiled(isShapeless: box.isShapeless) }
        if failed { throw CallbackFailed() }
        if isAround {
            throw Refusal.argument(
                "[compile] Attempting to compile a function with uncaptured inputs is not allowed.")
        }
        try results(outputs, outcome.results)
    }
}

// MARK: - Functions in files

private func labelled(
    _ labels: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32
) -> [String] {
    (0..<Int(count)).map { labels?[$0].map { String(cString: $0) } ?? "" }
}

@c @implementation
public func cmlx_export(
    _ path: UnsafePointer<CChar>?, _ function: cmlx_callback?,
    _ context: UnsafeMutableRawPointer?, _ inputs: UnsafePointer<cmlx_array>?,
    _ labels: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32, _ shapeless: Int32
) -> Int32 {
    guarded {
        let callback = try Callback(function, context)
        guard let path else { throw ArrayError(.file, "export", "has no path") }
        var failed = false
        do {
            try exportRecorded(
                { callback.outputs($0, &failed) }, arguments: inputs.objects(count),
                labels: labelled(labels, count), isShapeless: shapeless != 0,
                to: URL(fileURLWithPath: String(cString: path)))
        } catch {
            throw failed ? CallbackFailed() : error
        }
        if failed { throw CallbackFailed() }
    }
}

private func recorded(_ exporter: OpaquePointer?) throws -> RecordedFunctions {
    guard let exporter else { throw ArrayError(.argument, "export", "is missing") }
    return Unmanaged<RecordedFunctions>.fromOpaque(UnsafeRawPointer(exporter))
        .takeUnretainedValue()
}

@c @implementation
public func cmlx_exporter_make() -> OpaquePointer? {
    OpaquePointer(Unmanaged.passRetained(RecordedFunctions()).toOpaque())
}

@c @implementation
public func cmlx_exporter_free(_ exporter: OpaquePointer?) {
    guard let exporter else { return }
    Unmanaged<RecordedFunctions>.fromOpaque(UnsafeRawPointer(exporter)).release()
}

@c @implementation
public func cmlx_exporter_add(
    _ exporter: OpaquePointer?, _ function: cmlx_callback?, _ context: UnsafeMutableRawPointer?,
    _ inputs: UnsafePointer<cmlx_array>?, _ labels: UnsafePointer<UnsafePointer<CChar>?>?,
    _ count: Int32, _ shapeless: Int32
) -> Int32 {
    guarded {
        let callback = try Callback(function, context)
        var failed = false
        do {
            try recorded(exporter).add(
                { callback.outputs($0, &failed) }, arguments: inputs.objects(count),
                labels: labelled(labels, count), isShapeless: shapeless != 0,
                unless: { failed })
        } catch {
            throw failed ? CallbackFailed() : error
        }
        if failed { throw CallbackFailed() }
    }
}

@c @implementation
public func cmlx_exporter_write(
    _ exporter: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ note: UnsafePointer<CChar>?
) -> Int32 {
    guarded {
        guard let path else { throw ArrayError(.file, "export", "has no path") }
        try recorded(exporter).write(
            note: note.map { String(cString: $0) } ?? "",
            to: URL(fileURLWithPath: String(cString: path)))
    }
}

@c @implementation
public func cmlx_import(_ path: UnsafePointer<CChar>?) -> OpaquePointer? {
    do {
        guard let path else { throw ArrayError(.file, "import", "has no path") }
        let function = try importFunction(from: URL(fileURLWithPath: String(cString: path)))
        return OpaquePointer(Unmanaged.passRetained(function).toOpaque())
    } catch {
        Failure.note(error)
        return nil
    }
}

@c @implementation
public func cmlx_imported_free(_ imported: OpaquePointer?) {
    guard let imported else { return }
    Unmanaged<ImportedFunction>.fromOpaque(UnsafeRawPointer(imported)).release()
}

@c @implementation
public func cmlx_imported_note(_ imported: OpaquePointer?) -> UnsafeMutablePointer<CChar>? {
    guard let imported else { return nil }
    let function = Unmanaged<ImportedFunction>.fromOpaque(UnsafeRawPointer(imported))
        .takeUnretainedValue()
    return strdup(function.note)
}

@c @implementation
public func cmlx_imported_call(
    _ imported: OpaquePointer?, _ inputs: UnsafePointer<cmlx_array>?,
    _ labels: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32,
    _ outputs: UnsafeMutablePointer<cmlx_list>?
) -> Int32 {
    guarded {
        guard let imported else { throw ArrayError(.argument, "import", "is missing") }
        let function = Unmanaged<ImportedFunction>.fromOpaque(UnsafeRawPointer(imported))
            .takeUnretainedValue()
        let arguments = zip(labelled(labels, count), inputs.objects(count)).map {
            (key: $0, value: $1)
        }
        try results(outputs, try function.call(arguments))
    }
}
