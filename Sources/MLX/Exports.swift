// What `import MLX` brings besides this module: the types of the layers below that users touch
// (MLXArray, DType, ArrayError, the scheduling policies) and swift-numerics' Complex.
@_exported import MLXBase
@_exported import MLXGraph
@_exported import MLXPlanner
@_exported import Numerics
