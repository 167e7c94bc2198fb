import MLXBase
import MLXGraph

/// A number written out where a subscript is assigned: `a[0] = 7`. It is a type of its own, without
/// any operators, because if literals could be arrays, or numbers be read from a subscript, then
/// `let count = 1 << 24` would be an array and `a[0] += 1` an addition of integers.
public struct MLXScalarLiteral: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, Sendable
{
    let array: MLXArray

    init(_ array: MLXArray) { self.array = array }

    /// An integer; it takes the dtype of the array it is assigned to.
    public init(integerLiteral value: Int) { array = MLXArray(int64: value) }
    /// A number; it takes the dtype of the array it is assigned to.
    public init(floatLiteral value: Double) { array = MLXArray(float64: value) }
    /// A truth value; it takes the dtype of the array it is assigned to.
    public init(booleanLiteral value: Bool) { array = MLXArray(value) }
}
