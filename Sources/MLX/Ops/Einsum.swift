import MLXBase
import MLXGraph
import MLXOps

// Einstein summation: the notation is read here, the order of contractions is found in
// EinsumOrder.swift, and each contraction of two operands is one matrix product, or one elementwise
// product where nothing is summed or the numbers are integers.

/// Sums of products in Einstein's notation: letters name axes, a letter that is not in the result
/// is summed over, `...` stands for axes that broadcast. Without `->` the result has the letters
/// that occur once, in alphabetical order. A letter twice in a term takes the diagonal.
///
/// Several operands are contracted two at a time, in the order of the fewest multiplications.
/// ```
/// einsum("ij,jk->ik", a, b)  // the matrix product
/// ```
public func einsum(
    _ subscripts: String, _ operands: MLXArray..., stream: StreamOrDevice = .default
) -> MLXArray {
    einsum(subscripts, operands: operands, stream: stream)
}

/// Sums of products in Einstein's notation, of any collection of operands.
/// ```
/// einsum("bij->bji", operands: [a])  // the matrices transposed
/// ```
public func einsum(
    _ subscripts: String, operands: some Collection<MLXArray>, stream: StreamOrDevice = .default
) -> MLXArray {
    let operands = Array(operands)
    return recording(operands) { () throws(ArrayError) in
        let notation = try EinsumNotation(subscripts, operands.map(\.shape))
        var terms = zip(operands, notation.terms).map {
            EinsumTerm(array: $0, labels: $1).diagonal(stream).squeezed(notation.sizes, stream)
        }
        for (a, b) in EinsumOrder(notation).steps {
            let right = terms.remove(at: Swift.max(a, b))
            let left = terms.remove(at: Swift.min(a, b))
            let needed = Set(terms.flatMap(\.labels) + notation.result)
            terms.append(left.contracted(with: right, keeping: needed, stream))
        }
        return terms[0].arranged(notation, stream)
    }
}

/// The order in which `einsum` contracts its operands, as NumPy writes it: the positions of each
/// contraction's two operands in the list that is left, to whose end the result goes. The text
/// says how many multiplications that saves.
/// ```
/// einsumPath("ij,jk,kl->il", a, b, c).path  // [[0, 1], [0, 1]], say
/// ```
/// - Throws: `ArrayError` when the notation does not fit the operands.
public func einsumPath(
    _ subscripts: String, _ operands: MLXArray...
) throws(ArrayError) -> (path: [[Int]], description: String) {
    let notation = try EinsumNotation(subscripts, operands.map(\.shape))
    let order = EinsumOrder(notation)
    return (
        order.steps.map { [Swift.min($0, $1), Swift.max($0, $1)] },
        "contraction: \(subscripts)\nmultiplications at once: \(order.naiveCost)\n"
            + "multiplications in this order: \(order.cost)\n"
    )
}

/// Terms with a label for each axis, and the size of each label. Letters are positive, axes under
/// an ellipsis negative, counted from the last one.
struct EinsumNotation {
    var terms: [[Int]] = []
    var result: [Int] = []
    var sizes: [Int: Int] = [:]

