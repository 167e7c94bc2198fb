import FoundationEssentials
import Glibc
import MLXBase
import MLXGraph
import MLXOps

// Arrays as text, as MLX prints them: nested brackets, at most six elements of an axis (the first
// and last three of longer ones), floats with up to six significant digits.
extension MLXArray: CustomStringConvertible {
    /// The elements and the dtype. Computes the array; one that cannot be computed is printed as
    /// its error, which ends no process: only `withError` and its like hear of it too.
    public var description: String {
        do { try checkedEval(self) } catch {
            if Defaults.current?.value.onInvalid != nil { reportFailure(error) }
            return "array(<\((error as? ArrayError)?.summary ?? "\(error)")>)"
        }
        guard let value else { return "array(<invalid>)" }
        var text = "array("
        let strides = value.strides
        withExtendedLifetime(value) {
            Printer(value, strides).write(axis: 0, at: value.pointer, to: &text)
        }
        return text + ", dtype=\(value.dtype))"
    }
}

private struct Printer {
    private let shape: [Int]
    private let strides: [Int]
    private let dtype: DType

    init(_ value: Value, _ strides: [Int]) {
        shape = value.shape.array
        self.strides = strides
        dtype = value.dtype
    }

    func write(axis: Int, at pointer: UnsafeRawPointer, to text: inout String) {
        guard axis < shape.count else {
            text += element(pointer)
            return
        }
        text += "["
        let count = shape[axis]
        let isLong = count > 6
        for index in 0..<(isLong ? 7 : count) {
            if index > 0 { text += separator(axis) }
            if isLong && index == 3 {
                text += "..."
                continue
            }
            let position = isLong && index > 3 ? count - 7 + index : index
            write(
                axis: axis + 1, at: pointer + position * strides[axis] * dtype.size, to: &text)
        }
        text += "]"
    }

    private func separator(_ axis: Int) -> String {
        // "array(" and one bracket for each axis outside stand before the next row.
        axis == shape.count - 1
            ? ", " : ",\n" + String(repeating: " ", count: 7 + axis)
    }

    private func element(_ pointer: UnsafeRawPointer) -> String {
        switch dtype {
        case .bool: pointer.load(as: UInt8.self) != 0 ? "true" : "false"
        case .uint8: "\(pointer.load(as: UInt8.self))"
        case .uint16: "\(pointer.load(as: UInt16.self))"
        case .uint32: "\(pointer.load(as: UInt32.self))"
        case .uint64: "\(pointer.load(as: UInt64.self))"
        case .int8: "\(pointer.load(as: Int8.self))"
        case .int16: "\(pointer.load(as: Int16.self))"
        case .int32: "\(pointer.load(as: Int32.self))"
        case .int64: "\(pointer.load(as: Int64.self))"
        case .float16: float(Double(pointer.load(as: Float16.self)))
        case .bfloat16:
            float(Double(Float(bitPattern: UInt32(pointer.load(as: UInt16.self)) << 16)))
        case .float32: float(Double(pointer.load(as: Float.self)))
        case .float64: float(pointer.load(as: Double.self))
        case .complex64:
            complex(
                Double(pointer.load(as: Float.self)),
                Double(pointer.load(fromByteOffset: 4, as: Float.self)))
        }
    }

    /// As a C++ stream prints it.
    private func float(_ value: Double) -> String {
        if value.isNaN { return value.sign == .minus ? "-nan" : "nan" }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { text in
            _ = withVaList([value]) { vsnprintf(text.baseAddress, text.count, "%g", $0) }
            return String(cString: text.baseAddress!)
        }
    }

    private func complex(_ real: Double, _ imaginary: Double) -> String {
        let sign = imaginary.sign == .minus ? "-" : "+"
        return "\(float(real))\(sign)\(float(imaginary.magnitude))j"
    }
}
