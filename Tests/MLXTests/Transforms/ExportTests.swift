import Foundation
import MLX
import Testing

/// Functions in files: what comes back computes the same, and a file that lies is refused.
@Suite("Exported functions") struct ExportTests {
    private func withFile<R>(_ body: (URL) throws -> R) throws -> R {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-export-\(UUID().uuidString).mlxfn")
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }

    @Test("a function comes back with its constants and labels") func roundTrip() throws {
        try withFile { url in
            let weight = MLXRandom.normal([4, 3], key: MLXRandom.key(1))
            let f = { (x: [MLXArray]) -> [MLXArray] in
                let y = matmul(x[0], weight) * 0.5 + x[1]
                return [softmax(y, axis: -1), y[0..., 1..<3].sum(axis: 0)]
            }
            let (a, b) = (MLXRandom.normal([2, 4], key: MLXRandom.key(2)), MLXArray.ones([3]))
            try exportFunction(to: url, f)(a, bias: b)
            let imported = try importFunction(from: url)
            let (got, wanted) = (try imported(a, bias: b), f([a, b]))
            for (x, y) in zip(got, wanted) {
                #expect(x.asArray(Float.self) == y.asArray(Float.self))
            }
            #expect(throws: ArrayError.self) { try imported(a, b) }
            #expect(throws: ArrayError.self) { try imported(a, bias: MLXArray.ones([4])) }
            #expect(throws: ArrayError.self) { try imported(a.asType(.float16), bias: b) }
            // The imported function is differentiated like any other.
            let slope = grad { (x: MLXArray) in
                (try? imported(x, bias: b)[1].sum()) ?? MLXArray(0)
            }(a)
            let plain = grad { (x: MLXArray) in f([x, b])[1].sum() }(a)
            #expect(allClose(slope, plain).item(Bool.self))
        }
    }

    @Test("several recordings, and shapeless ones") func several() throws {
        try withFile { url in
            try exportFunctions(to: url, { [$0[0].sum() * 2] }) { export in
                try export(MLXArray.ones([3]))
                try export(MLXArray.ones([2, 2]))
            }
            let f = try importFunction(from: url)
            #expect(try f(MLXArray.ones([3]))[0].item(Float.self) == 6)
            #expect(try f(MLXArray.ones([2, 2]))[0].item(Float.self) == 8)
            #expect(throws: ArrayError.self) { try f(MLXArray.ones([4])) }
        }
        try withFile { url in
            try exportFunction(to: url, shapeless: true) { [exp($0[0]).sum()] }(MLXArray.ones([3]))
            let f = try importFunction(from: url)
            #expect(try f(MLXArray.zeros([5]))[0].item(Float.self) == 5)
            #expect(throws: ArrayError.self) {
                try exportFunction(to: url, shapeless: true) { [$0[0].reshaped(3, 1)] }(
                    MLXArray.ones([3]))
            }
        }
    }

    @Test("custom functions, random numbers and gathers survive") func variety() throws {
        try withFile { url in
            let custom = CustomFunction {
                Forward { [$0[0] * 3] }
                VJP { _, cotangents in cotangents }
            }
            let f = { (x: [MLXArray]) -> [MLXArray] in
                let drawn = MLXRandom.uniform(0..<1, [3], key: x[1])
                return [custom([x[0]])[0][MLXArray([2, 0])] + drawn[0..<2], x[0] .> 1]
            }
            let (x, key) = (MLXArray([1, 2, 3] as [Float]), MLXRandom.key(4))
            try exportFunction(to: url, f)(x, key)
            let got = try importFunction(from: url)(x, key)
            #expect(got[0].asArray(Float.self) == f([x, key])[0].asArray(Float.self))
            #expect(got[1].asArray(Bool.self) == [false, true, true])
        }
    }

    @Test("a file with its bytes changed is refused or computes something, and never traps")
    func hostile() throws {
        try withFile { url in
            try exportFunction(to: url) { [$0[0][1..<3].reshaped(2, 1).T + 1] }(
                MLXArray.ones([5]))
            let good = try Data(contentsOf: url)
            // Every byte once, with one of the characters that mean something in the header.
            let replacements = Array("0129-{[],:\"xe ".utf8)
            for place in good.indices {
                var bad = good
                bad[place] = replacements[place % replacements.count]
                try bad.write(to: url)
                guard let f = try? importFunction(from: url),
                    let result = try? f(MLXArray.ones([5]))
                else { continue }
                try? checkedEval(result)
            }
            for cut in [0, 5, 9, good.count / 2, good.count - 1] {
                try good.prefix(cut).write(to: url)
                #expect(throws: (any Error).self) { try importFunction(from: url) }
            }
        }
    }
}
