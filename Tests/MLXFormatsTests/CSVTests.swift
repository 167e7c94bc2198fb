import MLXBase
import Testing

@testable import MLXFormats

// Tables of text: where fields are, what columns hold, numbers to the last bit, and errors with
// their lines.

@Suite struct CSVTests {
    private func table(_ text: String, delimiter: Character = ",") throws -> CSV {
        try CSV(
            Array(text.utf8), style: .init(delimiter: delimiter.asciiValue!), source: "test")
    }

    private func records(_ text: String) throws -> [[String]] {
        let table = try table(text)
        return (0..<table.recordCount).map { record in
            (0..<table.columnCount).map { table.text(record, $0) }
        }
    }

    @Test("fields, quotes and line ends") func fields() throws {
        #expect(try records("a,b\n1,2\n") == [["a", "b"], ["1", "2"]])
        #expect(try records("a,b\r\n1,2") == [["a", "b"], ["1", "2"]])
        #expect(try records("a,b\r1,2\r") == [["a", "b"], ["1", "2"]])
        #expect(try records("a,,\n,,c\n") == [["a", "", ""], ["", "", "c"]])
        #expect(try records("\"a,b\",\"c\nd\"\n") == [["a,b", "c\nd"]])
        #expect(try records("\"a\"\"b\",\"\"\"\",\"\"\n") == [["a\"b", "\"", ""]])
        #expect(try records("a\"b,c\"\n") == [["a\"b", "c\""]])
        #expect(try records("\u{FEFF}a,é\n") == [["a", "é"]])
        #expect(try records("a,b\n\n1,2\n\n\n") == [["a", "b"], ["1", "2"]])
        #expect(try records("a\n\n2\n") == [["a"], [""], ["2"]])
        #expect(try records("") == [])
        #expect(try records("\n\n") == [])
        #expect(try records("\"\"") == [[""]])
        #expect(try records("a,") == [["a", ""]])
        #expect(try table("a;b\n1,5;2\n", delimiter: ";").text(1, 0) == "1,5")
    }

    @Test("faults name their lines") func faults() {
        #expect(refused { _ = try table("a,b\n1,2\n\n1,2,3\n") }.contains("line 4: 3 fields"))
        #expect(refused { _ = try table("a,b\r\n1,2\r\n1\r\n") }.contains("line 3: 1 fields"))
        #expect(refused { _ = try table("a,b\r1,\"2\r") }.contains("line 2: a quote"))
        #expect(refused { _ = try table("a,b\n\"x\ny\",2\n\"z\"z,3\n") }.contains("line 4: text"))
        #expect(refused { _ = try table("\"") }.contains("line 1"))
    }

    @Test("columns: kinds, missing fields, errors with line and column") func columns() throws {
        let missing: Set<[UInt8]> = [[], Array("NA".utf8)]
        let table = try table("i,n,t,m\n1, 2.5 ,x,1\n-2,1e3,\"\",NA\n+3,,NA,\n")
        func kind(_ column: Int) -> CSV.ColumnKind {
            table.kind(column, from: 1, missing: missing)
        }
        #expect(kind(0) == .integers && kind(1) == .numbers)
        #expect(kind(2) == .texts && kind(3) == .numbers)
        #expect(try table.integers(0, name: "i", from: 1, missing: missing) == [1, -2, 3])
        let numbers = try table.numbers(1, name: "n", from: 1, missing: missing)
        #expect(numbers[0] == 2.5 && numbers[1] == 1000 && numbers[2].isNaN)
        #expect(table.texts(2, from: 1, missing: missing) == ["x", "", nil])
        let message = refused {
            _ = try table.numbers(2, name: "t", from: 1, missing: missing)
        }
        #expect(message.contains("line 2: column 3 ('t'): 'x' is no number"))
        #expect(
            refused { _ = try table.integers(3, name: "m", from: 1, missing: missing) }
                .contains("line 3: column 4 ('m'): 'NA' is no integer"))
        #expect(table.texts(0, from: 9, missing: missing).isEmpty)
    }

    @Test("numbers are the nearest float64") func numbers() {
        func number(_ text: String) -> Double? {
            Array(text.utf8).withUnsafeBufferPointer(DecimalNumber.float64)
        }
        func integer(_ text: String) -> Int64? {
            Array(text.utf8).withUnsafeBufferPointer(DecimalNumber.int64)
        }
        var generator = SplitMix64(seed: 11)
        for _ in 0..<3000 {
            let value = Double(bitPattern: generator.next())
            let other = Double(generator.within(-99999...99999)) / 1000
            for text in ["\(value)", "\(other)", "\(Float(other))"] where text != "-nan" {
                if text.hasPrefix("nan") || text.hasPrefix("snan") { continue }
                #expect(number(text) == Double(text), "\(text)")
            }
        }
        for text in [
            "0", "-0", "+1.", ".5", "1e5", "1E-5", "1e+22", "1e23", "9007199254740993",
            "123456789012345678901234567890", "0.000000000000000000000000000001", "1e400",
            "1e-400", "-1e99999", "4.9e-324", "2.2250738585072011e-308", "0e999999",
            "1797693134862315807e290", "00000000000000000000000000000012.5",
        ] {
            #expect(number(text)?.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
        #expect(number("-inf") == -.infinity && number("Infinity") == .infinity)
        #expect(number("nan")?.isNaN == true)
        for text in [
            "", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "1 2", "0x10", "1_000", "--1", "1-",
            "infx", "1,5", "٣",
        ] {
            #expect(number(text) == nil, "\(text)")
            #expect(integer(text) == nil, "\(text)")
        }
        #expect(integer("9223372036854775807") == .max && integer("-9223372036854775808") == .min)
        #expect(integer("9223372036854775808") == nil && integer("1.0") == nil)
        for text in ["1e9223372036854775807", "1e-9223372036854775808", "1e99999999999999999999"] {
            _ = number(text)
        }
    }

    @Test("random tables are records or typed errors") func hostile() {
        let words = ["a", ",", "\"", "\n", "\r", "1", "-2.5e", "\"\"", "NA", " ", "\0", "é"]
        var generator = SplitMix64(seed: 7)
        for _ in 0..<4000 {
            let text = (0..<generator.below(24)).map { _ in words[generator.below(words.count)] }
                .joined()
            do {
                let table = try table(text)
                for column in 0..<table.columnCount {
                    _ = table.kind(column, from: 0, missing: [[]])
                    _ = try? table.numbers(column, name: "x", from: 0, missing: [[]])
                    let texts = table.texts(column, from: 0, missing: [])
                    #expect(texts.count == table.recordCount)
                }
            } catch {
                #expect((error as? ArrayError)?.message.contains("line ") == true)
            }
        }
    }
}
