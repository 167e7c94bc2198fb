import Glibc
import MLXBase

/// What the system would not do for us: a bind, a pin, a huge page, a thread. None of these is an
/// error, since the work goes on without, but each may explain a slow run, so `mlx doctor` prints
/// them. Equal refusals are counted, not repeated, and the log has a bounded length.
package final class Refusals: Sendable {
    package struct Entry: Sendable, Equatable, CustomStringConvertible {
        package let call: String
        package let subject: String
        package let errorNumber: Int32
        package var count: Int

        package var description: String {
            let reason = String(cString: strerror(errorNumber))
            return "\(call) of \(subject): \(reason)" + (count > 1 ? ", \(count) times" : "")
        }
    }

    private static let maximumEntries = 256
    private let entries = Locked<[Entry]>([])

    package init() {}

    package func record(_ call: String, _ subject: String, errorNumber: Int32) {
        entries.withLock { entries in
            if let index = entries.firstIndex(where: {
                $0.call == call && $0.subject == subject && $0.errorNumber == errorNumber
            }) {
                entries[index].count += 1
            } else if entries.count < Refusals.maximumEntries {
                entries.append(
                    Entry(call: call, subject: subject, errorNumber: errorNumber, count: 1))
            }
        }
    }

    package var all: [Entry] { entries.withLock { $0 } }
}
