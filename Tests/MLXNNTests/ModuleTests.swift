import MLX
import MLXNN
import Testing

// Modules: what reflection finds, updates and what they verify, freezing, visiting, printing.

private class Inner: Module {
    let p = MLXArray([100, 200] as [Int32])
    let i = 10
    let a = [MLXArray([200, 300] as [Int32]), MLXArray([400, 500] as [Int32])]
    let d = ["key": MLXArray([1, 2] as [Int32])]
    let _hidden = MLXArray(7)
}

private class Outer: Module {
    let p = MLXArray([1.5] as [Float])
    @ModuleInfo(key: "other_child") var child = Inner()
    let table = ["b": Inner(), "a": Inner()]
    let number = 50.0
    let nothing: MLXArray? = nil
    let noModule: Linear? = nil
    @ParameterInfo(key: "other_array") var arrays = [MLXArray(1), MLXArray(2)]
    let pair = (MLXArray(3), MLXArray(4))
    let layers: (Linear, ReLU) = (Linear(2, 3), ReLU())
}

private class Replaceable: Module {
    @ModuleInfo var single = Linear(2, 2)
    @ModuleInfo var list: [any UnaryLayer] = [Linear(2, 2), ReLU(), Linear(2, 3)]
    @ModuleInfo var table = ["x": Linear(2, 2), "y": Linear(2, 2)]
    @ModuleInfo var five = (Linear(1, 1), Linear(1, 2), Linear(1, 3), Linear(1, 4), ReLU())
    @ModuleInfo var absent: Linear?
    let fixed = Linear(2, 2)
}

@Suite("Module") struct ModuleTests {
    @Test("reflection finds parameters under their keys") func parameters() {
        let keys = Outer().parameters().flattened().map(\.0)
        let inner = ["a.0", "a.1", "d.key", "p"]
        let expected =
            ["layers.0.bias", "layers.0.weight"]
            + ["other_array.0", "other_array.1"] + inner.map { "other_child.\($0)" }
            + ["p", "pair.0", "pair.1"] + inner.map { "table.a.\($0)" }
            + inner.map { "table.b.\($0)" }
        #expect(keys == expected)
    }

    @Test("items hold everything, private parameters too") func items() {
        let items = Inner().items()
        #expect(Set(items.keys) == ["p", "i", "a", "d", "_hidden"])
        guard case .value(.parameters) = items["_hidden"], case .value(.other) = items["i"],
            case .array = items["a"], case .dictionary = items["d"]
        else {
            Issue.record("\(items)")
            return
        }
    }

