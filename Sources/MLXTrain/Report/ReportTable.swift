extension Report {
    /// Rows of text under a header; a column whose every cell starts like a number is set to the
    /// right.
    public struct Table: Figure {
        /// The line above the figure; empty for none.
        public var title: String
        /// The names of the columns.
        public var header: [String]
        /// The cells, row by row.
        public var rows: [[String]]

        /// - Parameters:
        ///   - title: the line above the figure.
        ///   - header: the names of the columns.
        ///   - rows: the cells; a short row leaves its last cells empty.
        public init(title: String = "", header: [String], rows: [[String]]) {
            self.title = title
            self.header = header
            self.rows = rows
        }

        public var html: String {
            let columns = max(header.count, rows.map(\.count).max() ?? 0)
            let numeric = (0..<columns).map { column in
                !rows.isEmpty
                    && rows.allSatisfy { $0.count <= column || Table.isNumber($0[column]) }
            }
            func line(_ cells: [String], _ tag: String) -> String {
                let parts = (0..<columns).map { column -> String in
                    let text = column < cells.count ? Report.escape(cells[column]) : ""
                    let style = numeric[column] ? " class=\"number\"" : ""
                    return "<\(tag)\(style)>\(text)</\(tag)>"
                }
                return "<tr>\(parts.joined())</tr>"
            }
            let body = rows.map { line($0, "td") }.joined()
            return Report.frame(
                title,
                "<table><thead>\(line(header, "th"))</thead><tbody>\(body)</tbody></table>")
        }

        private static func isNumber(_ text: String) -> Bool {
            let digits = text.drop { "+-−±<>≈~ ".contains($0) }
            guard let first = digits.first else { return true }
            return first.isNumber || first == "." || text == "—" || text == "nan"
        }
    }
}
