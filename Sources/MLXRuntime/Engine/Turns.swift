import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// Wide runs take turns. Each team has at most one thread with the turn: it takes one run's
/// command lists for a slice, a step or half a millisecond, and gives the turn back: the lists that
/// the run has on the team go on together, in the plan's order, which is the policy's. Blocked
/// callers drive until their own run has ended; when none is there, the team's driver does. Which
/// run is next is decided by shares: classes of priority share the cores by weight, the runs of
/// one class equally, and who has had less than its share goes first.
/// Invariant: while a team has a list that is ready, somebody has its turn or is on the way.
final class Turns: @unchecked Sendable {
    // SAFETY: everything mutable is guarded by `lock`, which is held for short decisions only,
    // never while a step, a waiter or anything of the user's runs.
    private let lock = SpinLock()
    // As in tickets: the lock keeps accesses apart.
    @exclusivity(unchecked) private var courts: [Court]
    private var owners: [NodeID: Ticket] = [:]
    private var ticketCount: UInt64 = 0
    private let devices: [Device]
    let teams: [any EngineTeam]
    private let teamOfDevice: [Int]
    /// Runs a list for a slice; set by the engine, once.
    nonisolated(unsafe) var carryOut: ((CommandList, Int) -> UInt64)!
    /// Settles a run that has ended; set by the engine, once.
    nonisolated(unsafe) var settle: ((Ticket) -> Void)!
    @exclusivity(unchecked) private var turnsTaken: UInt64 = 0
    /// How often runs were counted: each time a number that tickets are marked with.
    @exclusivity(unchecked) private var countings: UInt64 = 0
    private var lost: DeviceSet = []
    private var movedRuns: UInt64 = 0

    /// Who is next on one team.
    private struct Court {
        var isTaken = false
        var isDriverPosted = false
        /// Blocked callers that sleep until the turn is free.
        var callers: [BlockedCaller] = []
        /// What each class has had, by weight, and the time that a new run of it starts at.
        var classTime = [Double](repeating: 0, count: ShareClass.allCases.count)
        var runTime = [Double](repeating: 0, count: ShareClass.allCases.count)
    }

    /// How far a new run may be ahead of its share. What it is expected to take is taken off, so
    /// that a short one goes before long ones that are as new, though not for ever: the others'
    /// time stands still while it runs.
    private static let largestCredit = 200_000_000.0

    private static func credit(_ plan: Plan) -> Double {
        max(0, largestCredit - plan.nanoseconds)
    }

    init(devices: [Device], teams: [any EngineTeam]) {
        self.devices = devices
        self.teams = teams
        teamOfDevice = devices.map { device in teams.firstIndex { $0 === device.team } ?? 0 }
        courts = teams.map { _ in Court() }
    }

    // MARK: - Claims

    /// Makes a ticket of a bound run and marks its results as being computed.
    /// - Returns: nil when somebody computes one of them already.
    func ticket(
        for run: Run, share: ShareClass, caller: BlockedCaller?
    ) -> Ticket? {
        let claims = run.resultHandles().filter { GraphStore.shared.retain($0) }
        let ticket: Ticket? = lock.withLock {
            guard GraphStore.shared.claim(claims) else { return nil }
            ticketCount += 1
            let ticket = Ticket(run, share: share, number: ticketCount, caller: caller)
            ticket.claims = claims
            for handle in claims { owners[handle.id] = ticket }
            return ticket
        }
        if ticket == nil { for handle in claims { GraphStore.shared.release(handle.id) } }
        return ticket
    }

    /// Calls `body` when the run that computes the node has ended; at once when there is none.
    func whenEnded(_ node: NodeID, _ body: @escaping @Sendable () -> Void) {
        let isOpen = lock.withLock {
            guard let owner = owners[node] else { return false }
            owner.waiters.append(body)
            return true
        }
        if !isOpen { body() }
    }

    /// Has a blocked caller wait for the run that computes the node; for nothing, when there is
    /// none.
    func await(_ node: NodeID, _ caller: BlockedCaller) {
        lock.withLock {
            if let owner = owners[node] {
                owner.callers.append(caller)
            } else {
                caller.isDone = true
            }
        }
    }

    // MARK: - Submitting

