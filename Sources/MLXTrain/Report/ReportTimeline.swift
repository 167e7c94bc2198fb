extension Report {
    /// What each device did when: one lane for each device, one bar for each event, coloured by
    /// label. Events too short to see are drawn together, so a million of them make a small page.
    public struct Timeline: Figure {
        /// Something that a device did.
        public struct Event: Sendable {
            /// The name of the lane.
            public let device: String
            /// When it began, in nanoseconds on any clock.
            public let beginNanoseconds: Int
            /// When it ended, on the same clock.
            public let endNanoseconds: Int
            /// What it was; equal labels have equal colours.
            public let label: String

            /// An event from one instant to another.
            public init(device: String, beginNanoseconds: Int, endNanoseconds: Int, label: String) {
                self.device = device
                self.beginNanoseconds = beginNanoseconds
                self.endNanoseconds = endNanoseconds
                self.label = label
            }
        }

        /// The line above the figure.
        public var title: String
        /// In any order; lanes are in the order in which devices first occur.
        public var events: [Event]

        /// - Parameters:
        ///   - title: the line above the figure.
        ///   - events: in any order.
        public init(title: String, events: [Event]) {
            self.title = title
            self.events = events
        }

        private static let plot = (left: 110.0, top: 8.0, right: 796.0)
        private static let width = 860
        private static let laneHeight = 26.0
        private static let lanePitch = 34.0
        /// Bars nearer than this, and narrower, become one.
        private static let visibleWidth = 0.6
        /// Labels with a colour of their own: those that take most time.
        private static let colouredCount = 7

        public var html: String {
            let events = events.filter { $0.endNanoseconds >= $0.beginNanoseconds }
            guard let begin = events.map(\.beginNanoseconds).min(),
                let end = events.map(\.endNanoseconds).max()
            else { return Report.frame(title, "<p>No events.</p>") }
            var lanes: [(device: String, events: [Event])] = []
            var laneOf: [String: Int] = [:]
            for event in events {
                if laneOf[event.device] == nil {
                    laneOf[event.device] = lanes.count
                    lanes.append((event.device, []))
                }
                lanes[laneOf[event.device]!].events.append(event)
            }
            let styles = styles(events)
            let scale = Scale(begin: Double(begin), span: max(1, Double(end) - Double(begin)))
            let bottom = Self.plot.top + Double(lanes.count) * Self.lanePitch
            let height = Int(bottom) + 24
            var svg = "<svg viewBox=\"0 0 \(Self.width) \(height)\" role=\"img\" "
            svg += "aria-label=\"\(Report.escape(title))\">\(axis(scale, bottom))"
            for (index, lane) in lanes.enumerated() { svg += draw(lane, index, scale, styles.of) }
            return Report.frame(title, legend: Report.legend(styles.legend), svg + "</svg>")
        }

        private struct Scale {
            let begin: Double
            let span: Double

            func place(_ nanoseconds: Int) -> Double {
                let share = (Double(nanoseconds) - begin) / span
                return plot.left + share * (plot.right - plot.left)
            }
        }

        /// Colours for the labels that take most time; the rest is grey.
        private func styles(
            _ events: [Event]
        ) -> (of: [String: String], legend: [(name: String, style: String)]) {
            var time: [String: Int] = [:]
            for event in events {
                time[event.label, default: 0] &+= event.endNanoseconds - event.beginNanoseconds
            }
            let ordered = time.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
            var of: [String: String] = [:]
            var legend: [(name: String, style: String)] = []
            for (index, label) in ordered.prefix(Self.colouredCount).enumerated() {
                of[label] = Report.seriesStyle(index)
                legend.append((label, Report.seriesStyle(index)))
            }
            if ordered.count > Self.colouredCount {
                legend.append(("\(ordered.count - Self.colouredCount) others", "other"))
            }
            return (of, legend)
        }

        private func axis(_ scale: Scale, _ bottom: Double) -> String {
            let c = ReportNumbers.coordinate
            var svg = ""
            for tick in ReportNumbers.ticks(0...scale.span, count: 6) {
                let x = Self.plot.left + tick / scale.span * (Self.plot.right - Self.plot.left)
                svg += "<path class=\"grid\" d=\"M\(c(x)) \(c(Self.plot.top))V\(c(bottom))\"/>"
                svg += "<text x=\"\(c(x))\" y=\"\(c(bottom + 14))\" text-anchor=\"middle\">"
                svg += "\(ReportNumbers.duration(nanoseconds: tick))</text>"
            }
            return svg
        }

        private func draw(
            _ lane: (device: String, events: [Event]), _ index: Int, _ scale: Scale,
            _ styles: [String: String]
        ) -> String {
            let c = ReportNumbers.coordinate
            let y = Self.plot.top + Double(index) * Self.lanePitch
            let textY = c(y + Self.laneHeight / 2 + 4)
            let width = Self.plot.right - Self.plot.left
            var svg = "<rect class=\"lane\" x=\"\(c(Self.plot.left))\" y=\"\(c(y))\" "
            svg += "width=\"\(c(width))\" height=\"\(c(Self.laneHeight))\"/>"
            svg += "<text class=\"name\" x=\"\(c(Self.plot.left - 10))\" y=\"\(textY)\" "
            svg += "text-anchor=\"end\">\(Report.escape(String(lane.device.prefix(14))))</text>"
            for bar in bars(lane.events, scale) {
                let style = bar.label.flatMap { styles[$0] } ?? "other"
                svg += "<rect class=\"bar \(style)\" x=\"\(c(bar.x))\" y=\"\(c(y + 2))\" "
                svg += "width=\"\(c(max(Self.visibleWidth, bar.end - bar.x)))\" "
                svg += "height=\"\(c(Self.laneHeight - 4))\" rx=\"1.5\">"
                svg += "<title>\(Report.escape(bar.title))</title></rect>"
            }
            let busy = Timeline.busyNanoseconds(lane.events) / scale.span
            svg += "<text x=\"\(c(Self.plot.right + 8))\" y=\"\(textY)\">"
            svg += "\(ReportNumbers.text((busy * 1000).rounded() / 10)) %</text>"
            return svg
        }

        private struct Bar {
            var x: Double
            var end: Double
            var label: String?
            var title: String
            var count = 1
        }

        private func bars(_ events: [Event], _ scale: Scale) -> [Bar] {
            var bars: [Bar] = []
            for event in events.sorted(by: { $0.beginNanoseconds < $1.beginNanoseconds }) {
                let x = scale.place(event.beginNanoseconds)
                let end = scale.place(event.endNanoseconds)
                if var last = bars.last, end - x < Self.visibleWidth,
                    last.end - last.x < 2 * Self.visibleWidth, x - last.end < Self.visibleWidth
                {
                    last.end = max(last.end, end)
                    last.count += 1
                    if last.label != event.label { last.label = nil }
                    last.title = "\(last.count) events"
                    bars[bars.count - 1] = last
                    continue
                }
                let length = Double(event.endNanoseconds - event.beginNanoseconds)
                let title = "\(event.label), \(ReportNumbers.duration(nanoseconds: length))"
                bars.append(Bar(x: x, end: end, label: event.label, title: title))
            }
            return bars
        }

        /// Time in which at least one event ran.
        static func busyNanoseconds(_ events: [Event]) -> Double {
            var busy = 0
            var reached = Int.min
            for event in events.sorted(by: { $0.beginNanoseconds < $1.beginNanoseconds }) {
                let begin = max(event.beginNanoseconds, reached)
                if event.endNanoseconds > begin { busy += event.endNanoseconds - begin }
                reached = max(reached, event.endNanoseconds)
            }
            return Double(busy)
        }
    }
}
