import Foundation
import MLX
import Testing

// Uses of nested values: items, dictionaries of them, and their maps and foldings.
extension EveryDeclaration {
    private typealias Item = NestedItem<String, Int>
    private typealias Tree = NestedDictionary<String, Int>

    private var item: NestedItem<String, Int> {
        .dictionary(["a": .value(1), "b": .array([.value(2), .none])])
    }

    @Test("nested items") func nestedItems() {
        _ = item.unwrap()
        _ = item.mapValues { $0 + 1 }
        _ = item.mapValues(item) { (one: Int, two: Int?) -> (Int, Int?) in (one, two) }
        _ = item.mapValues(item, item) { (one: Int, two: Int?, three: Int?) -> (Int, Int?, Int?) in
            (one, two, three)
        }
        _ = item.compactMapValues { $0 > 1 ? $0 : nil }
        _ = item.mapValues(prefix: "p") { (path: String, value: Int) in "\(path) \(value)" }
        #expect(item.reduce(0) { $0 + $1 } == 3)
        #expect(item.flattened(prefix: "p").count == 2)
        #expect(Item.unflattened([("a", 1), ("b.0", 2)]).flattenedValues() == [1, 2])
        #expect(item == item && item.description(indent: 2).isEmpty == false)
        struct Leaf: IndentedDescription {
            func description(indent: Int) -> String { "leaf" }
        }
        #expect(Leaf().description == "leaf")
        let sendable: any Sendable = item
        let described: any IndentedDescription = item
        _ = (sendable, described.description, described.description(indent: 1))
        _ = (indentedDescription([1, 2], 2), described as any CustomStringConvertible)
    }

    @Test("nested dictionaries") func nestedDictionaries() {
        var tree = Tree(item: item)
        _ = (Tree(), Tree(values: ["a": .value(1)]))
        tree["c"] = .value(3)
        #expect(tree["c"] != nil && tree[unwrapping: "c"] == 3)
        _ = (tree.keys, tree.values, tree.isEmpty, tree.count)
        _ = (tree.asItem(), tree.asDictionary(), tree.description)
        _ = tree.mapValues(transform: { (value: Int) in value + 1 })
        let pair: (Tree, Tree) = tree.mapValues(
            tree, transform: { (one: Int, two: Int?) -> (Int, Int?) in (one, two) })
        let single: Tree = tree.mapValues(
            tree, transform: { (one: Int, two: Int?) -> Int in one })
        #expect(pair.0 == single)
        _ = tree.mapValues(
            tree, tree,
            transform: {
                (one: Int, two: Int?, three: Int?) -> (Int, Int?, Int?) in (one, two, three)
            })
        _ = tree.mapValues(
            tree, tree,
            transform: {
                (one: Int, two: Int?, three: Int?) -> (Int, Int?) in (one, two)
            })
        #expect(tree.reduce(0) { $0 + $1 } == 6)
        _ = tree.compactMapValues(transform: { (value: Int) in value > 1 ? value : nil })
        _ = tree.mapValues(transform: { (path: String, value: Int) in "\(path) \(value)" })
        #expect(tree.flattened(prefix: "p").count == 3)
        #expect(Tree.unflattened([("a", 1)]) == Tree.unflattened(["a": 1]))
        #expect(tree.flattenedValues() == [1, 2, 3])
        #expect(tree.replacingValues(with: [4, 5, 6]).flattenedValues() == [4, 5, 6])
        let sendable: any Sendable = tree
        _ = (sendable, tree as any Collection, tree as any CustomStringConvertible)
    }

    @Test("nested dictionaries as collections") func nestedCollections() {
        let tree = Tree(item: item)
        let start: Tree.Index = tree.startIndex
        let first: Tree.CollectionElement = tree[start]
        #expect(["a", "b"].contains(first.key) && start != tree.endIndex)
        _ = tree.index(after: start)
    }
}