    /// Puts a run's lists into the queues of their devices.
    /// - Parameters:
    ///   - drives: teams whose turn the calling thread will take next: nobody else is sent there,
    ///     to compete with it for a core.
    ///   - waiter: called when the run has ended. Others may wait for it already, because its
    ///     results are claimed.
    func submit(
        _ ticket: Ticket, drives: [Int] = [], _ waiter: (@Sendable () -> Void)? = nil
    ) {
        ticket.run.begin()
        let plan = ticket.plan
        lock.lock()
        if let waiter { ticket.waiters.append(waiter) }
        if plan.streams.contains(where: { lost.contains($0.kind!) }) {
            // It was planned before the loss was known.
            movedRuns &+= 1
            lock.unlock()
            ticket.run.ending.fail(DeviceLost())
            return end(ticket)
        }
        if plan.streams.count == 0 {
            lock.unlock()
            return end(ticket)
        }
        var involved: Set<Int> = []
        for stream in 0..<plan.streams.count {
            let kind = plan.streams[stream].kind!
            let device = devices[kind.index]
            let team = teamOfDevice[kind.index]
            involved.insert(team)
            let list = CommandList(ticket, stream: stream, device: device, team: team)
            ticket.lists.append(list)
            device.commands.lists.append(list)
        }
        let court = involved.min()!
        let share = ticket.share.rawValue
        let others = ShareClass.allCases.filter { isActive($0, court, besides: ticket) }
        if !others.contains(ticket.share) {
            // A class that was idle has no claim on the time it did not want.
            let least = others.map { courts[court].classTime[$0.rawValue] }.min()
            courts[court].classTime[share] = max(
                courts[court].classTime[share], least ?? courts[court].classTime[share])
        }
        ticket.time = courts[court].runTime[share] - Turns.credit(plan)
        lock.unlock()
        for team in involved.sorted() where !drives.contains(team) { offer(team) }
    }

    /// Whether a class has runs on a team. Called with the lock.
    private func isActive(_ share: ShareClass, _ team: Int, besides ticket: Ticket) -> Bool {
        devices.indices.contains { device in
            teamOfDevice[device] == team
                && devices[device].commands.lists.contains {
                    $0.ticket.share == share && $0.ticket !== ticket
                }
        }
    }

    // MARK: - Taking turns

    /// Runs slices of any runs until the one that the caller waits for has ended; sleeps while
    /// another thread has the turn. Called by the blocked caller, on whichever thread it is.
    /// - Parameters:
    ///   - drives: the teams whose turn the caller may take.
    ///   - watch: asked now and then whether to go on; false leaves the run to others.
    func drive(_ caller: BlockedCaller, teams drives: [Int], watch: Watch? = nil) {
        while !lock.withLock({ caller.isDone }) {
            if let watch, !watch.goesOn() {
                leave(caller)
                break
            }
            var hasRun = false
            for team in drives {
                guard let list = take(team, caller: caller) else { continue }
                slice(list, team)
                hasRun = true
            }
            if !hasRun { caller.parker.park(spins: 200, nanoseconds: watch?.nanoseconds) }
        }
        for team in drives { offer(team) }
    }

    /// One that goes away must not be offered a turn, which nobody would take then.
    private func leave(_ caller: BlockedCaller) {
        lock.withLock {
            for team in courts.indices { courts[team].callers.removeAll { $0 === caller } }
        }
    }

    /// Takes the turn of a team, the list that is next, and with it what else its run has there.
    /// - Parameter caller: who sleeps until the turn is free, if it is not.
    private func take(_ team: Int, caller: BlockedCaller?) -> CommandList? {
        lock.lock()
        defer { lock.unlock() }
        if !courts[team].isTaken, let list = choose(team) {
            courts[team].isTaken = true
            for other in list.ticket.lists where other.team == team && !other.isDone {
                other.isRunning = !other.isStalled && other.device.commands.isFirst(other)
            }
            list.isRunning = true
            return list
        }
        // One whose run ended since it looked will not sleep: offered the turn, it would lose it.
        if let caller, !caller.isDone, !courts[team].callers.contains(where: { $0 === caller }) {
            courts[team].callers.append(caller)
        }
        return nil
    }

    /// The ready list whose class, and in it whose run, has had the least. Called with the lock.
    private func choose(_ team: Int) -> CommandList? {
        var best: CommandList?
        for device in devices.indices where teamOfDevice[device] == team {
            let queue = devices[device].commands
            for list in queue.lists where list.isReady && queue.isFirst(list) {
                if let other = best, !comes(list, before: other, team) { continue }
                best = list
            }
        }
        return best
    }

    private func comes(_ a: CommandList, before b: CommandList, _ team: Int) -> Bool {
        let (x, y) = (a.ticket, b.ticket)
        if x.share != y.share {
            let times = courts[team].classTime
            let (first, second) = (times[x.share.rawValue], times[y.share.rawValue])
            return first != second ? first < second : x.share.rawValue > y.share.rawValue
        }
        if x.time != y.time { return x.time < y.time }
        return x.number != y.number ? x.number < y.number : a.nextStep < b.nextStep
    }

    /// Runs a list, and what was taken with it, for one slice and gives the turn back.
    private func slice(_ list: CommandList, _ team: Int) {
        let nanoseconds = Double(carryOut(list, team))
        let ticket = list.ticket
        lock.lock()
        turnsTaken &+= 1
        ticket.time += nanoseconds
        let share = ticket.share.rawValue
        courts[team].classTime[share] += nanoseconds / ticket.share.weight
        courts[team].runTime[share] += nanoseconds / Double(runCount(ticket.share, team))
        courts[team].isTaken = false
        for other in ticket.lists where other.team == team && other.isRunning {
            other.isRunning = false
            guard other.isDone else { continue }
            other.device.commands.remove(other)
            ticket.openLists -= 1
        }
        let isOver = ticket.openLists == 0
        lock.unlock()
        if isOver { end(ticket) }
        // What other teams have may have waited for these steps.
        for other in teams.indices where other != team { offer(other) }
    }

