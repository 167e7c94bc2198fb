import Glibc
import MLXBase
import MLXMemory

@testable import MLXGraph

// Rows and threads for the tests of the store.

let testOp = OpCode(400)
let otherOp = OpCode(401)

/// Makes rows and remembers them, so that a test can ask which of its own are alive while other
/// tests of the process make and free theirs.
final class Rows: Sendable {
    private let handles = Locked<[NodeHandle]>([])

    private func append(_ entry: borrowing GraphStore.Entry) -> NodeHandle {
        let handle = GraphStore.shared.append(entry)
        handles.withLock { $0.append(handle) }
        return handle
    }

    /// A node without inputs whose word holds a number twice.
    func leaf(_ number: UInt64) -> NodeHandle {
        var entry = GraphStore.Entry(op: testOp, dtype: .float32, shape: .scalar)
        entry.word = number << 32 | number & 0xFFFF_FFFF
        return append(entry)
    }

    /// A node on top of another, whose reference it takes over.
    func unary(_ input: NodeHandle, trace: UInt8 = 0) -> NodeHandle {
        var entry = GraphStore.Entry(op: testOp, dtype: .float32, shape: .scalar)
        entry.inputs.0 = input.id
        entry.inputCount = 1
        entry.trace = trace
        return append(entry)
    }

    /// A node on top of others, whose references it takes over.
    func many(_ inputs: [NodeHandle]) -> NodeHandle {
        var entry = GraphStore.Entry(op: testOp, dtype: .float32, shape: .scalar)
        if inputs.count > 0 { entry.inputs.0 = inputs[0].id }
        if inputs.count > 1 { entry.inputs.1 = inputs[1].id }
        if inputs.count > 2 { entry.inputs.2 = inputs[2].id }
        entry.inputCount = min(inputs.count, 3)
        if inputs.count > 3 { entry.own(Payload(moreInputs: inputs[3...].map(\.id))) }
        return append(entry)
    }

    /// How many of the rows made so far are still these rows.
    var liveCount: Int {
        handles.withLock { handles in
            handles.count { handle in
                let state = GraphStore.shared.row(handle.id).pointee.state.load(
                    ordering: .acquiring)
                return UInt32(truncatingIfNeeded: state >> 32) == handle.generation
                    && UInt32(truncatingIfNeeded: state) > 0
            }
        }
    }
}

extension MLXArray {
    /// Keeps the array until here.
    func touch() { _ = handle }
}

func plainThread(_ body: @escaping @Sendable () -> Void) -> SystemThread {
    LinuxSystem(topology: .fake(nodes: 1)).start(name: "plain", body)!
}

private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Runs `body` on a thread with a stack of the given size.
func withThread(stackByteCount: Int, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackByteCount)
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Body(body))
    let status = pthread_create(
        &thread, &attributes,
        {
            Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    precondition(status == 0)
    pthread_join(thread, nil)
}

/// A value of one float.
func value(_ number: Float = 1) -> Value {
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    pointer.storeBytes(of: number, as: Float.self)
    nonisolated(unsafe) let memory = pointer
    let buffer = Buffer(adopting: pointer, byteCount: 4) { memory.deallocate() }
    return Value(buffer: buffer, dtype: .float32, shape: .scalar)
}
