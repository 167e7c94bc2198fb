import MLXBase
