import MLX
import MLXBase
import MLXGraph
import MLXOps

/// The index language, packed: for each operation a code and its numbers.
/// 0 ellipsis; 1 new axis; 2 index, i; 3 slice, present bits (1 start, 2 end, 4 step), start, end,
/// step; 4 array, the next one of the list.
private func operations(_ words: [Int], _ arrays: [MLXArray]) throws -> [MLXArrayIndexOperation] {
    var rest = words[...]
    var others = arrays[...]
    func next() throws -> Int {
        guard let word = rest.popFirst() else {
            throw ArrayError(.argument, "subscript", "the packed index is cut short")
        }
        return word
    }
    var result: [MLXArrayIndexOperation] = []
    while let code = rest.popFirst() {
        switch code {
        case 0: result.append(.ellipsis)
        case 1: result.append(.newAxis)
        case 2: result.append(try next().mlxArrayIndexOperation)
        case 3:
            let bits = try next()
            let (start, end, step) = (try next(), try next(), try next())
            result.append(
                .slice(
                    MLXSlice(
                        from: bits & 1 != 0 ? start : nil, to: bits & 2 != 0 ? end : nil,
                        by: bits & 4 != 0 ? step : nil)))
        case 4:
            guard let array = others.popFirst() else {
                throw ArrayError(.argument, "subscript", "an index array is missing")
            }
            result.append(.array(array))
        default: throw ArrayError(.argument, "subscript", "unknown index \(code)")
        }
    }
    return result
}

/// The operations, if they are no more than the array has axes: what is wrong with an index itself
/// is an error of both kinds, of an argument and of an index.
private func checkedOperations(_ c: Call) throws -> [MLXArrayIndexOperation] {
    let found = try operations(try c.ints(1), try c.arrays(2))
    let ndim = try c.array(0).ndim
    var (named, ellipses) = (0, 0)
    for operation in found {
        switch operation {
        case .ellipsis: ellipses += 1
        case .newAxis: break
        default: named += 1
        }
    }
    if ellipses > 1 { throw Refusal.axis("An index can only have a single ellipsis (...)") }
    if named > ndim { throw Refusal.axis("Too many indices for array with \(ndim) dimensions.") }
    return found
}

extension FunctionTable {
    mutating func addIndexing() {
        one("subscript") { c in
            try c.array(0).read(checkedOperations(c), .unpinned)
        }
        update("subscript_set", .assign)
        update("subscript_add", .add)
        update("subscript_multiply", .multiply)
        update("subscript_maximum", .maximum)
        update("subscript_minimum", .minimum)
        one("take") { c in
            let (x, indices) = (try c.array(0), try c.array(1))
            guard let axis = try c.intIfGiven(2) else { return take(x, indices) }
            return take(x, indices, axis: axis)
        }
        one("take_along_axis") { c in
            let (x, indices) = (try c.array(0), try c.array(1))
            guard let axis = try c.intIfGiven(2) else { return takeAlong(x, indices) }
            return takeAlong(x, indices, axis: axis)
        }
        one("put_along_axis") { c in
            let (x, indices, values) = (try c.array(0), try c.array(1), try c.array(2))
            guard let axis = try c.intIfGiven(3) else {
                return putAlong(x, indices, values: values)
            }
            return putAlong(x, indices, values: values, axis: axis)
        }
        one("slice") { c in
            slice(
                try c.array(0), start: try c.array(1), axes: try c.ints(2),
                sizes: try c.ints(3))
        }
        one("slice_update") { c in
            sliceUpdate(
                try c.array(0), try c.array(1), start: try c.array(2), axes: try c.ints(3))
        }
    }

    /// x, packed index, its arrays, values.
    private mutating func update(_ name: String, _ update: IndexUpdate) {
        one(name) { c in
            try c.array(0).updated(
                checkedOperations(c), try c.array(3), update, .unpinned)
        }
    }

    mutating func addSorting() {
        one("sort") { c in
            let x = try c.array(0)
            guard let axis = try c.intIfGiven(1) else { return sorted(x) }
            return sorted(x, axis: axis)
        }
        one("argsort") { c in
            let x = try c.array(0)
            guard let axis = try c.intIfGiven(1) else { return argSort(x) }
            return argSort(x, axis: axis)
        }
        one("partition") { c in
            let (x, kth) = (try c.array(0), try c.int(1))
            guard let axis = try c.intIfGiven(2) else { return partitioned(x, kth: kth) }
            return partitioned(x, kth: kth, axis: axis)
        }
        one("argpartition") { c in
            let (x, kth) = (try c.array(0), try c.int(1))
            guard let axis = try c.intIfGiven(2) else { return argPartition(x, kth: kth) }
            return argPartition(x, kth: kth, axis: axis)
        }
        one("topk") { c in
            let (x, k) = (try c.array(0), try c.int(1))
            guard let axis = try c.intIfGiven(2) else { return top(flattened(x), k: k, axis: 0) }
            return top(x, k: k, axis: axis)
        }
        one("searchsorted") { c in
            let side: SearchSide
            switch try c.text(2) {
            case "left": side = .left
            case "right": side = .right
            default: throw c.error(.argument, "side is 'left' or 'right'")
            }
            return searchSorted(try c.array(0), try c.array(1), side: side)
        }
        many("unique") { c in
            let found = uniqueAll(
                try c.array(0), size: try c.int(1), fillValue: try c.arrayIfGiven(2))
            return [found.values, found.indices, found.inverse, found.counts]
        }
        one("diff") { c in diff(try c.array(0), n: try c.small(1), axis: try c.int(2)) }
    }
}
