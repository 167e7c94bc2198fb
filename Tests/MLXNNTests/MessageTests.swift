import Foundation
import MLX
import MLXNN
import Testing

/// What layers say of inputs and settings that do not fit, and that none of it ends the process or
/// spoils what the layer keeps.
@Suite("Messages of layers") struct MessageTests {
    private class Holder: Module {
        @ModuleInfo var absent: Linear? = Linear(2, 2)
        @ModuleInfo var present = Linear(2, 2)
        let fixed: Linear? = Linear(2, 2)
        @ModuleInfo var list: [Linear] = [Linear(2, 2)]
    }

    @Test("a wrong number of channels is the layer's error, not that of an operation in it")
    func channels() throws {
        let x = MLXArray.zeros([2, 5, 3])
        let layers: [(any UnaryLayer, String)] = [
            (BatchNorm(featureCount: 4), "(…, 4)"),
            (GroupNorm(groupCount: 2, dimensions: 4), "(N, …, 4)"),
            (InstanceNorm(dimensions: 4, affine: true), "(N, …, 4)"), (Linear(4, 2), "(…, 4)"),
        ]
        for (layer, shape) in layers {
            let name = "\(type(of: layer))"
            for training in [true, false] {
                layer.train(training)
                let error = #expect(throws: ArrayError.self) { try checkedEval(layer(x)) }
                #expect(
                    error?.summary == "[\(name)] takes \(shape), not an array of shape [2, 5, 3]")
                #expect(error?.kind == .shape && error?.shapes == [[2, 5, 3]])
            }
        }
        let norm = BatchNorm(featureCount: 4)
        _ = norm(x)
        for array in norm.parameters().flattenedValues() { try checkedEval(array) }
        let groups = GroupNorm(groupCount: 3, dimensions: 4)
        let error = #expect(throws: ArrayError.self) {
            try checkedEval(groups(MLXArray.zeros([1, 4])))
        }
        #expect(error?.summary == "[GroupNorm] 3 groups do not divide 4 channels")
    }

    @Test("an error from before a layer stays what it was") func earlier() {
        let bad = matmul(MLXArray.zeros([2, 3]), MLXArray.zeros([2, 3]))
        let error = #expect(throws: ArrayError.self) {
            try checkedEval(BatchNorm(featureCount: 4)(bad))
        }
        #expect(error?.operation == "matmul")
    }

    @Test("everything may be dropped; other probabilities are errors") func dropout() {
        let x = MLXArray.ones([2, 4, 4, 3])
        for layer in [Dropout(p: 1), Dropout2d(p: 1), Dropout3d(p: 1)] as [any UnaryLayer] {
            #expect(all(layer(x) .== 0).item() && layer(x).shape == x.shape)
            layer.train(false)
            #expect(all(layer(x) .== 1).item())
        }
        for p in [-0.1, 1.5, .nan] as [Float] {
            for layer in [Dropout(p: p), Dropout2d(p: p), Dropout3d(p: p)] as [any UnaryLayer] {
                let error = #expect(throws: ArrayError.self) { try checkedEval(layer(x)) }
                #expect(error?.operation == "\(type(of: layer))" && error?.kind == .argument)
            }
        }
    }

    @Test("an array that cannot be computed is printed as its error") func printing() {
        let bad = MLXArray.zeros([2, 3]) + MLXArray.zeros([4])
        #expect("\(bad)".hasPrefix("array(<[broadcast_shapes] Shapes (2,3) and (4)"))
        #expect("\(exp(bad))".contains("[broadcast_shapes]"))
        let late = take(MLXArray.zeros([3]), MLXArray([7]))
        #expect("\(late)".contains("index 7 is outside an axis of size 3"))
        #expect(throws: MLXError.self) { try withError { _ = "\(late)" } }
    }

    @Test("a tree of something that is no dictionary is empty") func trees() {
        #expect(ModuleParameters(item: .value(MLXArray(1))).isEmpty)
        #expect(ModuleParameters(item: .array([])).isEmpty)
    }

    @Test("an update with none takes an optional module away") func none() throws {
        let model = Holder()
        try model.update(modules: ModuleChildren(values: ["absent": .none]), verify: .none)
        #expect(model.absent == nil && model.parameters()["absent"] == nil)
        try model.update(modules: ModuleChildren(values: ["absent": .none]), verify: .none)
        let present = #expect(throws: UpdateError.self) {
            try model.update(modules: ModuleChildren(values: ["present": .none]), verify: .none)
        }
        guard case .needModuleInfo(let text) = present else {
            Issue.record("\(String(describing: present))")
            return
        }
        #expect(
            text.hasPrefix("Unable to set modules for Holder.present -- maybe type mismatch: "))
        #expect(throws: UpdateError.self) {
            try model.update(modules: ModuleChildren(values: ["fixed": .none]), verify: .none)
        }
        // Within a container none means that the element stays.
        try model.update(modules: ModuleChildren(values: ["list": .array([.none])]), verify: .none)
        #expect(model.list.count == 1)
    }

    @Test("errors of updates have mlx-swift's texts") func texts() {
        let cases: [(UpdateError, String)] = [
            (
                .unableToCollectModulesFromContainer(path: ["a", "b"], modules: ["M", "N"]),
                "Unable to collect modules from container: a.b in M.N"
            ),
            (.mismatchedContainers(base: "M", key: "k"), "Mismatched containers: M k"),
            (
                .mismatchedSize(
                    path: ["a", "w"], modules: ["M"], expectedShape: [2, 1], actualShape: [1, 2]),
                "Mismatched parameter a.w in M shape. Actual [1, 2], expected [2, 1]"
            ),
            (.keyNotFound(path: ["a", "w"], modules: ["M", "N"]), "Key a.w not found in M.N"),
            (.needModuleInfo("text"), "text"), (.unableToSet("text"), "text"),
            (.unableToCast("Linear"), "Unable to cast value"),
            (
                .unhandledKeys(path: ["a"], modules: ["M"], keys: ["x", "y"]),
                "Unhandled keys [\"x\", \"y\"] in a in M"
            ),
            (
                .settingArrayWithModule(path: ["a"], modules: ["M"]),
                "Unable to set a on M: parameters (MLXArray) cannot be updated with a Module"
            ),
            (
                .incompatibleItems(path: ["a"], modules: ["M"], item: "x", value: "y"),
                "Unable to set a on M: x not compatible with y"
            ),
            (
                .unexpectedStructure(key: "k", item: "M"),
                "Unexpected structure for k on M: not @ModuleInfo var modules = [...]"
            ),
        ]
        for (error, text) in cases {
            let first = error.errorDescription?.split(separator: "\n").first
            #expect(first.map(String.init) == text)
        }
        let plain = #expect(throws: UpdateError.self) {
            try Holder().updateModule(key: "fixed", Linear(1, 1))
        }
        #expect(
            plain?.errorDescription
                == "Unable to get @ModuleInfo for Holder.fixed"
                + " -- must be wrapped to receive updates"
        )
    }

    @Test("quantized layers describe themselves as in mlx-swift") func descriptions() {
        #expect(
            QuantizedLinear(64, 8, bias: false).description
                == "QuantizedLinear(inputDimensions=64, outputDimensions=8, bias=false)")
        #expect(
            QuantizedEmbedding(embeddingCount: 5, dimensions: 64).description
                == "QuantizedEmbedding[5, 8]")
    }

    @Test(
        "pools take integers: the largest keeps the dtype, the mean is float32",
        arguments: [
            DType.int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .bool,
        ]) func pools(type: DType)
    {
        let numbers = [1, 2, 3, 4, 5, 9]
        let x = MLXArray(numbers, [1, 3, 2]).asType(type)
        let isBool = type == .bool
        let largest = MaxPool1d(kernelSize: 2, stride: 1, padding: 1)(x)
        let wanted = isBool ? [1, 1, 1, 1, 1, 1, 1, 1] : [1, 2, 3, 4, 5, 9, 5, 9]
        #expect(largest.dtype == type && largest.asType(.int32).asArray(Int.self) == wanted)
        let mean = AvgPool1d(kernelSize: 2, stride: 1)(x)
        #expect(mean.dtype == .float32)
        #expect(mean.asArray(Float.self) == (isBool ? [1, 1, 1, 1] : [2, 3, 4, 6.5]))
        // A window that lies in the padding alone has the lowest number.
        let far = MaxPool1d(kernelSize: 1, stride: 1, padding: 1)(x)
        let low = far[0, 0].asType(.int64).asArray(Int.self)
        let lowest = type.isSignedInteger ? -1 << (8 * type.size - 1) : 0
        #expect(low == [lowest, lowest])
        let image = MaxPool2d(kernelSize: 2, stride: 2)(
            tiled(x.reshaped([1, 1, 3, 2]), repetitions: [1, 2, 1, 1]))
        #expect(image.dtype == type && image.shape == [1, 1, 1, 2])
    }

    @Test("the largest of large integers is exact") func largeIntegers() {
        let x = MLXArray(int64: [1 << 60, (1 << 60) + 1, -1 << 62, (-1 << 62) + 1], [1, 4, 1])
        let y = MaxPool1d(kernelSize: 2, stride: 2)(x)
        #expect(y.asArray(Int.self) == [(1 << 60) + 1, (-1 << 62) + 1])
    }
}