    init(_ text: String, _ shapes: [[Int]]) throws(ArrayError) {
        func refuse(_ message: String) -> ArrayError {
            ArrayError(.argument, "einsum", "\(message) in \"\(text)\"", shapes: shapes)
        }
        let plain = text.filter { $0 != " " }
        let arrow = plain.firstRange(of: "->")
        let left = arrow.map { plain[..<$0.lowerBound] } ?? plain[...]
        let inputs = left.split(separator: ",", omittingEmptySubsequences: false)
        guard inputs.count == shapes.count else {
            throw refuse("\(inputs.count) terms for \(shapes.count) operands")
        }
        var ellipsis = 0
        for (input, shape) in zip(inputs, shapes) {
            let term = try EinsumNotation.read(input, rank: shape.count, refuse)
            guard term.count == shape.count else {
                throw refuse("a term of \(term.count) axes for an operand with \(shape.count)")
            }
            ellipsis = Swift.max(ellipsis, term.count { $0 < 0 })
            terms.append(term)
            for (label, size) in zip(term, shape) {
                let known = sizes[label] ?? 1
                guard known == size || known == 1 || size == 1 else {
                    throw refuse("lengths \(known) and \(size) of one axis")
                }
                sizes[label] = known == 1 ? size : known
            }
        }
        let dots = (0..<ellipsis).map { $0 - ellipsis }
        if let arrow {
            result = try EinsumNotation.read(
                plain[arrow.upperBound...], rank: nil, refuse, dots: dots)
            guard Set(result).count == result.count else {
                throw refuse("a letter twice in the result")
            }
            guard result.allSatisfy({ sizes[$0] != nil }) else {
                throw refuse("a letter of the result that no term has")
            }
        } else {
            let letters = terms.joined().filter { $0 > 0 }
            result = dots + Set(letters).filter { own in letters.count { $0 == own } == 1 }.sorted()
        }
    }

    /// The labels of one term. Upper-case letters sort before lower-case ones, as in ASCII.
    private static func read(
        _ term: Substring, rank: Int?, _ refuse: (String) -> ArrayError, dots: [Int] = []
    ) throws(ArrayError) -> [Int] {
        var labels: [Int] = []
        var rest = term
        var hasDots = false
        let letters = term.count { $0 != "." }
        while let character = rest.first {
            if rest.hasPrefix("...") && !hasDots {
                hasDots = true
                let covered = Swift.max((rank ?? 0) - letters, 0)
                labels += rank == nil ? dots : (0..<covered).map { $0 - covered }
                rest = rest.dropFirst(3)
            } else if character.isASCII, character.isLetter {
                labels.append(Int(character.asciiValue!))
                rest = rest.dropFirst()
            } else {
                throw refuse("an unexpected \"\(character)\"")
            }
        }
        return labels
    }
}

/// An operand on its way through the contractions.
struct EinsumTerm {
    var array: MLXArray
    var labels: [Int]

    /// Labels that occur twice become one, whose axis is the diagonal.
    func diagonal(_ stream: StreamOrDevice) -> EinsumTerm {
        var term = self
        while let second = term.labels.indices.first(where: {
            term.labels[..<$0].contains(term.labels[$0])
        }) {
            let label = term.labels[second]
            let first = term.labels.firstIndex(of: label)!
            // Of two lengths one is 1 and broadcasts.
            let length = Swift.max(term.array.dim(first), term.array.dim(second))
            var shape = term.array.shape
            (shape[first], shape[second]) = (length, length)
            let square = broadcast(term.array, to: shape, stream: stream)
            term.array = MLX.diagonal(square, axis1: first, axis2: second, stream: stream)
            term.labels.remove(at: second)
            term.labels.remove(at: first)
            term.labels.append(label)
        }
        return term
    }

    /// Without axes of length one that broadcast against longer ones.
    func squeezed(_ sizes: [Int: Int], _ stream: StreamOrDevice) -> EinsumTerm {
        let kept = labels.indices.filter { array.dim($0) == sizes[labels[$0]] }
        if kept.count == labels.count { return self }
        return EinsumTerm(
            array: Ops.reshape(array, kept.map { array.dim($0) }, stream: stream.id),
            labels: kept.map { labels[$0] })
    }

    private func size(_ wanted: [Int]) -> Int {
        wanted.reduce(1) { $0 * array.dim(labels.firstIndex(of: $1)!) }
    }

    private func ordered(_ wanted: [Int], _ stream: StreamOrDevice) -> MLXArray {
        Ops.transpose(array, wanted.map { labels.firstIndex(of: $0)! }, stream: stream.id)
    }

