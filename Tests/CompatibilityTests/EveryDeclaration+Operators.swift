import MLX
import Testing

// Uses of the operators of arrays, and of those that are there to be refused with a hint.
extension EveryDeclaration {
    @Test("operators") func operators() throws {
        try works(x + x)
        try works(x + 2)
        try works(2 + x)
        try works(x - x)
        try works(x - 2)
        try works(2 - x)
        try works(x * x)
        try works(x * 2)
        try works(2 * x)
        try works(x / x)
        try works(x / 2)
        try works(2 / x)
        try works(x % x)
        try works(x % 2)
        try works(2 % x)
        try works(x ** x)
        try works(x ** 2)
        try works(2 ** x)
        try works(x .== x)
        try works(x .== 2)
        try works(x .<= x)
        try works(x .<= 2)
        try works(x .>= x)
        try works(x .>= 2)
        try works(x .!= x)
        try works(x .!= 2)
        try works(x .< x)
        try works(x .< 2)
        try works(x .> x)
        try works(x .> 2)
        try works(b .&& b)
        try works(b .|| b)
        try works(.!b)
        try works(-x)
        try works(~n)
    }

    @Test("operators of bits") func bitOperators() throws {
        try works(n & n)
        try works(n & 1)
        try works(1 & n)
        try works(n | n)
        try works(n | 1)
        try works(1 | n)
        try works(n ^ n)
        try works(n ^ 1)
        try works(1 ^ n)
        try works(n << n)
        try works(n << 1)
        try works(1 << n)
        try works(n >> n)
        try works(n >> 1)
        try works(1 >> n)
    }

    @Test("operators that assign") func assigning() throws {
        var y = x
        y += x
        y += 2
        y -= x
        y -= 2
        y *= x
        y *= 2
        y /= x
        y /= 2
        try works(y)
    }

    /// What this names cannot be called; it has to compile where that does not matter.
    @available(*, unavailable) func refused() {
        let _: MLXArray = !x
        let _: MLXArray = x == x
        let _: MLXArray = x == Int32(1)
        let _: MLXArray = x <= x
        let _: MLXArray = x <= Int32(1)
        let _: MLXArray = x >= x
        let _: MLXArray = x >= Int32(1)
        let _: MLXArray = x != x
        let _: MLXArray = x != Int32(1)
        let _: MLXArray = x < x
        let _: MLXArray = x < Int32(1)
        let _: MLXArray = x > x
        let _: MLXArray = x > Int32(1)
        let _: MLXArray = x && x
        let _: MLXArray = x || x
        let _: Bool = !x
        let _: Bool = x == x
        let _: Bool = x == Int32(1)
        let _: Bool = x <= x
        let _: Bool = x <= Int32(1)
        let _: Bool = x >= x
        let _: Bool = x >= Int32(1)
        let _: Bool = x != x
        let _: Bool = x != Int32(1)
        let _: Bool = x < x
        let _: Bool = x < Int32(1)
        let _: Bool = x > x
        let _: Bool = x > Int32(1)
        let _: Bool = x && x
        let _: Bool = x || x
        _ = MLXArray([0.5, 1.5] as [Double], [2])
    }
}
