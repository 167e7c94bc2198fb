// `import MLXFFT` compiles as with mlx-swift; the namespace itself lives in MLX.
@_exported import MLX
