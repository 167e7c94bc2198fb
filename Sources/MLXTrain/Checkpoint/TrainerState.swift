import MLXData
import MLXFormats

/// What a checkpoint's `state.json` has: everything about a trainer that is not an array. A format
/// version comes first, and a file of another version is refused.
struct TrainerState {
    static let formatVersion = 1

    var step: Int
    var position: LoaderPosition
    var seed: UInt64
    var optimizer: String
    var best: (step: Int, value: Double)?
    var latest: TrainingRecord?
    var latestValidation: TrainingRecord?

    var json: [UInt8] {
        func member(_ key: String, _ value: JSONValue) -> JSONValue.Member { .init(key, value) }
        var members = [
            member("format_version", .integer(TrainerState.formatVersion)),
            member("step", .integer(step)),
            member("epoch", .integer(position.epoch)),
            member("batch", .integer(position.batch)),
            // As text: not every reader of JSON has 64-bit integers.
            member("seed", .string(String(seed))),
            member("optimizer", .string(optimizer)),
        ]
        if let best {
            members.append(member("best_step", .integer(best.step)))
            members.append(member("best_value", .number(best.value)))
        }
        if let latest { members.append(member("latest", TrainerState.json(latest))) }
        if let latestValidation {
            members.append(member("latest_validation", TrainerState.json(latestValidation)))
        }
        return JSONWriter.bytes(of: .object(members))
    }

    /// The figures of a record as an object; what is no number is null.
    static func json(_ record: TrainingRecord) -> JSONValue {
        let figures = zip(record.names, record.values).map {
            JSONValue.Member($0, .number($1))
        }
        return .object(
            [.init("step", .integer(record.step)), .init("epoch", .integer(record.epoch))]
                + figures)
    }
}

extension TrainerState {
    /// - Throws: `TrainingError.checkpoint`
    init(parsing bytes: [UInt8], path: String) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw TrainingError.checkpoint(path, "state.json is damaged")
        }
        guard let version = value["format_version"]?.integer else {
            throw TrainingError.checkpoint(path, "state.json has no format_version")
        }
        guard version == TrainerState.formatVersion else {
            throw TrainingError.checkpoint(
                path, "it has format \(version), this library knows \(TrainerState.formatVersion)")
        }
        guard let step = value["step"]?.integer, step >= 0,
            let epoch = value["epoch"]?.integer, epoch >= 0,
            let batch = value["batch"]?.integer, batch >= 0,
            let seed = value["seed"]?.string.flatMap(UInt64.init),
            let optimizer = value["optimizer"]?.string
        else { throw TrainingError.checkpoint(path, "state.json lacks what it has to have") }
        self.init(
            step: step, position: LoaderPosition(epoch: epoch, batch: batch), seed: seed,
            optimizer: optimizer)
        if let step = value["best_step"]?.integer, let value = value["best_value"]?.double {
            best = (step, value)
        }
        latest = value["latest"].flatMap(TrainerState.record)
        latestValidation = value["latest_validation"].flatMap(TrainerState.record)
    }

    private static func record(_ value: JSONValue) -> TrainingRecord? {
        guard let members = value.members, let step = value["step"]?.integer,
            let epoch = value["epoch"]?.integer
        else { return nil }
        var record = TrainingRecord(step: step, epoch: epoch)
        for member in members where member.key != "step" && member.key != "epoch" {
            record[member.key] = member.value.double ?? .nan
        }
        return record
    }
}
