import Foundation
import MLX
import MLXData
import MLXModels
import MLXNN
import Testing

/// The code of the page on data, as it stands there; see `DocumentationTests`.
@Suite("Documentation: data") struct DocumentationDataTests {
    @Test("Loaders") func loaders() async throws {
        let digits = try Digits.bundled()
        let loader = try DataLoader(digits.training, batchSize: 32, shuffle: 7)
        for try await (position, batch) in loader.batches(epochs: 1) {
            print(position, batch.input.shape, batch.target.shape)  // [32, 8, 8, 1] and [32]
        }
        let first = try loader.batch(at: .start)
        #expect(first.input.shape == [32, 8, 8, 1] && first.target.shape == [32])

        let noisy = digits.training.map(key: 3) { digit, key in
            Example(digit.input + 0.1 * MLXRandom.normal(digit.input.shape, key: key), digit.target)
        }
        let dimmed = loader.map(key: 4) { batch, key in
            let light = MLXRandom.uniform(0.5 ..< 1, [batch.input.dim(0), 1, 1, 1], key: key)
            return Example(batch.input * light, batch.target)
        }
        #expect(try noisy.element(at: 5).input.shape == [8, 8, 1])

        var next = LoaderPosition.start
        for try await (position, batch) in dimmed.batches(from: next, epochs: 2) {
            try await evaluate(batch.input)
            next = dimmed.position(after: position)
        }
        #expect(next == LoaderPosition(epoch: 2, batch: 0))
    }

    @Test("Data sets of one's own") func own() throws {
        struct Squares: Dataset {
            let count = 100
            func element(at index: Int) throws -> Example {
                Example(MLXArray(Float(index)), MLXArray(Float(index * index)))
            }
        }
        let (training, test) = try Squares().split(fraction: 0.9, key: 5)
        #expect(training.count == 90 && test.count == 10)
    }

    @Test("Readers") func readers() throws {
        let table = try CSVTable(text: "length,width,kind\n5.1,3.5,setosa\n6.2,,virginica\n")
        let flowers = try table.dataset(inputs: ["length", "width"], target: "kind")
        let text = "the quick brown fox jumps over the lazy dog"
        let characters = CharacterVocabulary(text)
        let windows = try TokenWindows(characters.encode(text), context: 8, stride: 4)
        #expect(flowers.count == 2 && windows.count == 9)
        #expect(try flowers.element(at: 1).input.asArray(Float.self)[1].isNaN)
    }

    @Test("Image models") func models() throws {
        let digits = try Digits.bundled()
        let model = ResNet(blocks: (1, 1, 1, 1), width: 8, channels: 1, classes: 10)
        model.train(false)
        let logits = model(digits.test.images[0 ..< 4])             // (4, 10)
        #expect(logits.shape == [4, 10])
        eval(logits)
    }
}
