import Foundation
import MLX
import MLXGraph
import Testing

/// Bad input, by the rows of the catalogue: every call makes a typed error with the operation, the
/// shapes and the place of the call, and harms nothing else. Ends of processes and leaks are
/// watched in processes of their own.
@Suite("Bad input") struct BadInputTests {
    @Test("the async API throws a typed error", arguments: BadInput.all)
    func thrown(_ bad: BadInput) async throws {
        let error = await #expect(throws: ArrayError.self) { try await evaluate(bad.call()) }
        let found = try #require(error)
        #expect(found.kind == bad.kind, "\(found)")
        #expect(found.operation == bad.operation, "\(found)")
        if let shapes = bad.shapes { #expect(found.shapes == shapes) }
        #expect(!found.message.isEmpty)
    }

    @Test("the call site is the caller's line", arguments: BadInput.all)
    func places(_ bad: BadInput) async throws {
        let error = await #expect(throws: ArrayError.self) { try await evaluate(bad.call()) }
        let place = try #require(error?.site.place)
        let parts = place.split(separator: ":")
        #expect(parts.first?.contains("BadInput") == true, "\(place)")
        let line = parts.dropFirst().first.flatMap { Int($0) } ?? 0
        #expect((bad.line...bad.line + 3).contains(line), "\(place), not line \(bad.line)")
        #expect(error?.evaluationSite?.place?.contains("BadInputTests.swift") == true)
    }

    @Test("withError throws the message", arguments: BadInput.all)
    func caught(_ bad: BadInput) throws {
        let error = #expect(throws: MLXError.self) { try withError { eval(bad.call()) } }
        #expect(error?.errorDescription?.contains("[\(bad.operation)]") == true, "\(error as Any)")
    }

    @Test("D.2 17: integer division by zero and of the smallest number")
    func integerDivision() async throws {
        for dtype in [DType.int8, .int16, .int32, .int64] {
            let smallest = full([40], values: MLXArray(int64: .min), dtype: .int64)
            let one = full([40], values: MLXArray(1), dtype: dtype)
            let low = dtype == .int64 ? smallest : one << (dtype.size * 8 - 1)
            let minusOne = full([40], values: MLXArray(-1), dtype: dtype)
            let zero = zeros([40], dtype: dtype)
            // The quotient wraps, as every other operation of integers does.
            #expect(try await arrayEqual(floorDivide(low, minusOne), low).value(Bool.self))
            #expect(try await arrayEqual(low % minusOne, zero).value(Bool.self))
            #expect(try await arrayEqual(floorDivide(low, zero), zero).value(Bool.self))
            #expect(try await arrayEqual(low % zero, low).value(Bool.self))
        }
        for dtype in [DType.uint8, .uint16, .uint32, .uint64] {
            let seven = full([40], values: MLXArray(7), dtype: dtype)
            let zero = zeros([40], dtype: dtype)
            #expect(try await arrayEqual(floorDivide(seven, zero), zero).value(Bool.self))
            #expect(try await arrayEqual(seven % zero, seven).value(Bool.self))
        }
    }

    @Test("D.2 18: shapes beyond 2^31 elements are shapes; nothing is allocated")
    func largeShapes() async throws {
        let wide = broadcast(MLXArray([1 as Float]), to: [1 << 20, 1 << 20])
        #expect(wide.size == 1 << 40)
        #expect(wide.reshaped([-1]).shape == [1 << 40])
        #expect(try await wide[(1 << 20) - 1, 3].value(Float.self) == 1)
        let long = broadcast(MLXArray([2 as Float]), to: [1 << 40])
        #expect(long[(1 << 33)...].size == (1 << 40) - (1 << 33))
        #expect(long[0..<(1 << 33)].size == 1 << 33)
        #expect(long[0...Int.max].size == 1 << 40)
        #expect(long[.stride(by: Int.min)].size == 1)
        #expect(try await long[1 << 35].value(Float.self) == 2)
        #expect(concatenated([long, long]).size == 1 << 41)
        #expect(eye(50_000).size == 2_500_000_000)
        let error = await #expect(throws: ArrayError.self) { try await evaluate(zeros([1 << 42])) }
        #expect(error?.kind == .memory)
    }

    @Test("D.2 20: arrays without elements") func empty() async throws {
        let none = zeros([2, 0, 3])
        #expect(try await sum(none, axis: 1).values(Float.self) == [0, 0, 0, 0, 0, 0])
        #expect(try await product(none, axis: 1).values(Float.self) == [1, 1, 1, 1, 1, 1])
        #expect(try await mean(none).value(Float.self).isNaN)
        #expect(try await variance(none, ddof: Int.min).value(Float.self).isFinite)
        #expect(try await (none + zeros([2, 1, 3])).values(Float.self) == [])
        #expect(try await matmul(zeros([2, 0]), zeros([0, 2])).values(Float.self) == [0, 0, 0, 0])
        #expect(try await matmul(zeros([0, 2]), zeros([2, 3])).values(Float.self) == [])
        #expect(try await max(none, axis: 0).values(Float.self) == [])
        #expect(try await softmax(none, axis: 1).values(Float.self) == [])
        #expect(try await take(none, MLXArray([Int32]()), axis: 1).values(Float.self) == [])
        #expect(none.transposed().asData(access: .noCopy).data.count == 0)
        #expect(zeros([0, 3]).T.asData(access: .noCopyIfContiguous).data.count == 0)
        let written = zeros([3])
        written[MLXArray([Int32]())] = zeros([0])
        written[3...] = MLXArray(7)
        #expect(try await written.values(Float.self) == [0, 0, 0])
        #expect(conv2d(zeros([0, 4, 4, 1]), zeros([2, 3, 3, 1])).shape == [0, 2, 2, 2])
        #expect(try await conv2d(zeros([0, 4, 4, 1]), zeros([2, 3, 3, 1])).values(Float.self) == [])
    }

    @Test("D.2 23: an error below 100,000 operations") func deep() async throws {
        var array = MLXArray([1, 2] as [Float]) + MLXArray([1, 2, 3] as [Float])
        for _ in 0..<100_000 { array = array + 1 }
        let last = array
        let error = await #expect(throws: ArrayError.self) { try await evaluate(last) }
        #expect(error?.operation == "broadcast_shapes")
        #expect(error?.shapes == [[2], [3]])
        #expect(error?.site.place?.contains("BadInputTests.swift") == true)
    }

    @Test("D.2 24: an error surfaces where it is asked for, and only there")
    func once() async throws {
        let good = MLXArray([1, 2, 3] as [Float])
        let bad = good[MLXArray([0, 9])]
        let other = good * 2
        await #expect(throws: ArrayError.self) { try await evaluate(bad, other) }
        #expect(try await other.values(Float.self) == [2, 4, 6])
        await #expect(throws: ArrayError.self) { try await bad.values(Float.self) }
        #expect(try await (good + 1).values(Float.self) == [2, 3, 4])
        let messages = Messages()
        withErrorHandler({ messages.append($0) }) {
            let sum = good + MLXArray([1, 2] as [Float])
            _ = sum * 2 + 1
        }
        #expect(messages.all.count == 1)
        let box = try withError { (box: ErrorBox) in
            let wrong = good + MLXArray([1, 2] as [Float])
            #expect(throws: MLXError.self) { try box.check() }
            #expect(wrong.shape == [3])
            return box
        }
        #expect(box.firstError == nil)
    }

    @Test("D.2 24: a background evaluation keeps its error for who reads")
    func background() throws {
        let bad = MLXArray([1, 2, 3] as [Float])[MLXArray([9])]
        asyncEval(bad)
        #expect(throws: MLXError.self) { try withError { _ = bad.item(Float.self) } }
        #expect(throws: MLXError.self) { try withError { _ = bad.asArray(Float.self) } }
        #expect(throws: MLXError.self) { try withError { _ = bad.asData() } }
        #expect(throws: MLXError.self) { try withError { _ = bad.description } }
        #expect(throws: MLXError.self) { try withError { _ = zeros([2]).item(Float.self) } }
    }

    @Test("what a device has no kernel for runs on one that has") func devices() async throws {
        let a = MLXArray([1.5, 2, 3] as [Float])
        for stream in [StreamOrDevice.cpu, .gpu, .npu] {
            let wide = a.asType(.float64)
            #expect(try await add(a, a, stream: stream).values(Float.self) == [3, 4, 6])
            let powers = try await exp(wide, stream: stream).values(Double.self)
            #expect(powers[0] == Foundation.exp(1.5))
            #expect(
                try await matmul(wide, wide, stream: stream).value(Double.self) == 2.25 + 4 + 9)
        }
    }
}

/// Messages from a handler.
private final class Messages: @unchecked Sendable {
    // SAFETY: `list` is only touched with the lock held.
    private let lock = NSLock()
    private var list: [String] = []

    var all: [String] { lock.withLock { list } }
    func append(_ message: String) { lock.withLock { list.append(message) } }
}
