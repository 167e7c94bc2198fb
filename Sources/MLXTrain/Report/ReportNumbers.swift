import Foundation

/// Numbers as a reader wants them, and the round values that an axis is marked at.
enum ReportNumbers {
    /// Up to four significant digits, powers of ten beyond a million and below a thousandth.
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        let size = abs(value)
        if value == value.rounded(), size < 1e6 { return "\(Int(value))" }
        if size >= 1e6 || size < 1e-3 { return String(format: "%.3g", value) }
        return String(format: "%.4g", value)
    }

    /// A duration with the unit that keeps it short.
    static func duration(nanoseconds: Double) -> String {
        let units = [("s", 1e9), ("ms", 1e6), ("µs", 1e3)]
        for (unit, size) in units where abs(nanoseconds) >= size {
            return text(nanoseconds / size) + " " + unit
        }
        return text(nanoseconds) + " ns"
    }

    /// A coordinate: hundredths of a unit are more than anybody sees.
    static func coordinate(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "0" }
        let hundredths = (value * 100).rounded()
        let number = hundredths / 100
        return number == number.rounded() ? "\(Int(number))" : "\(number)"
    }

    /// Multiples of 1, 2 or 5 times a power of ten within a range, about `count` of them.
    static func ticks(_ range: ClosedRange<Double>, count: Int) -> [Double] {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else { return [range.lowerBound] }
        let rough = span / Double(count)
        let power = pow(10, floor(log10(rough)))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? power * 10
        let first = (range.lowerBound / step).rounded(.up)
        let last = (range.upperBound / step).rounded(.down)
        guard last >= first, last - first < 100 else { return [range.lowerBound] }
        // Multiplied, not summed up, so that zero is zero.
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }
}
