import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import MLXRuntime
import SimulationSupport

/// What goes wrong in a run, and how often: stalled devices, failing kernels, refused memory,
/// cancelled tasks. Each kind has a budget, so that whoever keeps trying gets through.
final class Faults: StepInterposer, @unchecked Sendable {
    // SAFETY: used on the simulation's thread only.
    private let loop: SimulatedLoop
    private var random: SplitMix64
    private let mayStall: Bool
    /// One device may be very slow.
    private let slowDevice: DeviceKind?
    private var kernelFailures: Int
    private var memoryFailures: Int
    private var cancellations: Int
    private var stalls = 4000
    /// A device that is lost from one time to another: what it has to do is moved.
    private let outage: (device: DeviceKind, from: UInt64, until: UInt64)?
    private var lost: DeviceKind?
    private let planted: PlantedBug?
    private var leaked: [Buffer] = []
    /// Asks the devices to go on after a stall. Set once the engine is there.
    var kick: (@Sendable () -> Void)?
    private(set) var counts = Counts()

    struct Counts {
        var stalls = 0
        var kernelFailures = 0
        var memoryFailures = 0
        var cancellations = 0
        var outages = 0
        /// Steps that a lost device was asked to run: none may be.
        var stepsOnLost = 0
    }

    init(loop: SimulatedLoop, random: SplitMix64, mayStall: Bool, planted: PlantedBug? = nil) {
        self.planted = planted
        self.loop = loop
        self.random = random
        self.mayStall = mayStall
        slowDevice = self.random.oneIn(3) ? DeviceKind.allCases[self.random.below(3)] : nil
        kernelFailures = self.random.below(8)
        memoryFailures = self.random.below(8)
        cancellations = self.random.below(8)
        let from = UInt64(self.random.below(2_000_000))
        let until = from + UInt64(self.random.within(100_000...5_000_000))
        let device = DeviceKind.allCases[self.random.below(3)]
        outage = self.random.oneIn(3) ? (device, from, until) : nil
    }

    func fate(ofStep step: Int, in plan: Plan, on device: DeviceKind) -> StepFate {
        let fate = fate(of: plan.label(of: plan.steps[step]), on: device)
        if case .run = fate, planted == .lostStep, random.oneIn(100) { return .skip }
        return fate
    }

    /// Loses the device of the outage when its time has come, and gives it back.
    func arrangeOutage(of engine: Engine) {
        guard let outage else { return }
        loop.after(outage.from) { [self, weak engine] in
            counts.outages += 1
            lost = outage.device
            loop.log.append("\(loop.now) lost \(outage.device.name)")
            engine?.lose(outage.device)
        }
        loop.after(outage.until) { [self, weak engine] in
            lost = nil
            loop.log.append("\(loop.now) regained \(outage.device.name)")
            engine?.regain(outage.device)
        }
    }

    func fate(of step: String, on device: DeviceKind) -> StepFate {
        if device == lost { counts.stepsOnLost += 1 }
        let stallOdds = device == slowDevice ? 2 : 12
        if mayStall, stalls > 0, random.oneIn(stallOdds) {
            stalls -= 1
            counts.stalls += 1
            let nanoseconds = UInt64(random.below(device == slowDevice ? 1_000_000 : 20_000))
            loop.log.append("\(loop.now) stall \(device.name) \(step) for \(nanoseconds)")
            if let kick, planted != .lostWakeUp || !random.oneIn(20) {
                loop.after(nanoseconds, kick)
            }
            return .later
        }
        if kernelFailures > 0, random.oneIn(25) {
            kernelFailures -= 1
            counts.kernelFailures += 1
            loop.log.append("\(loop.now) fail \(device.name) \(step)")
            return .fail(
                ArrayError(.kernel, step, Faults.message, site: CallSite(addresses: [])))
        }
        return .run
    }

    // MARK: - Narrow runs

    /// Real cores carry narrow runs side by side; here others go on between any two steps.
    var pausesNarrowRuns: Bool { true }

    func pause() async { await loop.sleep(0) }

    private static let message = "made to fail"

    /// Before an evaluation: perhaps one of its allocations will be refused.
    func prepareMemory(_ allocators: [SlabAllocator]) {
        if planted == .leak, random.oneIn(50),
            let buffer = try? allocators[0].allocate(byteCount: 64)
        {
            leaked.append(buffer)
        }
        guard memoryFailures > 0, random.oneIn(4) else { return }
        memoryFailures -= 1
        counts.memoryFailures += 1
        let device = random.below(allocators.count)
        let passing = random.below(4)
        loop.log.append("\(loop.now) refuse allocation \(passing) of device \(device)")
        allocators[device].failNext(1, after: passing)
    }

    /// Whether to cancel an evaluation, and after how long.
    func cancellation() -> UInt64? {
        guard cancellations > 0, random.oneIn(4) else { return nil }
        cancellations -= 1
        counts.cancellations += 1
        return UInt64(random.below(60_000))
    }

    /// Whether an evaluation may have ended this way.
    static func isExpected(_ error: any Error) -> Bool {
        if error is CancellationError { return true }
        guard let error = error as? ArrayError else { return false }
        return error.kind == .memory || error.kind == .kernel && error.message == message
    }
}

/// Bugs that are there when asked for, so that somebody sees the simulator find them.
enum PlantedBug: String, CaseIterable {
    /// Now and then a step of a wide run counts as done and was not computed.
    case lostStep = "lost-step"
    /// Now and then nobody tells a stalled device to go on.
    case lostWakeUp = "lost-wake-up"
    /// Now and then a buffer is taken and never given back.
    case leak
}
