import MLX
import Testing

/// Nested items and dictionaries: order, paths, mapping, printing, and paths from hostile files.
@Suite("Nested structures") struct NestedTests {
    typealias Tree = NestedDictionary<String, Int>

    private let tree = Tree(values: [
        "b": .array([.value(2), .dictionary(["x": .value(3), "a": .value(4)])]),
        "a": .value(1),
        "c": .dictionary(["d": .array([.value(5), .none, .value(6)])]),
    ])

    @Test("visits go by sorted key") func order() {
        #expect(tree.flattenedValues() == [1, 2, 4, 3, 5, 6])
        #expect(
            tree.flattened().map(\.0) == ["a", "b.0", "b.1.a", "b.1.x", "c.d.0", "c.d.2"])
        #expect(tree.flattened(prefix: "m").first?.0 == "m.a")
        #expect(tree.reduce(0, +) == 21)
        #expect(tree.count == 3)
        #expect(Set(tree.map(\.key)) == ["a", "b", "c"])
    }

    @Test("flattening and back gives the same tree") func roundTrip() {
        #expect(Tree.unflattened(tree.flattened()) == tree)
        #expect(Tree.unflattened(Dictionary(uniqueKeysWithValues: tree.flattened())) == tree)
        let deep: NestedItem<String, Int> = .array([.array([.array([.value(10)])])])
        #expect(deep.flattened().map(\.0) == ["0.0.0"])
        #expect(NestedItem.unflattened(deep.flattened()) == deep)
        #expect(NestedItem<String, Int>.unflattened([("", 3)]) == .value(3))
    }

    @Test("paths of hostile files stay bounded") func hostile() {
        let long = String(repeating: "a.", count: 100_000) + "a"
        let deep = Tree.unflattened([(long, 1)])
        #expect(deep.flattened().map(\.0) == [long])
        let sparse = Tree.unflattened([("l.4000000000.w", 1), ("l.0.w", 2)])
        #expect(Set(sparse.flattened().map(\.0)) == ["l.4000000000.w", "l.0.w"])
        #expect(Tree.unflattened([("a", 1), ("a", 2)]).flattenedValues() == [2])
        #expect(Tree.unflattened([("a", 1), ("a.b", 2)]).flattenedValues().sorted() == [1, 2])
        #expect(Tree.unflattened([("a.01", 1)]).flattened().map(\.0) == ["a.01"])
    }

    @Test("maps one, two and three trees") func maps() {
        #expect(tree.mapValues { $0 + 1 }.flattenedValues() == [2, 3, 5, 4, 6, 7])
        #expect(tree.mapValues { path, value in "\(path)=\(value)" }[unwrapping: "a"] == "a=1")
        let (same, texts) = tree.mapValues(NestedDictionary<String, String>()) { a, b in
            (a, b ?? "\(a)")
        }
        #expect(same == tree)
        #expect(texts == tree.mapValues { "\($0)" })
        let (_, sums, products) = tree.mapValues(tree, tree) { a, b, c in
            (a, a + (b ?? 0), a * (c ?? 0))
        }
        #expect(sums.flattenedValues() == [2, 4, 8, 6, 10, 12])
        #expect(products.flattenedValues() == [1, 4, 16, 9, 25, 36])
        let odd = tree.compactMapValues { $0 % 2 == 1 ? $0 : nil }
        #expect(odd["b"] == .array([.dictionary(["x": .value(3)])]))
        #expect(odd["c"] == .dictionary(["d": .array([.value(5)])]))
        #expect(tree.replacingValues(with: 10..<16).flattenedValues() == Array(10..<16))
    }

    @Test("prints one entry to a line") func printing() {
        let expected = """
            [
              a: 1,
              b: [
                2,
                [
                  a: 4,
                  x: 3
                ]
              ],
              c: [
                d: [
                  5,
                  none,
                  6
                ]
              ]
            ]
            """
        #expect(tree.description == expected)
    }

    @Test("unwraps to plain values") func unwrapping() {
        #expect(tree["c"]?.unwrap() as? [String: [Int?]] == ["d": [5, nil, 6]])
        #expect(NestedItem<String, Int>.array([.value(1)]).unwrap() as? [Int] == [1])
        #expect(tree.asDictionary()["a"] as? Int == 1)
    }

    @Test("gradients by all parameters of a tree") func gradients() {
        let parameters = NestedDictionary<String, MLXArray>(values: [
            "w": .value(MLXArray([1, 2] as [Float])), "b": .array([.value(MLXArray(3 as Float))]),
        ])
        let differentiated = valueAndGrad { (p: NestedDictionary<String, MLXArray>, x: MLXArray) in
            [(p.flattenedValues()[1] * x).sum() + p.flattenedValues()[0] * 2]
        }
        let (values, gradients) = differentiated(parameters, MLXArray([5, 7] as [Float]))
        #expect(values[0].item(Float.self) == 25)
        #expect(gradients[unwrapping: "w"]?.asArray(Float.self) == [5, 7])
        #expect(gradients.flattenedValues()[0].item(Float.self) == 2)
        eval(gradients)
    }
}
