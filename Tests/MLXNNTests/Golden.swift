import Foundation
import MLX
import Testing

/// What MLX computes, from Fixtures/layers.json, which the script beside it writes.
struct Golden: Decodable {
    struct Entry: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    let activations: [String: Entry]
    let losses: [String: Entry]
    let layers: [String: Entry]

    static func load() throws -> Golden {
        let url = try #require(
            Bundle.module.url(
                forResource: "layers", withExtension: "json", subdirectory: "Fixtures"))
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }
}

/// Expects an array to have the shape and, nearly, the values of an entry.
/// NUMERICS: the order of sums and the exponential differ from MLX's in the last bits.
func expect(
    _ array: MLXArray, _ name: String, _ entries: [String: Golden.Entry],
    tolerance: Float = 2e-5
) throws {
    let entry = try #require(entries[name], "\(name) is not in the file")
    #expect(array.shape == entry.shape, "\(name)")
    let values = array.asArray(Float.self)
    let isClose = zip(values, entry.values).allSatisfy {
        abs($0 - $1) <= tolerance * (1 + abs($1))
    }
    #expect(isClose && values.count == entry.values.count, "\(name): \(values) \(entry.values)")
}

/// What `make` makes with random numbers from seed 0.
func seeded<R>(_ make: () -> R) -> R {
    withRandomState(MLXRandom.RandomState(seed: 0)) { make() }
}