    /// How many runs of a class a team has, one at least. Called with the lock.
    private func runCount(_ share: ShareClass, _ team: Int) -> Int {
        var count = 0
        countings &+= 1
        for device in devices.indices where teamOfDevice[device] == team {
            for list in devices[device].commands.lists
            where list.ticket.share == share && list.ticket.counting != countings {
                list.ticket.counting = countings
                count += 1
            }
        }
        return max(1, count)
    }

    /// Sees that somebody takes a team's turn if there is anything to run: a blocked caller, whose
    /// core is free anyway, else the team's driver.
    private func offer(_ team: Int) {
        lock.lock()
        guard !courts[team].isTaken, choose(team) != nil else { return lock.unlock() }
        if let caller = courts[team].callers.popLast() {
            lock.unlock()
            return caller.parker.unpark()
        }
        guard !courts[team].isDriverPosted else { return lock.unlock() }
        courts[team].isDriverPosted = true
        lock.unlock()
        teams[team].postDriving { [self] in
            lock.withLock { courts[team].isDriverPosted = false }
            if let list = take(team, caller: nil) { slice(list, team) }
            offer(team)
        }
    }

    /// Lists that were stalled may be tried again.
    func kick() {
        lock.withLock {
            for device in devices { for list in device.commands.lists { list.isStalled = false } }
        }
        for team in teams.indices { offer(team) }
    }

    // MARK: - Ending

    /// Stops a run that nobody wants any more. Lists that are not running leave their queues at
    /// once; the one that is stops at its next step.
    func cancel(_ ticket: Ticket) {
        ticket.run.ending.cancel()
        dismiss(ticket)
    }

    /// Takes what is left of a stopped run out of the queues.
    private func dismiss(_ ticket: Ticket) {
        lock.lock()
        var isOver = false
        for device in devices {
            for list in device.commands.lists where list.ticket === ticket && !list.isRunning {
                device.commands.remove(list)
                ticket.run.ending.noteLeftOut()
                ticket.openLists -= 1
                isOver = ticket.openLists == 0
            }
        }
        lock.unlock()
        if isOver { end(ticket) }
        for team in teams.indices { offer(team) }
    }

    /// Devices that are not there from now on; runs that have something left on one of them are
    /// stopped, with `DeviceLost`, to be begun anew elsewhere. Plans do without them already.
    func lose(_ devices: DeviceSet) {
        let tickets: [Ticket] = lock.withLock {
            lost = devices
            var found: [UInt64: Ticket] = [:]
            for device in self.devices where devices.contains(device.kind) {
                for list in device.commands.lists { found[list.ticket.number] = list.ticket }
            }
            movedRuns &+= UInt64(found.count)
            return found.values.sorted { $0.number < $1.number }
        }
        for ticket in tickets {
            ticket.run.ending.fail(DeviceLost())
            dismiss(ticket)
        }
    }

    /// Whether a run that takes no turns has to be begun anew, because its next device is lost.
    func mustMove(from kind: DeviceKind) -> Bool {
        lock.withLock {
            if lost.contains(kind) { movedRuns &+= 1 }
            return lost.contains(kind)
        }
    }

    /// How many runs were stopped because a device was lost.
    var movedRunCount: UInt64 { lock.withLock { movedRuns } }

    /// Publishes a run and wakes who waits for it.
    private func end(_ ticket: Ticket) {
        settle(ticket)
        lock.lock()
        GraphStore.shared.unclaim(ticket.claims)
        for handle in ticket.claims { owners[handle.id] = nil }
        let claims = ticket.claims
        let waiters = ticket.waiters
        let callers = ticket.callers
        ticket.claims = []
        ticket.lists = []
        ticket.waiters = []
        ticket.callers = []
        for caller in callers { caller.isDone = true }
        for team in courts.indices { courts[team].callers.removeAll { $0.isDone } }
        lock.unlock()
        for handle in claims { GraphStore.shared.release(handle.id) }
        for waiter in waiters { waiter() }
        for caller in callers { caller.parker.unpark() }
    }

    // MARK: - Forks

    func tryHold() -> Bool { lock.tryLock() }
    func letGo() { lock.unlock() }

    /// In a forked child nobody goes on with the runs: whoever wants their results computes them.
    func abandon() {
        for ticket in owners.values { GraphStore.shared.unclaim(ticket.claims) }
        owners = [:]
    }

    /// How many turns there were.
    var turnCount: UInt64 { lock.withLock { turnsTaken } }

    /// Lists that have not come to their end.
    var openListCount: Int {
        lock.withLock { devices.reduce(0) { $0 + $1.commands.lists.count } }
    }
}
