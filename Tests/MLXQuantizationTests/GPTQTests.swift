import Testing

@Suite("GPTQ") struct GPTQTests {}
