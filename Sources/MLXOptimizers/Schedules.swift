import FoundationEssentials
import Glibc

// Learning rates as functions of the number of steps made. They are plain functions: set
// `optimizer.learningRate = schedule(step)` before each step.

/// initial decayRateᵗ
public func exponentialDecay(_ initial: Float, decayRate: Float) -> (Int) -> Float {
    { step in initial * pow(decayRate, Float(step)) }
}

/// `initial`, multiplied by `decayRate` after every `stepSize` steps
public func stepDecay(_ initial: Float, decayRate: Float, stepSize: Int) -> (Int) -> Float {
    { step in initial * pow(decayRate, Float(step / max(stepSize, 1))) }
}

/// Half a cosine from `initial` to `end` in `decaySteps` steps, then `end`
public func cosineDecay(_ initial: Float, decaySteps: Int, end: Float = 0.0) -> (Int) -> Float {
    { step in
        let progress = Float(min(step, decaySteps)) / Float(max(decaySteps, 1))
        return end + (initial - end) * 0.5 * (1 + cos(.pi * progress))
    }
}

/// A line from `initial` to `end` in `steps` steps, then `end`
public func linearSchedule(_ initial: Float, end: Float, steps: Int) -> (Int) -> Float {
    { step in
        let progress = Float(min(step, steps)) / Float(max(steps, 1))
        return initial + (end - initial) * progress
    }
}

/// Schedules one after the other, each counting from its boundary.
/// - Parameter boundaries: the step at which each schedule but the first begins. A schedule without
///   a boundary is never reached, one boundary too many is ignored; no schedules give 0.
public func joinSchedules(
    _ schedules: [(Int) -> Float], boundaries: [Int]
) -> (Int) -> Float {
    if schedules.isEmpty { return { _ in 0 } }
    let boundaries = boundaries.prefix(schedules.count - 1)
    return { step in
        let current = boundaries.lastIndex { step >= $0 }
        return schedules[(current ?? -1) + 1](step - (current.map { boundaries[$0] } ?? 0))
    }
}
