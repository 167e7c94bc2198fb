import MLXBase
import MLXGraph

/// What the scheduler asks of a device. All methods are synchronous: an actor that never awaits
/// cannot be re-entered in the middle of its work.
package protocol DeviceActor: Actor {
    nonisolated var team: any EngineTeam { get }
    nonisolated var inbox: Inbox { get }
    var core: DeviceCore { get }
}

extension DeviceActor {
    func advance() -> Bool { core.advance() }

    var counters: DeviceCounters {
        DeviceCounters(
            busyNanoseconds: core.busyNanoseconds, stepCount: core.stepCount,
            listCount: core.listCount)
    }
}

/// What a device has done since the start of the process.
package struct DeviceCounters: Sendable, Equatable {
    package var busyNanoseconds: UInt64 = 0
    package var stepCount: UInt64 = 0
    package var listCount: UInt64 = 0
}

/// The device that calls OpenBLAS and LAPACK and works in cache-blocked rows.
package actor CPUDevice: DeviceActor {
    package nonisolated let team: any EngineTeam
    package nonisolated let inbox = Inbox()
    package let core: DeviceCore

    init(_ parts: DeviceParts) {
        team = parts.team
        core = DeviceCore(parts, inbox)
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        team.asUnownedSerialExecutor()
    }
}

/// The device that works in grids of blocks with SIMD kernels of its own.
package actor GPUDevice: DeviceActor {
    package nonisolated let team: any EngineTeam
    package nonisolated let inbox = Inbox()
    package let core: DeviceCore

    init(_ parts: DeviceParts) {
        team = parts.team
        core = DeviceCore(parts, inbox)
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        team.asUnownedSerialExecutor()
    }
}

/// The device that multiplies int8 matrices.
package actor NPUDevice: DeviceActor {
    package nonisolated let team: any EngineTeam
    package nonisolated let inbox = Inbox()
    package let core: DeviceCore

    init(_ parts: DeviceParts) {
        team = parts.team
        core = DeviceCore(parts, inbox)
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        team.asUnownedSerialExecutor()
    }
}