    /// Summed over labels that nobody needs.
    private func summed(keeping needed: Set<Int>, _ stream: StreamOrDevice) -> EinsumTerm {
        let axes = labels.indices.filter { !needed.contains(labels[$0]) }
        if axes.isEmpty { return self }
        let sums = Ops.reduce(.sum, array, axes: axes, keepDims: false, stream: stream.id)
        return EinsumTerm(
            array: Ops.cast(sums, to: array.dtype, stream: stream.id),
            labels: labels.filter(needed.contains))
    }

    func contracted(
        with other: EinsumTerm, keeping needed: Set<Int>, _ stream: StreamOrDevice
    ) -> EinsumTerm {
        let left = summed(keeping: needed.union(other.labels), stream)
        let right = other.summed(keeping: needed.union(labels), stream)
        let common = left.labels.filter(right.labels.contains)
        let batch = common.filter(needed.contains)
        let inner = common.filter { !needed.contains($0) }
        let leftOnly = left.labels.filter { !common.contains($0) }
        let rightOnly = right.labels.filter { !common.contains($0) }
        let lengths = batch.map { left.size([$0]) }
        let (m, k, n) = (left.size(leftOnly), left.size(inner), right.size(rightOnly))
        let a = left.ordered(batch + leftOnly + inner, stream)
        let b = right.ordered(batch + inner + rightOnly, stream)
        let x = Ops.reshape(a, lengths + [m, k], stream: stream.id)
        let y = Ops.reshape(b, lengths + [k, n], stream: stream.id)
        let isFloat = DType.promote(x.dtype, y.dtype).isFloatingPoint
        let product: MLXArray
        if isFloat && m == 1 && n == 1 && !batch.isEmpty && !inner.isEmpty {
            product = EinsumTerm.dots(x, y, lengths, k, stream)
        } else if isFloat && !inner.isEmpty {
            product = Ops.matmul(x, y, stream: stream.id)
        } else {
            let wide = Ops.binary(
                .multiply, Ops.reshape(x, lengths + [m, k, 1], stream: stream.id),
                Ops.reshape(y, lengths + [1, k, n], stream: stream.id), stream: stream.id)
            product = Ops.cast(
                Ops.reduce(
                    .sum, wide, axes: [lengths.count + 1], keepDims: false, stream: stream.id),
                to: wide.dtype, stream: stream.id)
        }
        let shape = lengths + leftOnly.map { left.size([$0]) } + rightOnly.map { right.size([$0]) }
        return EinsumTerm(
            array: Ops.reshape(product, shape, stream: stream.id),
            labels: batch + leftOnly + rightOnly)
    }

    /// Many inner products: elementwise, because a matrix product each would cost more than its
    /// sums. The half types are summed in float32, as products are.
    private static func dots(
        _ x: MLXArray, _ y: MLXArray, _ lengths: [Int], _ count: Int, _ stream: StreamOrDevice
    ) -> MLXArray {
        let type = DType.promote(x.dtype, y.dtype)
        let wide: DType = type.size == 2 ? .float32 : type
        let factors = [x, y].map {
            Ops.cast(
                Ops.reshape($0, lengths + [count], stream: stream.id), to: wide, stream: stream.id)
        }
        let products = Ops.binary(.multiply, factors[0], factors[1], stream: stream.id)
        let sums = Ops.reduce(
            .sum, products, axes: [lengths.count], keepDims: false, stream: stream.id)
        return Ops.cast(sums, to: type, stream: stream.id)
    }

    /// The result: summed over what is left, in the order of its labels. An axis of length one
    /// that was squeezed from every operand comes back.
    func arranged(_ notation: EinsumNotation, _ stream: StreamOrDevice) -> MLXArray {
        let term = summed(keeping: Set(notation.result), stream)
        let present = notation.result.filter(term.labels.contains)
        return Ops.reshape(
            term.ordered(present, stream), notation.result.map { notation.sizes[$0]! },
            stream: stream.id)
    }
}
