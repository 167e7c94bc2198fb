import MLXGraph
import MLXPlanner
package final class TraceSink: Sendable {
  package init() {}
  var isOn: Bool { false }
  func record(step: Int, _ plan: Plan, on: DeviceKind, begin: UInt64, end: UInt64) {}
  func noteSubmission(_ plan: Plan) {}
}
