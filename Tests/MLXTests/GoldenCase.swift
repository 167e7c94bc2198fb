import Foundation
import MLX

/// One line of Fixtures/goldens.json, which Scripts/goldens writes: a call, and what MLX gave.
/// Inputs and results are names of tensors in the file beside it.
struct GoldenCase: Decodable, Sendable, CustomStringConvertible {
    // SAFETY: the scalars are numbers and bools.
    enum Operand: Decodable, @unchecked Sendable {
        case tensor(String)
        case scalar(any ScalarOrArray)

        private struct Weak: Decodable {
            let int: Int?
            let float: Double?
            let bool: Bool?
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let name = try? container.decode(String.self) {
                self = .tensor(name)
                return
            }
            let weak = try container.decode(Weak.self)
            if let int = weak.int {
                self = .scalar(int)
            } else if let float = weak.float {
                self = .scalar(float)
            } else {
                self = .scalar(weak.bool ?? false)
            }
        }
    }

    enum Index: Decodable, Sendable {
        case tensor(String), position(Int), newAxis, ellipsis
        case slice([Int?])

        private struct Slice: Decodable { let slice: [Int?] }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let position = try? container.decode(Int.self) {
                self = .position(position)
            } else if let name = try? container.decode(String.self) {
                self = name == "new" ? .newAxis : name == "..." ? .ellipsis : .tensor(name)
            } else {
                self = .slice(try container.decode(Slice.self).slice)
            }
        }
    }

    struct Arguments: Decodable, Sendable {
        let shape: [Int]?
        let axes: [Int]?
        let axis: Int?
        let keepDims: Bool?
        let ddof: Int?
        let precise: Bool?
        let decimals: Int?
        let dtype: String?
        let equalNaN: Bool?
        let min: Double?
        let max: Double?
        let widths: [[Int]]?
        let mode: String?
        let parts: Int?
        let indices: [Int]?
        let count: Int?
        let repetitions: [Int]?
        let start: Double?
        let end: Int?
        let stop: Double?
        let step: Double?
        let n: Int?
        let m: Int?
        let k: Int?
        let low: Double?
        let high: Double?
        let loc: Float?
        let scale: Float?
        let p: Float?
        let alpha: Float?
        let beta: Float?
        let stride: [Int]?
        let padding: [Int]?
        let dilation: [Int]?
        let groups: Int?
        let index: [Index]?
        let of: String?
        let wanted: [Int]?
        let kth: Int?
        let reverse: Bool?
        let inclusive: Bool?
        let subscripts: String?
        let inputDilation: [Int]?
        let outputPadding: [Int]?
        let flip: Bool?
        let groupSize: Int?
        let bits: Int?
        let transpose: Bool?
        let eps: Float?
        let base: Float?
        let traditional: Bool?
        let dimensions: Int?
        let offset: Int?
        let hasFrequencies: Bool?
        let hasSinks: Bool?
    }

    private enum CodingKeys: String, CodingKey {
        case name, op, inputs = "in", args, outputs = "out", ulp, scaled
    }

    let name: String
    let op: String
    let inputs: [Operand]
    let args: Arguments
    let outputs: [String]
    /// The bound for floats in units of epsilon; 0 means every bit.
    let ulp: Double
    /// The bound is relative to the largest value instead of each one.
    let scaled: Bool

    var description: String { name }
}

/// All cases and tensors.
struct Goldens: Sendable {
    let cases: [GoldenCase]
    let tensors: [String: MLXArray]

    private struct Manifest: Decodable { let cases: [GoldenCase] }

    init() throws {
        func url(_ name: String, _ kind: String) -> URL {
            Bundle.module.url(forResource: name, withExtension: kind, subdirectory: "Fixtures")!
        }
        cases = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: url("goldens", "json"))
        ).cases
        tensors = try loadArrays(url: url("goldens", "safetensors"))
    }

    func operands(_ golden: GoldenCase) -> [any ScalarOrArray] {
        golden.inputs.map { operand in
            switch operand {
            case .tensor(let name): tensors[name]!
            case .scalar(let value): value
            }
        }
    }

    func index(_ parts: [GoldenCase.Index]) -> [any MLXArrayIndex] {
        parts.map { part -> any MLXArrayIndex in
            switch part {
            case .tensor(let name): tensors[name]!
            case .position(let position): position
            case .newAxis: MLXNewAxisIndex.newAxis
            case .ellipsis: MLXEllipsisIndex.ellipsis
            case .slice(let parts): MLX.stride(from: parts[0], to: parts[1], by: parts[2])
            }
        }
    }
}
