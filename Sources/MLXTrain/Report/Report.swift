import Foundation
import MLXFormats

/// One self-contained HTML page about a run: headings, paragraphs, tables, line charts, confusion
/// matrices and device timelines, in the order they are added. It is made of plain values, holds
/// no arrays, loads nothing from anywhere, runs no script, and reads well in light and in dark.
///
/// ```swift
/// var report = Report(title: "Digits")
/// report.add(Report.LineChart(title: "Loss", series: [.init("training", [2.3, 1.1, 0.4])]))
/// try report.write(to: URL(fileURLWithPath: "report.html"))
/// ```
public struct Report: Sendable {
    /// Anything that draws itself as a piece of HTML.
    public protocol Figure: Sendable {
        /// Text must be escaped with `Report.escape`.
        var html: String { get }
    }

    /// The heading of the page.
    public let title: String
    /// The line below it; empty for none.
    public let subtitle: String
    private var pieces: [String] = []

    /// An empty page.
    public init(title: String, subtitle: String = "") {
        self.title = title
        self.subtitle = subtitle
    }

    /// Adds a heading.
    public mutating func add(heading: String) {
        pieces.append("<h2>\(Report.escape(heading))</h2>")
    }

    /// Adds a paragraph; characters that mean something in HTML are escaped.
    public mutating func add(text: String) { pieces.append("<p>\(Report.escape(text))</p>") }

    /// Adds a figure.
    public mutating func add(_ figure: some Figure) { pieces.append(figure.html) }

    /// The figures that a run is judged by, large and side by side.
    public mutating func add(tiles: [(label: String, value: String)]) {
        let tiles = tiles.map {
            "<div class=\"tile\"><span>\(Report.escape($0.label))</span>"
                + "<b>\(Report.escape($0.value))</b></div>"
        }
        pieces.append("<div class=\"tiles\">\(tiles.joined())</div>")
    }

    /// The whole page as HTML.
    public var html: String {
        let title = Report.escape(title)
        let subtitle = subtitle.isEmpty ? "" : "<p class=\"sub\">\(Report.escape(subtitle))</p>"
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <style>\(Report.style)</style></head>
            <body><main><h1>\(title)</h1>\(subtitle)
            \(pieces.joined(separator: "\n"))
            </main></body></html>

            """
    }

    /// Writes the page; a file of that name is replaced whole.
    public func write(to url: URL) throws {
        try AtomicFileSink.write(Array(html.utf8), path: url.path)
    }

    /// The text with the characters that mean something in HTML replaced, and without control
    /// characters.
    public static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\n", "\t": escaped += " "
            case _ where scalar.value < 0x20: break
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A figure's frame: a title and what is drawn below it.
    static func frame(_ title: String, legend: String = "", _ body: String) -> String {
        let caption = title.isEmpty ? "" : "<figcaption>\(escape(title))</figcaption>"
        return "<figure>\(caption)\(legend)<div class=\"scroll\">\(body)</div></figure>"
    }

    /// Names beside their colours; nothing for a single one, which the title names.
    static func legend(_ entries: [(name: String, style: String)]) -> String {
        guard entries.count > 1 else { return "" }
        let items = entries.map { "<span><i class=\"\($0.style)\"></i>\(escape($0.name))</span>" }
        return "<div class=\"legend\">\(items.joined())</div>"
    }

    /// The class of a series' colour; there are eight, and what comes later is grey.
    static func seriesStyle(_ index: Int) -> String { index < 8 ? "s\(index)" : "other" }
}
