import Foundation

extension Report {
    /// Curves over a common axis: losses, accuracies, rates. Points that are not finite interrupt
    /// their curve; long curves are thinned to what the picture can show, keeping extremes.
    public struct LineChart: Figure {
        /// One curve.
        public struct Series: Sendable {
            /// What the legend calls it.
            public let name: String
            /// Its points, in the order in which they are joined.
            public let points: [(x: Double, y: Double)]

            /// A curve through points.
            public init(_ name: String, _ points: [(x: Double, y: Double)]) {
                self.name = name
                self.points = points
            }

            /// Values at 0, 1, 2, ...
            public init(_ name: String, _ values: [Double]) {
                self.init(name, values.enumerated().map { (Double($0.offset), $0.element) })
            }
        }

        /// The line above the figure.
        public var title: String
        /// What the horizontal axis shows, with its unit.
        public var xLabel: String
        /// What the vertical axis shows, with its unit.
        public var yLabel: String
        /// The curves.
        public var series: [Series]
        /// Fixes the vertical range, 0 to 1 for an accuracy; otherwise the values give it.
        public var yRange: ClosedRange<Double>?

        /// - Parameters:
        ///   - title: the line above the figure.
        ///   - xLabel: what the horizontal axis shows.
        ///   - yLabel: what the vertical axis shows.
        ///   - series: the curves.
        ///   - yRange: the vertical range; nil to take it from the values.
        public init(
            title: String, xLabel: String = "step", yLabel: String = "", series: [Series],
            yRange: ClosedRange<Double>? = nil
        ) {
            self.title = title
            self.xLabel = xLabel
            self.yLabel = yLabel
            self.series = series
            self.yRange = yRange
        }

        private static let size = (width: 860.0, height: 300.0)
        private static let plot = (left: 64.0, top: 12.0, right: 846.0, bottom: 252.0)
        /// Horizontal pieces that a long curve is thinned to; each keeps two points.
        private static let pieceCount = 400

        public var html: String {
            let finite = series.flatMap { $0.points.filter { $0.x.isFinite && $0.y.isFinite } }
            guard !finite.isEmpty else { return Report.frame(title, "<p>No values.</p>") }
            let x = LineChart.range(finite.map(\.x), padding: 0)
            let fixed = yRange.flatMap { $0.lowerBound < $0.upperBound ? $0 : nil }
            let y = fixed ?? LineChart.range(finite.map(\.y), padding: 0.05)
            var svg = "<svg viewBox=\"0 0 \(Int(Self.size.width)) \(Int(Self.size.height))\" "
            svg += "role=\"img\" aria-label=\"\(Report.escape(title))\">"
            svg += axes(x, y)
            for (index, one) in series.enumerated() { svg += curve(one, index, x, y) }
            svg += "</svg>"
            let names = series.enumerated().map { ($1.name, Report.seriesStyle($0)) }
            return Report.frame(title, legend: Report.legend(names), svg)
        }

        private static func range(_ values: [Double], padding: Double) -> ClosedRange<Double> {
            let low = values.min()!
            let high = values.max()!
            if low == high { return (low - 0.5)...(high + 0.5) }
            let margin = (high - low) * padding
            // A range of values that are never negative starts at zero at the latest.
            return (low >= 0 ? max(0, low - margin) : low - margin)...(high + margin)
        }

        private func place(
            _ value: Double, _ range: ClosedRange<Double>, _ from: Double, _ to: Double
        )
            -> Double
        {
            from + (value - range.lowerBound) / (range.upperBound - range.lowerBound) * (to - from)
        }

