/// Building trees from paths such as `layers.0.weight`, as files of parameters have them. Paths
/// come from outside, so depth and array length are bounded: what goes beyond stays one key, or a
/// dictionary, and flattening gives the same paths back.
extension NestedItem {
    /// The tree with these paths. A level whose keys are all numbers is an array, with `.none`
    /// in its gaps; any other level is a dictionary.
    public static func unflattened(
        _ tree: some Collection<(Key, Element)>
    ) -> NestedItem<Key, Element> where Key == String {
        build(tree.map { (Substring($0.0), $0.1) }, depth: 0)
    }

    /// Far beyond the depth of any model; the walks over a tree recurse.
    static var maximumDepth: Int { 256 }

    /// How many gaps an array may have.
    private static var maximumGapCount: Int { 1 << 16 }

    static func build(
        _ entries: [(Substring, Element)], depth: Int
    ) -> NestedItem<Key, Element> where Key == String {
        guard let last = entries.last else { return .none }
        // A path given twice has its last value.
        if entries.allSatisfy({ $0.0.isEmpty }) { return .value(last.1) }
        let groups = grouped(entries, depth: depth)
        let indexes = groups.compactMap { index($0.key) }
        if indexes.count == groups.count, let last = indexes.max(),
            last < groups.count + maximumGapCount
        {
            var items = [Self](repeating: .none, count: last + 1)
            for (index, group) in zip(indexes, groups) {
                items[index] = build(group.entries, depth: depth + 1)
            }
            return .array(items)
        }
        return .dictionary(dictionary(entries, depth: depth))
    }

    static func dictionary(
        _ entries: [(Substring, Element)], depth: Int
    ) -> [String: Self] where Key == String {
        var items: [String: Self] = [:]
        for group in grouped(entries, depth: depth) {
            items[group.key] = build(group.entries, depth: depth + 1)
        }
        return items
    }

    /// The entries by the first segment of their paths, in the order of appearance.
    private static func grouped(
        _ entries: [(Substring, Element)], depth: Int
    ) -> [(key: String, entries: [(Substring, Element)])] {
        var groups: [(key: String, entries: [(Substring, Element)])] = []
        var places: [Substring: Int] = [:]
        for (path, element) in entries {
            let dot = depth < maximumDepth ? path.firstIndex(of: ".") : nil
            let head = dot.map { path[..<$0] } ?? path
            let rest = dot.map { path[path.index(after: $0)...] } ?? ""
            if let place = places[head] {
                groups[place].entries.append((rest, element))
            } else {
                places[head] = groups.count
                groups.append((String(head), [(rest, element)]))
            }
        }
        return groups
    }

    /// The array index a segment spells in its one canonical form.
    private static func index(_ segment: String) -> Int? {
        guard let index = Int(segment), index >= 0, "\(index)" == segment else { return nil }
        return index
    }
}
