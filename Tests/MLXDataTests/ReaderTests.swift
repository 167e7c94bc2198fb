import Foundation
import MLX
import MLXData
import MLXFormats
import Testing

/// Data sets from files: tables, arrays, folders of images, text; and what becomes of files that
/// are not what they should be.
@Suite("Readers") struct ReaderTests {
    /// A folder that is gone when the test is over.
    private final class Folder {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("data-\(UUID().uuidString)")

        init() throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }

        func write(_ name: String, _ bytes: [UInt8]) throws -> URL {
            let file = url.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
            return file
        }

        deinit { try? FileManager.default.removeItem(at: url) }
    }

    private func fault(_ body: () throws -> Void) -> ArrayError? {
        do {
            try body()
            return nil
        } catch {
            return error as? ArrayError
        }
    }

    // MARK: Tables

    @Test("tables: types, columns, data sets") func tables() throws {
        let text = "x,y,n,kind,name\n1,0.5,7,b,\"A, B\"\n2,,8,a,NA\n3,-1e2,9,b,C\n"
        let table = try CSVTable(text: text)
        #expect(table.names == ["x", "y", "n", "kind", "name"] && table.rowCount == 3)
        #expect(try table.type(of: "x") == .integer && table.type(of: "y") == .number)
        #expect(try table.type(of: "kind") == .category)
        #expect(try table.integers("n") == [7, 8, 9])
        #expect(try table.texts("name") == ["A, B", nil, "C"])
        let kinds = try table.categories("kind")
        #expect(kinds.codes == [1, 0, 1] && kinds.texts == ["a", "b"])
        let y = try table.array("y")
        #expect(y.dtype == .float32 && y.asArray(Float.self)[1].isNaN)
        #expect(try table.array("n").dtype == .int32)
        let dataset = try table.dataset(inputs: ["x", "n"], target: "kind")
        let batch = try dataset.batch(at: [2, 0])
        #expect(batch.input.asArray(Float.self) == [3, 9, 1, 7])
        #expect(batch.target.asArray(Int.self) == [1, 1])
        #expect(fault { _ = try table.array("z") }?.kind == .argument)
        #expect(fault { _ = try table.numbers("kind") }?.message.contains("line 2") == true)
        #expect(fault { _ = try table.categories("name") }?.message.contains("line 3") == true)
        var options = CSVTable.Options()
        options.types = ["kind": .text, "x": .number]
        let typed = try CSVTable(text: text, options: options)
        #expect(try typed.array("x").dtype == .float32)
        #expect(fault { _ = try typed.array("kind") }?.kind == .argument)
        #expect(try CSVTable(text: "a\n5000000000\n").array("a").dtype == .int64)
    }

    @Test("tables: other delimiters, no header, faults") func tableOptions() throws {
        var options = CSVTable.Options()
        options.delimiter = "\t"
        options.quote = "'"
        options.hasHeader = false
        options.missing = ["-"]
        let table = try CSVTable(text: "1\t'a\tb'\n-\tc\n", options: options)
        #expect(table.names == ["0", "1"] && table.rowCount == 2)
        #expect(try table.numbers("0")[1].isNaN)
        #expect(try table.texts("1") == ["a\tb", "c"])
        for (delimiter, quote) in [(",", ","), ("é", "\""), (",", "\n"), ("\r\n", "\"")] {
            options.delimiter = Character(delimiter)
            options.quote = Character(quote)
            #expect(fault { _ = try CSVTable(text: "", options: options) }?.kind == .argument)
        }
        #expect(
            fault { _ = try CSVTable(text: "a,a\n1,2\n") }?.message.contains("column 2") == true)
        let empty = try CSVTable(text: "")
        #expect(empty.names.isEmpty && empty.rowCount == 0)
        #expect(try CSVTable(text: "a,b\n").array(["b", "a"]).shape == [0, 2])
        let missing = URL(fileURLWithPath: "/nowhere/table.csv")
        #expect(fault { _ = try CSVTable(contentsOf: missing) }?.kind == .file)
    }

    // MARK: Arrays

    @Test("npy, npz and idx files are data sets") func arrays() throws {
        let folder = try Folder()
        let x = MLXArray(0..<12, [4, 3]).asType(.float32)
        let y = MLXArray(0..<4)
        let npy = folder.url.appendingPathComponent("x.npy")
        let npz = folder.url.appendingPathComponent("xy.npz")
        try save(array: x, url: npy)
        try save(arrays: ["x": x, "y": y], url: npz)
        #expect(try ArrayDataset(npy: npy).element(at: 1).asArray(Int.self) == [3, 4, 5])
        let columns = try ArrayDataset(npz: npz).batch(at: [3, 0])
        #expect(columns["y"]?.asArray(Int.self) == [3, 0])
        let pairs = try ArrayDataset(npz: npz, input: "x", target: "y")
        #expect(try pairs.batch(at: [2]).input.asArray(Int.self) == [6, 7, 8])
        #expect(fault { _ = try ArrayDataset(npz: npz, input: "x", target: "z") }?.kind == .file)
        #expect(throws: LoadSaveError.self) { try ArrayDataset(npz: npy) }

        let images = try folder.write(
            "images", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 51, 102])
        let labels = try folder.write("labels", [0, 0, 8, 1, 0, 0, 0, 2, 9, 4])
        let digits = try ArrayDataset(idxImages: images, labels: labels)
        let digit = try digits.element(at: 1)
        #expect(digit.input.shape == [1, 2, 1] && digit.target.item(Int.self) == 4)
        #expect(digit.input.asArray(Float.self) == [0.2, 0.4])
        #expect(fault { _ = try ArrayDataset(idxImages: labels, labels: images) }?.kind == .file)
        let short = try folder.write("short", [0, 0, 8, 1, 0, 0, 0, 1, 9])
        #expect(fault { _ = try ArrayDataset(idxImages: images, labels: short) }?.kind == .shape)
    }

    // MARK: Images

    private func ppm(_ width: Int, _ height: Int, _ values: [UInt8]) -> [UInt8] {
        Array("P6 \(width) \(height) 255\n".utf8) + values
    }

    @Test("folders of images: classes and files in order, batches in one block")
    func images() async throws {
        let folder = try Folder()
        _ = try folder.write("dogs/b.ppm", ppm(2, 1, [255, 0, 0, 0, 255, 0]))
        _ = try folder.write("dogs/a.pgm", Array("P5 2 1 255\n".utf8) + [51, 102])
        _ = try folder.write("cats/deep/c.PPM", ppm(2, 1, [0, 0, 255, 255, 255, 255]))
        _ = try folder.write("cats/note.txt", [1])
        _ = try folder.write("cats/.hidden.ppm", [1])
        _ = try folder.write("readme.txt", [1])
        let photos = try ImageFolder(folder.url)
        #expect(photos.classes == ["cats", "dogs"] && photos.count == 3)
        #expect(photos.files.map(\.lastPathComponent) == ["c.PPM", "a.pgm", "b.ppm"])
        let batch = try photos.batch(at: [1, 2, 0])
        #expect(batch.input.shape == [3, 1, 2, 3] && batch.input.dtype == .float32)
        #expect(batch.target.asArray(Int.self) == [1, 1, 0])
        #expect(batch.input[0].asArray(Float.self) == [0.2, 0.2, 0.2, 0.4, 0.4, 0.4])
        let element = try photos.element(at: 2)
        #expect(element.input.asArray(Float.self) == [1, 0, 0, 0, 1, 0])
        let grey = try ImageFolder(folder.url, channels: 1).element(at: 2)
        #expect(grey.input.shape == [1, 2, 1])
        // As it is in the files, they do not fit each other.
        let mixed = try ImageFolder(folder.url, channels: nil)
        let misfit = fault { _ = try mixed.batch(at: [0, 1]) }
        #expect(misfit?.kind == .shape && misfit?.message.contains("a.pgm") == true)
        let loader = try DataLoader(photos, batchSize: 2, shuffle: 3)
        var seen = 0
        for try await (_, batch) in loader.batches(epochs: 2) { seen += batch.input.dim(0) }
        #expect(seen == 6)

        let broken = try folder.write("dogs/c.png", [0x89, 0x50])
        let damaged = try ImageFolder(folder.url)
        #expect(fault { _ = try damaged.batch(at: [0, 3]) }?.kind == .file)
        #expect(fault { _ = try loadImage(url: broken) }?.message.contains("c.png") == true)
        try FileManager.default.createDirectory(
            at: folder.url.appendingPathComponent("empty"), withIntermediateDirectories: false)
        #expect(fault { _ = try ImageFolder(folder.url) }?.message.contains("empty") == true)
        let none = URL(fileURLWithPath: "/nowhere")
        #expect(fault { _ = try ImageFolder(none) }?.kind == .file)
        #expect(fault { _ = try ImageFolder(folder.url, channels: 5) }?.kind == .argument)
        #expect(fault { _ = try loadImage(url: broken, channels: 0) }?.kind == .argument)
    }

    @Test("one image keeps its bits") func oneImage() throws {
        let folder = try Folder()
        let wide = try folder.write("w.pgm", Array("P5 1 1 65535\n".utf8) + [0x12, 0x34])
        let image = try loadImage(url: wide)
        #expect(image.shape == [1, 1, 1] && image.dtype == .uint16)
        #expect(image.item(Int.self) == 0x1234)
        #expect(try loadImage(url: wide, channels: 4).shape == [1, 1, 4])
    }

    // MARK: Text

    @Test("windows are shifted by one and begin every stride") func windows() throws {
        let windows = try TokenWindows(Array(0..<10), context: 3, stride: 2)
        #expect(windows.count == 4)
        let all = try windows.batch(at: [0, 3, 1])
        #expect(all.input.asArray(Int.self) == [0, 1, 2, 6, 7, 8, 2, 3, 4])
        #expect(all.target.asArray(Int.self) == [1, 2, 3, 7, 8, 9, 3, 4, 5])
        #expect(try windows.element(at: 3).target.asArray(Int.self) == [7, 8, 9])
        #expect(try TokenWindows(Array(0..<10), context: 3).count == 3)
        #expect(try TokenWindows(Array(0..<10), context: 3, stride: 1).count == 7)
        #expect(try TokenWindows(Array(0..<10), context: 9, stride: .max).count == 1)
        for (context, stride) in [(10, 1), (0, 1), (-1, 1), (3, 0), (3, .min), (.max, 1)] {
            let error = fault {
                _ = try TokenWindows(Array(0..<10), context: context, stride: stride)
            }
            #expect(error?.kind == .argument)
        }
        #expect(fault { _ = try TokenWindows([0, 1 << 40], context: 1) }?.kind == .argument)
        #expect(fault { _ = try windows.element(at: 4) }?.kind == .index)
    }

    @Test("characters are numbered by code point") func characters() throws {
        let characters = CharacterVocabulary("banane, é")
        #expect(String(String.UnicodeScalarView(characters.scalars)) == " ,abené")
        let tokens = try characters.encode("nab é")
        #expect(try characters.decode(tokens) == "nab é")
        #expect(fault { _ = try characters.encode("x") }?.kind == .argument)
        #expect(fault { _ = try characters.decode([99]) }?.kind == .index)
    }

    @Test("lines of text") func lines() throws {
        let folder = try Folder()
        let file = try folder.write("t.txt", Array("\u{FEFF}one\r\n\n  \ntwo\rthree".utf8))
        #expect(try ElementDataset(linesOf: file).elements == ["one", "two", "three"])
        let all = try ElementDataset(linesOf: file, keepsBlankLines: true)
        #expect(all.elements == ["one", "", "  ", "two", "three"])
        #expect(try DataLoader(all, batchSize: 2).batch(at: .start) == ["one", ""])
        let binary = try folder.write("b.txt", [0x61, 0xFF, 0xFE])
        #expect(fault { _ = try loadText(url: binary) }?.kind == .file)
        let empty = try folder.write("e.txt", [])
        #expect(try ElementDataset(linesOf: empty).count == 0)
    }
}