        private func axes(_ x: ClosedRange<Double>, _ y: ClosedRange<Double>) -> String {
            let plot = Self.plot
            let c = ReportNumbers.coordinate
            var svg = ""
            for tick in ReportNumbers.ticks(y, count: 5) {
                let at = place(tick, y, plot.bottom, plot.top)
                svg += "<path class=\"grid\" d=\"M\(c(plot.left)) \(c(at))H\(c(plot.right))\"/>"
                svg += "<text x=\"\(c(plot.left - 8))\" y=\"\(c(at + 4))\" text-anchor=\"end\">"
                svg += "\(ReportNumbers.text(tick))</text>"
            }
            // Steps and epochs are whole; half of one means nothing.
            let isWhole = series.allSatisfy { $0.points.allSatisfy { $0.x == $0.x.rounded() } }
            for tick in ReportNumbers.ticks(x, count: 8)
            where !isWhole || tick == tick.rounded() {
                let at = place(tick, x, plot.left, plot.right)
                svg += "<text x=\"\(c(at))\" y=\"\(c(plot.bottom + 18))\" text-anchor=\"middle\">"
                svg += "\(ReportNumbers.text(tick))</text>"
            }
            svg +=
                "<path class=\"axis\" d=\"M\(c(plot.left)) \(c(plot.bottom))H\(c(plot.right))\"/>"
            let middle = c((plot.left + plot.right) / 2)
            svg += "<text x=\"\(middle)\" y=\"\(c(plot.bottom + 40))\" text-anchor=\"middle\">"
            svg += "\(Report.escape(xLabel))</text>"
            if !yLabel.isEmpty {
                let center = c((plot.top + plot.bottom) / 2)
                svg += "<text transform=\"translate(14 \(center)) rotate(-90)\" "
                svg += "text-anchor=\"middle\">\(Report.escape(yLabel))</text>"
            }
            return svg
        }

        private func curve(
            _ series: Series, _ index: Int, _ x: ClosedRange<Double>, _ y: ClosedRange<Double>
        ) -> String {
            let plot = Self.plot
            let style = Report.seriesStyle(index)
            let c = ReportNumbers.coordinate
            var path = ""
            var isDown = false
            var last: (x: Double, y: Double)?
            for point in LineChart.thinned(series.points, x) {
                guard point.x.isFinite, point.y.isFinite else {
                    isDown = false
                    continue
                }
                let at = place(point.x, x, plot.left, plot.right)
                let height = min(
                    max(place(point.y, y, plot.bottom, plot.top), plot.top), plot.bottom)
                path += "\(isDown ? "L" : "M")\(c(at)) \(c(height))"
                isDown = true
                last = point
            }
            guard let last else { return "" }
            let end = (
                place(last.x, x, plot.left, plot.right), place(last.y, y, plot.bottom, plot.top)
            )
            let height = min(max(end.1, plot.top), plot.bottom)
            let name = Report.escape(series.name)
            return "<path class=\"curve \(style)\" d=\"\(path)\"><title>\(name)</title></path>"
                + "<circle class=\"dot \(style)\" cx=\"\(c(end.0))\" cy=\"\(c(height))\" r=\"4\">"
                + "<title>\(name): \(ReportNumbers.text(last.y)) at "
                + "\(ReportNumbers.text(last.x))</title></circle>"
        }

        /// The least and greatest point of each of many pieces of the axis, in their order; a
        /// piece without finite points gives the first of its others, which interrupts the curve.
        static func thinned(
            _ points: [(x: Double, y: Double)], _ range: ClosedRange<Double>
        ) -> [(x: Double, y: Double)] {
            guard points.count > 2 * pieceCount else { return points }
            var thinned: [(x: Double, y: Double)] = []
            let size = Double(points.count) / Double(pieceCount)
            for piece in 0..<pieceCount {
                let indexes = Int(Double(piece) * size)..<Int(Double(piece + 1) * size)
                let finite = indexes.filter { points[$0].y.isFinite }
                guard let low = finite.min(by: { points[$0].y < points[$1].y }),
                    let high = finite.max(by: { points[$0].y < points[$1].y })
                else {
                    thinned.append(points[indexes.lowerBound])
                    continue
                }
                thinned.append(points[min(low, high)])
                if low != high { thinned.append(points[max(low, high)]) }
            }
            if let last = points.last { thinned.append(last) }
            return thinned
        }
    }
}
