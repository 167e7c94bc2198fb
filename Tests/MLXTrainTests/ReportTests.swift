import Foundation
import Testing

@testable import MLXTrain

// The report is checked as text: it is whole, escapes what it is given, stays small, and asks for
// nothing from outside.

@Suite struct ReportTests {
    static func sample() -> Report {
        var report = Report(title: "Digits <CNN>", subtitle: "seed 7 & 5 epochs")
        report.add(tiles: [("test accuracy", "97.2 %"), ("time", "8.1 s")])
        report.add(heading: "Training")
        let loss = (0..<5000).map { 2.3 * exp(-Double($0) / 900) + 0.05 * sin(Double($0)) + 0.06 }
        report.add(Report.LineChart(title: "Loss", yLabel: "nats", series: [.init("train", loss)]))
        report.add(
            Report.LineChart(
                title: "Accuracy", xLabel: "epoch",
                series: [
                    .init("train", [0.4, 0.8, 0.93, .nan, 0.97]),
                    .init("test", [0.35, 0.75, 0.9, 0.93, 0.95]),
                ], yRange: 0...1))
        let labels = (0..<10).map { "\($0)" }
        let counts = (0..<10).map { row in (0..<10).map { $0 == row ? 90 : (row * $0) % 5 } }
        report.add(Report.ConfusionMatrix(title: "Confusion", labels: labels, counts: counts))
        let events = (0..<300).map { index in
            Report.Timeline.Event(
                device: ["cpu", "gpu", "npu"][index % 3],
                beginNanoseconds: index * 1000 + index % 7 * 90,
                endNanoseconds: index * 1000 + 900 + index % 5 * 400,
                label: ["matmul", "fused", "softmax", "copy"][index % 4])
        }
        report.add(Report.Timeline(title: "Devices", events: events))
        report.add(
            Report.Table(
                title: "Layers", header: ["layer", "parameters", "ms"],
                rows: [["conv1", "320", "1.25"], ["fc & out", "101770", "0.4"]]))
        return report
    }

    @Test("A page is whole, and asks for nothing from outside")
    func page() {
        let html = Self.sample().html
        #expect(html.hasPrefix("<!doctype html>"))
        #expect(html.hasSuffix("</html>\n"))
        for word in ["http:", "https:", "<script", "url(", "@import", " src=", " href="] {
            #expect(!html.contains(word))
        }
        #expect(html.contains("prefers-color-scheme: dark"))
        for tag in ["svg", "figure", "table", "rect", "text"] {
            let open = html.ranges(of: "<\(tag)").count
            let closed = html.ranges(of: "</\(tag)>").count
            #expect(tag == "rect" ? open >= closed : open == closed, "\(tag)")
        }
        #expect(html.contains("Digits &lt;CNN&gt;"))
        #expect(!html.contains("nan") && !html.contains("inf\""))
    }

    @Test("Text is escaped everywhere")
    func escaping() {
        let evil = "<script>\"&\u{1}"
        var report = Report(title: evil, subtitle: evil)
        report.add(heading: evil)
        report.add(text: evil)
        report.add(tiles: [(evil, evil)])
        report.add(
            Report.LineChart(
                title: evil, xLabel: evil, yLabel: evil,
                series: [
                    .init(evil, [1, 2]), .init(evil, [2, 1]),
                ]))
        report.add(Report.ConfusionMatrix(title: evil, labels: [evil, evil], counts: [[1, 2]]))
        report.add(
            Report.Timeline(
                title: evil,
                events: [
                    .init(device: evil, beginNanoseconds: 0, endNanoseconds: 1, label: evil),
                    .init(device: evil, beginNanoseconds: 0, endNanoseconds: 1, label: "b"),
                ]))
        report.add(Report.Table(title: evil, header: [evil], rows: [[evil]]))
        #expect(!report.html.contains("<script"))
        #expect(!report.html.contains("\u{1}"))
        #expect(Report.escape("a<b>&\"c\"\n") == "a&lt;b&gt;&amp;&quot;c&quot; ")
    }

    @Test("A million points and events make a small page")
    func size() {
        var report = Report(title: "large")
        let values = (0..<1_000_000).map { Double($0 % 1000) }
        report.add(Report.LineChart(title: "", series: [.init("a", values)]))
        let events = (0..<100_000).map {
            Report.Timeline.Event(
                device: "cpu", beginNanoseconds: $0 * 100, endNanoseconds: $0 * 100 + 90,
                label: "op\($0 % 20)")
        }
        report.add(Report.Timeline(title: "", events: events))
        #expect(report.html.utf8.count < 600_000)
    }

    @Test("Nothing to draw is said, not drawn")
    func empty() {
        var report = Report(title: "")
        report.add(Report.LineChart(title: "a", series: []))
        report.add(Report.LineChart(title: "a", series: [.init("x", [.nan, .infinity])]))
        report.add(Report.ConfusionMatrix(title: "b", labels: [], counts: []))
        report.add(Report.Timeline(title: "c", events: []))
        report.add(Report.Table(header: [], rows: []))
        let wide = [-1.7e308, 1.7e308]
        report.add(Report.LineChart(title: "d", series: [.init("x", wide)], yRange: 1...1))
        report.add(Report.LineChart(title: "one", series: [.init("x", [3])]))
        #expect(report.html.contains("No events."))
        #expect(!report.html.contains("nan"))
    }

    @Test("Ticks and numbers")
    func numbers() {
        #expect(ReportNumbers.ticks(0...1, count: 5) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
        #expect(ReportNumbers.ticks(-3...7, count: 5) == [-2, 0, 2, 4, 6])
        #expect(ReportNumbers.ticks(2...2, count: 5) == [2])
        #expect(ReportNumbers.text(0.6000000000000001) == "0.6")
        #expect(ReportNumbers.text(1234567) == "1.23e+06")
        #expect(ReportNumbers.text(-12) == "-12")
        #expect(ReportNumbers.duration(nanoseconds: 1500) == "1.5 µs")
        #expect(ReportNumbers.duration(nanoseconds: 0) == "0 ns")
        let events = [(0, 10), (5, 8), (20, 25), (24, 30)].map {
            Report.Timeline.Event(
                device: "", beginNanoseconds: $0.0, endNanoseconds: $0.1, label: "")
        }
        #expect(Report.Timeline.busyNanoseconds(events) == 20)
    }

    @Test("A page is written whole")
    func write() throws {
        let url = URL.temporaryDirectory.appending(
            path: "report-\(UInt64.random(in: 0 ... .max)).html")
        defer { try? FileManager.default.removeItem(at: url) }
        let report = Self.sample()
        try report.write(to: url)
        #expect(try String(contentsOf: url, encoding: .utf8) == report.html)
    }
}
