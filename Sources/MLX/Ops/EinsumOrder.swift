/// The order in which an Einstein summation contracts its operands. Up to eight operands every
/// order is weighed (dynamic programming over subsets, 3^n steps); beyond, the pair whose
/// contraction costs least is taken, again and again. Cost counts multiplications and is a
/// floating-point number, because products of lengths overflow integers.
struct EinsumOrder {
    /// Positions of two operands in what is left; the result goes to the end.
    private(set) var steps: [(Int, Int)] = []
    private(set) var cost = 0.0
    /// With a single loop over all letters.
    let naiveCost: Double

    private let sizes: [Int: Int]
    private let result: Set<Int>
    private let terms: [Set<Int>]

    private static let exhaustiveLimit = 8

    init(_ notation: EinsumNotation) {
        sizes = notation.sizes
        result = Set(notation.result)
        terms = zip(notation.terms, notation.terms.indices).map { term, _ in Set(term) }
        naiveCost =
            sizes.values.reduce(1) { $0 * Double($1) }
            * Double(Swift.max(notation.terms.count - 1, 1))
        if terms.count <= EinsumOrder.exhaustiveLimit { exhaustive() } else { greedy() }
    }

    private func volume(_ labels: Set<Int>) -> Double {
        labels.reduce(1) { $0 * Double(sizes[$1]!) }
    }

    /// Labels of a contraction of some operands: theirs that the others or the result need.
    private func kept(_ own: Set<Int>, others: some Sequence<Set<Int>>) -> Set<Int> {
        own.intersection(others.reduce(into: result) { $0.formUnion($1) })
    }

    private mutating func exhaustive() {
        let count = terms.count
        guard count > 1 else { return }
        let full = 1 << count - 1
        var labels: [Set<Int>] = []
        for subset in 0...full {
            let inside = terms.indices.filter { subset >> $0 & 1 == 1 }
            let own = inside.reduce(into: Set<Int>()) { $0.formUnion(terms[$1]) }
            let others = terms.indices.filter { subset >> $0 & 1 == 0 }.map { terms[$0] }
            labels.append(inside.count == 1 ? own : kept(own, others: others))
        }
        var best = [Double](repeating: .infinity, count: full + 1)
        var cut = [Int](repeating: 0, count: full + 1)
        for subset in 1...full {
            if subset & (subset - 1) == 0 { best[subset] = 0 }
            var part = (subset - 1) & subset
            while part > subset ^ part {
                let rest = subset ^ part
                let cost = best[part] + best[rest] + volume(labels[part].union(labels[rest]))
                if cost < best[subset] { (best[subset], cut[subset]) = (cost, part) }
                part = (part - 1) & subset
            }
        }
        cost = best[full]
        var left = terms.indices.map { 1 << $0 }
        func contract(_ subset: Int) {
            if subset & (subset - 1) == 0 { return }
            let (a, b) = (cut[subset], subset ^ cut[subset])
            contract(a)
            contract(b)
            let places = (left.firstIndex(of: a)!, left.firstIndex(of: b)!)
            steps.append(places)
            left.removeAll { $0 == a || $0 == b }
            left.append(subset)
        }
        contract(full)
    }

    private mutating func greedy() {
        var left = terms
        while left.count > 1 {
            var choice = (cost: Double.infinity, size: Double.infinity, a: 0, b: 1)
            for b in left.indices {
                for a in 0..<b {
                    let own = left[a].union(left[b])
                    let others = left.indices.filter { $0 != a && $0 != b }.map { left[$0] }
                    let cost = volume(own)
                    let size =
                        volume(kept(own, others: others))
                        - volume(left[a]) - volume(left[b])
                    if (size, cost) < (choice.size, choice.cost) {
                        choice = (cost, size, a, b)
                    }
                }
            }
            let own = left[choice.a].union(left[choice.b])
            let others = left.indices.filter { $0 != choice.a && $0 != choice.b }.map { left[$0] }
            left = others + [kept(own, others: others)]
            steps.append((choice.a, choice.b))
            cost += choice.cost
        }
    }
}
