import MLXGraph

// Plain comparison and logic operators do not exist on arrays. Declaring them unavailable turns
// a puzzling error into one that names the operator to use.
extension MLXArray {
    @available(*, unavailable, message: "use .== instead")
    public static func == (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .== instead")
    public static func == <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .== instead")
    public static func == (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .== instead")
    public static func == <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .!= instead")
    public static func != (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .!= instead")
    public static func != <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .!= instead")
    public static func != (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .!= instead")
    public static func != <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .< instead")
    public static func < (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .< instead")
    public static func < <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .< instead")
    public static func < (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .< instead")
    public static func < <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .<= instead")
    public static func <= (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .<= instead")
    public static func <= <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .<= instead")
    public static func <= (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .<= instead")
    public static func <= <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .> instead")
    public static func > (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .> instead")
    public static func > <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .> instead")
    public static func > (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .> instead")
    public static func > <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .>= instead")
    public static func >= (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .>= instead")
    public static func >= <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .>= instead")
    public static func >= (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .>= instead")
    public static func >= <T: ScalarOrArray>(lhs: MLXArray, rhs: T) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .&& instead")
    public static func && (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .&& instead")
    public static func && (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .|| instead")
    public static func || (lhs: MLXArray, rhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .|| instead")
    public static func || (lhs: MLXArray, rhs: MLXArray) -> Bool { fatalError() }
    @available(*, unavailable, message: "use .! instead")
    public static prefix func ! (lhs: MLXArray) -> MLXArray { fatalError() }
    @available(*, unavailable, message: "use .! instead")
    public static prefix func ! (lhs: MLXArray) -> Bool { fatalError() }
}
