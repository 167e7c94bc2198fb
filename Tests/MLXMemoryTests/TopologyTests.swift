import MLXBase
import Testing

@testable import MLXMemory

/// Topologies read and made up, devices laid over them, and buffers bound accordingly.
@Suite struct TopologyTests {
    @Test func theSystemHasCores() {
        let topology = Topology.system()
        #expect(!topology.usableCPUs.isEmpty && topology.isPhysical)
        #expect((1...topology.usableCPUs.count).contains(topology.threadCount))
        #expect(topology.nodes.allSatisfy { $0.memoryByteCount > 0 })
        #expect(Topology.system(threadCount: 7).threadCount == 7)
    }

    @Test(arguments: 1...8) func sharedPlacement(count: Int) {
        let topology = Topology.fake(nodes: count)
        let placement = topology.placement(deviceCount: 3)
        #expect(placement.teams.count == count)
        #expect(placement.teams.map(\.node) == Array(0..<count))
        #expect(placement.teams.allSatisfy { $0.threadCount == 4 && $0.cpus.count == 4 })
        #expect(placement.teamOfDevice == (0..<3).map { $0 % count })
    }

    @Test(arguments: 1...8) func splitPlacement(count: Int) {
        let topology = Topology.fake(nodes: count, kind: .split)
        for devices in 1...6 {
            let placement = topology.placement(deviceCount: devices)
            let cores = topology.usableCPUs.count
            #expect(placement.teamOfDevice == (0..<devices).map { $0 % cores })
            #expect(placement.teams.allSatisfy { !$0.cpus.isEmpty && $0.threadCount >= 1 })
            let all = placement.teams.flatMap(\.cpus)
            #expect(Set(all).count == all.count)
            if devices <= cores { #expect(all.count == cores) }
            for team in placement.teams {
                #expect(topology.nodes[team.node].cpus.contains(team.cpus[0]))
            }
        }
    }

    @Test func splitOfOneCore() {
        let topology = Topology.fake(nodes: 1, cpusPerNode: 1, kind: .split)
        let placement = topology.placement(deviceCount: 3)
        #expect(placement.teams.map(\.cpus) == [[0]])
        #expect(placement.teamOfDevice == [0, 0, 0])
    }

    /// The first two devices do not share a core while there are two.
    @Test func splitOfTwoCores() {
        let topology = Topology.fake(nodes: 1, cpusPerNode: 2, kind: .split)
        let placement = topology.placement(deviceCount: 3)
        #expect(placement.teams.map(\.cpus) == [[0], [1]])
        #expect(placement.teamOfDevice == [0, 1, 0])
    }

    @Test func assignedCoresMakeATeamForEachDistinctList() {
        var topology = Topology.fake(nodes: 2, cpusPerNode: 2, kind: .assigned)
        topology.deviceCPUs = [[2, 3], [0], [2, 3]]
        let placement = topology.placement(deviceCount: 3)
        #expect(placement.teams.map(\.cpus) == [[2, 3], [0]])
        #expect(placement.teams.map(\.node) == [1, 0])
        #expect(placement.teamOfDevice == [0, 1, 0])
    }

    @Test func threadCountsHaveALimit() {
        #expect(Topology.system(threadCount: .max).threadCount == Topology.maximumThreadCount)
        #expect(Topology.system(threadCount: .min).threadCount == 1)
    }

    @Test func threadsAreSharedInProportion() {
        var topology = Topology.fake(nodes: 2, cpusPerNode: 4)
        topology.threadCount = 3
        let counts = topology.placement(deviceCount: 1).teams.map(\.threadCount)
        #expect(counts.reduce(0, +) == 3)
    }

    @Test func quotas() {
        #expect(ControlGroup.parseCPUMax("max 100000\n") == nil)
        #expect(ControlGroup.parseCPUMax("150000 100000\n") == 2)
        #expect(ControlGroup.parseCPUMax("50000 100000") == 1)
        #expect(ControlGroup.parseCPUMax("") == nil)
        #expect(ControlGroup.parseCPUMax("1 0") == nil)
        #expect(ControlGroup.parseCPUMax("a b c") == nil)
        #expect(ControlGroup.parseCPUQuota("-1\n", period: "100000\n") == nil)
        #expect(ControlGroup.parseCPUQuota("400000\n", period: "100000\n") == 4)
        #expect(ControlGroup.parseCPUQuota("\(Int.max)", period: "1") == Int.max)
        #expect(ControlGroup.parseMemory("max\n") == nil)
        #expect(ControlGroup.parseMemory("9223372036854771712\n") == nil)
        #expect(ControlGroup.parseMemory("1073741824\n") == 1 << 30)
        #expect((1...).contains(Topology.system().defaultMemoryLimit))
        #expect(Topology.fake(nodes: 2).defaultMemoryLimit == (32 << 30) / 5 * 4)
    }

    /// Every buffer of every device is on pages of its team's node.
    @Test(arguments: 2...8) func buffersAreBoundWhereThePolicySays(count: Int) throws {
        for kind in [Topology.Kind.shared, .split] {
            let topology = Topology.fake(nodes: count, kind: kind)
            let placement = topology.placement(deviceCount: count + 1)
            let system = RecordedSystem()
            let account = MemoryAccount()
            for device in 0...count {
                let node = placement.teams[placement.teamOfDevice[device]].node
                let allocator = SlabAllocator(
                    node: node, account: account, system: system, slabByteCount: 2 << 20)
                for size in [1, 9_000, 1 << 21, 1 << 23] {
                    let buffer = try allocator.allocate(byteCount: size)
                    #expect(system.node(of: buffer.pointer) == node)
                    #expect(system.node(of: buffer.pointer + buffer.capacity - 1) == node)
                    #expect(Int(buffer.node) == node)
                }
                #expect(system.mappings.allSatisfy { $0.hasHugePages })
            }
            #expect(system.faults == [])
        }
    }

    @Test func refusedBindingIsRecordedAndNothingMore() throws {
        let system = RecordedSystem()
        system.refuseBinding()
        let allocator = SlabAllocator(node: 1, account: MemoryAccount(), system: system)
        _ = try allocator.allocate(byteCount: 100)
        _ = try allocator.allocate(byteCount: 100 << 20)
        #expect(system.refusals.all.map(\.call) == ["mbind"])
        #expect(system.refusals.all.map(\.count) == [2])
        #expect(
            system.refusals.all[0].description
                == "mbind of node 1: Operation not permitted, 2 times")
    }

    @Test func linuxMapsAlignedMemoryAndPins() throws {
        let topology = Topology.system()
        let system = LinuxSystem(topology: topology)
        for size in [2 << 20, 6 << 20] {
            let pointer = try #require(system.map(byteCount: size))
            #expect(Int(bitPattern: pointer) % (2 << 20) == 0)
            system.adviseHugePages(pointer, byteCount: size)
            system.bind(pointer, byteCount: size, node: 0)
            pointer.storeBytes(of: 3, toByteOffset: size - 1, as: UInt8.self)
            system.discard(pointer, byteCount: size)
            #expect(pointer.load(fromByteOffset: size - 1, as: UInt8.self) == 0)
            system.unmap(pointer, byteCount: size)
        }
        #expect(system.map(byteCount: 1 << 62) == nil)
        #expect(system.map(byteCount: .max) == nil)
        let thread = try #require(
            system.start(name: "test") {
                system.pinCurrentThread(name: "test", cpus: topology.usableCPUs)
            })
        thread.join()
        #expect(system.refusals.all.allSatisfy { $0.call == "mmap" })
    }
}
