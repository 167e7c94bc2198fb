extension Report {
    /// How often examples of each class (rows) were taken for each class (columns). A cell's
    /// colour is its share of the row, so that rare classes count as much as frequent ones.
    public struct ConfusionMatrix: Figure {
        /// The line above the figure.
        public var title: String
        /// The names of the classes.
        public var labels: [String]
        /// Row-major, `labels.count` rows and columns; missing counts are taken as zero.
        public var counts: [[Int]]

        /// - Parameters:
        ///   - title: the line above the figure.
        ///   - labels: the names of the classes.
        ///   - counts: a row for each true class, a column for each class taken.
        public init(title: String, labels: [String], counts: [[Int]]) {
            self.title = title
            self.labels = labels
            self.counts = counts
        }

        /// Beyond this many classes cells are too small for numbers.
        private static let maximumNumberedCount = 24
        /// Beyond this share of its row a cell is dark, and its number light.
        private static let strongShare = 0.55
        private static let left = 96
        private static let top = 40
        private static let width = 860

        private func count(_ row: Int, _ column: Int) -> Int {
            guard row < counts.count, column < counts[row].count else { return 0 }
            return counts[row][column]
        }

        public var html: String {
            let classes = labels.count
            guard classes > 0 else { return Report.frame(title, "<p>No classes.</p>") }
            let side = min(44, max(8, (Self.width - Self.left) / classes))
            let width = max(480, Self.left + classes * side + 4)
            let height = Self.top + classes * side + 4
            var svg = "<svg viewBox=\"0 0 \(width) \(height)\" style=\"max-width:\(width)px\" "
            svg += "role=\"img\" aria-label=\"\(Report.escape(title))\">"
            svg += "<text x=\"\(Self.left)\" y=\"12\">predicted →</text>"
            svg += "<text x=\"4\" y=\"\(Self.top - 8)\">true ↓</text>"
            for index in 0..<classes where classes <= Self.maximumNumberedCount {
                let middle = index * side + side / 2
                let name = Report.escape(labels[index])
                let short = Report.escape(String(labels[index].prefix(max(1, side / 7))))
                svg += "<text x=\"\(Self.left + middle)\" y=\"\(Self.top - 8)\" "
                svg += "text-anchor=\"middle\">\(short)<title>\(name)</title></text>"
                svg += "<text x=\"\(Self.left - 8)\" y=\"\(Self.top + middle + 4)\" "
                svg +=
                    "text-anchor=\"end\">\(Report.escape(String(labels[index].prefix(13))))</text>"
            }
            for row in 0..<classes { svg += cells(row, side) }
            return Report.frame(title, svg + "</svg>")
        }

        private func cells(_ row: Int, _ side: Int) -> String {
            let classes = labels.count
            let total = (0..<classes).reduce(0) { $0 + count(row, $1) }
            let y = Self.top + row * side
            var svg = ""
            for column in 0..<classes {
                let count = count(row, column)
                let share = total > 0 ? Double(count) / Double(total) : 0
                let x = Self.left + column * side
                let box =
                    "x=\"\(x)\" y=\"\(y)\" width=\"\(side - 2)\" height=\"\(side - 2)\" rx=\"3\""
                svg += "<rect class=\"cell\" \(box)/>"
                let name =
                    "\(Report.escape(labels[row])) as \(Report.escape(labels[column])): \(count)"
                let opacity = ReportNumbers.coordinate(count > 0 ? max(0.08, share) : 0)
                svg += "<rect class=\"heat\" \(box) fill-opacity=\"\(opacity)\">"
                svg += "<title>\(name)</title></rect>"
                if classes <= Self.maximumNumberedCount, count > 0 {
                    let style = share > Self.strongShare ? "strong" : "ink"
                    svg += "<text class=\"\(style)\" x=\"\(x + side / 2 - 1)\" "
                    svg += "y=\"\(y + side / 2 + 3)\" text-anchor=\"middle\" "
                    svg += "pointer-events=\"none\">\(count)</text>"
                }
            }
            return svg
        }
    }
}
