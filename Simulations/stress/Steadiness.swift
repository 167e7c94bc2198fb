/// Whether resident memory is flat: the least-squares line through the samples after the warm-up
/// may not rise by more than the tolerance over the time that the samples span.
struct Steadiness: Codable, Equatable {
    /// From which second on samples were looked at, and over how many they were.
    var fromSeconds: Double
    var spanSeconds: Double
    /// The line's slope.
    var bytesPerSecond: Double
    /// What it rises by over the span; negative where it falls.
    var growthBytes: Double
    var toleranceBytes: Double
    var isFlat: Bool

    /// Allocators keep memory for a while, and the parts of a run differ: a rise of a twentieth of
    /// the mean, or of 16 MiB where that is more, is no growth.
    static let relativeTolerance = 0.05
    static let leastTolerance = Double(16 << 20)
    /// Fewer samples, or a shorter time, say nothing.
    static let fewestSamples = 20
    static let shortestSpan = 5.0

    /// - Parameter warmUp: samples of the first so many seconds do not count.
    /// - Returns: nil when too little is left to judge by.
    init?(_ samples: [Sample], warmUp: Double) {
        let points = samples.filter { $0.seconds >= warmUp }
        guard points.count >= Steadiness.fewestSamples, let first = points.first?.seconds,
            let last = points.last?.seconds, last - first >= Steadiness.shortestSpan
        else { return nil }
        let count = Double(points.count)
        let middle = points.reduce(0) { $0 + $1.seconds } / count
        let mean = points.reduce(0) { $0 + Double($1.residentBytes) } / count
        let products = points.reduce(0.0) {
            $0 + ($1.seconds - middle) * (Double($1.residentBytes) - mean)
        }
        let squares = points.reduce(0.0) { $0 + ($1.seconds - middle) * ($1.seconds - middle) }
        (fromSeconds, spanSeconds) = (first, last - first)
        bytesPerSecond = products / squares
        growthBytes = bytesPerSecond * (last - first)
        toleranceBytes = max(
            Steadiness.leastTolerance, Steadiness.relativeTolerance * mean)
        isFlat = growthBytes <= toleranceBytes
    }

    /// What is wrong, in words; nil when nothing is.
    var violation: String? {
        guard !isFlat else { return nil }
        let (growth, tolerance) = (Int(growthBytes), Int(toleranceBytes))
        return "resident memory grew by \(growth) bytes in \(Int(spanSeconds)) s after the first"
            + " \(Int(fromSeconds)) s; \(tolerance) are tolerated"
    }
}