    @Test("children, leaves and all modules") func structure() {
        let model = Outer()
        #expect(Set(model.children().keys) == ["other_child", "table", "layers"])
        #expect(
            model.leafModules().flattened().map(\.0)
                == ["layers.0", "layers.1", "other_child", "table.a", "table.b"])
        #expect(model.modules().count == 6)
        #expect(Set(model.namedModules().map(\.0)).contains(""))
        var visited: [String] = []
        model.visit { path, _ in visited.append(path) }
        #expect(visited == ["", "table.b", "table.a", "other_child", "layers.1", "layers.0"])
    }

    @Test("prints types, settings and children") func printing() {
        let expected = """
            Outer(number=50.0) {
              layers: [
                Linear(inputDimensions=2, outputDimensions=3, bias=true),
                ReLU
              ],
              other_child: Inner(i=10),
              table: [
                a: Inner(i=10),
                b: Inner(i=10)
              ],
            }
            """
        #expect(Outer().description == expected)
    }

    @Test("parameters are written in place") func update() throws {
        let model = Outer()
        let held = model.layers.0.weight
        let changed = model.parameters().mapValues { $0 + 1 }
        let old = held.asArray(Float.self)
        try model.update(parameters: changed, verify: .all)
        #expect(held.asArray(Float.self) == old.map { $0 + 1 })
        #expect(model.pair.1.item(Int.self) == 5)
        // A gap in an array leaves the element as it is.
        model.update(
            parameters: ModuleParameters(values: [
                "other_array": .array([.none, .value(MLXArray(9))])
            ]))
        #expect(model.arrays.map { $0.item(Int.self) } == [2, 9])
        model.apply { $0 * 0 }
        #expect(model.parameters().flattenedValues().allSatisfy { all($0 .== 0).item() })
    }

    @Test("updates verify keys and shapes") func verify() {
        let linear = Linear(1, 2)
        let weight = MLXArray.zeros([2, 1])
        func update(_ values: [String: MLXArray], _ verify: Module.VerifyUpdate) throws {
            try linear.update(
                parameters: ModuleParameters(values: values.mapValues { .value($0) }),
                verify: verify)
        }
        #expect(throws: Never.self) { try update(["weight": weight], .none) }
        #expect(throws: Never.self) { try update(["weight": weight], .noUnusedKeys) }
        let missing = #expect(throws: UpdateError.self) { try update(["weight": weight], .all) }
        guard case .keyNotFound(path: ["bias"], modules: ["Linear"]) = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
        let extra = #expect(throws: UpdateError.self) {
            try update(["scale": weight], .noUnusedKeys)
        }
        guard case .unhandledKeys(path: [], modules: ["Linear"], keys: ["scale"]) = extra else {
            Issue.record("\(String(describing: extra))")
            return
        }
        let shape = #expect(throws: UpdateError.self) {
            try update(["weight": weight.T], .shapeMismatch)
        }
        guard case .mismatchedSize(["weight"], _, [2, 1], [1, 2]) = shape else {
            Issue.record("\(String(describing: shape))")
            return
        }
        #expect(throws: Never.self) { try update(["weight": weight.T], .none) }
        #expect(linear.weight.shape == [1, 2])
        #expect(throws: UpdateError.self) {
            try linear.update(
                parameters: ModuleParameters(values: ["weight": .array([])]), verify: .none)
        }
    }

    @Test("modules are replaced in every kind of property") func replace() throws {
        let model = Replaceable()
        _ = model.parameters()
        let second = model.list[2]
        let updates: [(String, Module)] = [
            ("single", Linear(4, 4)), ("list.0", Linear(5, 5)), ("list.3", ReLU()),
            ("table.y", Linear(6, 6)), ("five.3", Linear(7, 7)), ("absent", Linear(8, 8)),
        ]
        model.update(modules: .unflattened(updates))
        #expect(model.single.shape == (4, 4))
        #expect(model.list.count == 4 && (model.list[0] as? Linear)?.shape.0 == 5)
        #expect(model.list[2] === second)
        #expect(model.table["y"]?.shape.0 == 6 && model.table["x"]?.shape.0 == 2)
        #expect(model.five.3.shape == (7, 7) && model.five.2.shape == (3, 1))
        #expect(model.absent?.shape.0 == 8)
        #expect(model.parameters()["absent"] != nil)
        let error = #expect(throws: UpdateError.self) {
            try model.update(
                modules: ModuleChildren(values: ["fixed": .value(Linear(1, 1))]), verify: .none)
        }
        guard case .needModuleInfo = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(throws: UpdateError.self) {
            try model.update(
                modules: ModuleChildren(values: ["single": .value(ReLU())]), verify: .none)
        }
    }

    @Test("a property set after the first look is found") func setting() {
        let model = Replaceable()
        #expect(model.children()["absent"] == nil)
        model.absent = Linear(3, 3)
        #expect(model.parameters().flattened().contains { $0.0 == "absent.weight" })
    }

    @Test("freezing hides parameters from training") func freezing() throws {
        let model = Replaceable()
        model.freeze()
        #expect(model.trainableParameters().isEmpty)
        model.single.unfreeze(keys: ["bias"])
        #expect(model.trainableParameters().flattened().map(\.0) == ["single.bias"])
        model.unfreeze()
        #expect(model.trainableParameters().count == model.parameters().count)
        #expect(throws: UpdateError.self) { try model.freeze(keys: ["nothing"], strict: true) }
        model.freeze(keys: ["nothing"])
        let norm = BatchNorm(featureCount: 2)
        let outer = Sequential(layers: norm)
        outer.freeze()
        outer.unfreeze()
        #expect(
            outer.trainableParameters().flattened().map(\.0)
                == ["layers.0.bias", "layers.0.weight"])
    }

    @Test("training reaches every module") func training() {
        let model = Replaceable()
        #expect(model.training)
        model.train(false)
        #expect(model.modules().allSatisfy { !$0.training })
    }

    @Test("a structure that does not fit is an error where errors are handled") func reported() {
        #expect(throws: MLXError.self) {
            try withError {
                Linear(1, 1).update(parameters: ModuleParameters(values: ["weight": .array([])]))
            }
        }
    }

    @Test("gradients are by trainable parameters, and the model keeps its arrays")
    func gradients() async throws {
        let model = Sequential(layers: Linear(2, 2), Linear(2, 1))
        model.layers[0].freeze()
        let before = model.parameters().mapValues { $0.asArray(Float.self) }
        let differentiated = valueAndGrad(model: model) {
            (model: Sequential, x: MLXArray, y: MLXArray) in square(model(x) - y).sum()
        }
        let x = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
        let (loss, gradients) = differentiated(model, x, MLXArray([1, 1] as [Float], [2, 1]))
        #expect(gradients.flattened().map(\.0) == ["layers.1.bias", "layers.1.weight"])
        #expect(model.parameters().mapValues { $0.asArray(Float.self) } == before)
        let hidden = model.layers[0](x)
        let residual = 2 * (model.layers[1](hidden) - 1)
        let expected = matmul(residual.T, hidden)
        let weight = try #require(gradients.flattened().last?.1)
        #expect(allClose(weight, expected).item())
        try await evaluate(loss, gradients, model)
        let (values, other) = valueAndGrad(model: model) {
            (model: Sequential, arrays: [MLXArray]) in [model(arrays[0]).sum(), arrays[1]]
        }(model, [x, MLXArray(5)])
        #expect(values.count == 2 && values[1].item(Int.self) == 5)
        #expect(other.flattenedValues().count == 2)
        let (single, _) = valueAndGrad(model: model) {
            (model: Sequential, scale: Float) in [model(x).sum() * scale]
        }(model, 2)
        #expect(single.count == 1)
    }
}
